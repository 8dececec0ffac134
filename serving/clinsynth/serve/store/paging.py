"""Lists a page at a time, as OpenAI's API has them: newest first, going on behind an id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, and_, or_, select


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows.

    Args:
        limit: most rows that are shown; one more is fetched, to know whether there are more.
        after: the id behind which the page begins; None: at the beginning. An id that is not there ends
            the list.
        newest_first: order by time; ids break ties.
    """

    limit: int = 20
    after: str | None = None
    newest_first: bool = True

    def of(self, query: Select[Any], table: Table) -> Select[Any]:
        """The query for this page of a table with ``id`` and ``created``."""
        created, name = table.c.created, table.c.id
        if self.after is not None:
            at = select(created).where(name == self.after).scalar_subquery()
            if self.newest_first:
                query = query.where(or_(created < at, and_(created == at, name < self.after)))
            else:
                query = query.where(or_(created > at, and_(created == at, name > self.after)))
        order = (created.desc(), name.desc()) if self.newest_first else (created, name)
        return query.order_by(*order).limit(self.limit + 1)
