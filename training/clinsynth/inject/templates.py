"""The lines, sentences and phrases that carry identifiers, by split.

``data/SPLIT/templates.tsv`` holds a row a template: its place and its text. Text holds slots: ``{DATE}``,
``{NAME:doctor.full}``, ``{LOCATION:city}`` become spans of that label; slots in small letters, ``{he}``,
``{score}``, do not. ``\\n`` is a line break. Places:

* ``header``: a line or block at the top; ``signoff``: one at the end
* ``sentence``: between two sentences; ``social``: the same, in the social history where there is one
* ``phrase``: ``old words => new words``, put in the place of words of the note

A template without a label is a distractor: something that looks like an identifier and is none.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources
from typing import Final

from clinsynth.errors import DataError
from clinsynth.inject.formats import LABELS, WORDS, Table, formats
from clinsynth.inject.people import ROLES
from clinsynth.inject.vocabulary import SPLITS

PLACES: Final = ("header", "signoff", "sentence", "social", "phrase")
NOTE_WORDS: Final = (
    "he",
    "He",
    "his",
    "His",
    "him",
    "title",
    "Title",
    "man",
    "kin",
    "Kin",
    "kin2",
    "elder",
    "Elder",
)
"""Words that depend on who the patient is."""

_SLOT: Final = re.compile(r"\{(\w+)(?::([\w.]+))?\}")


@dataclass(frozen=True)
class Slot:
    """A gap in a template: label (empty: no identifier) and what goes in."""

    label: str
    variant: str


@dataclass(frozen=True)
class Template:
    """A row. ``parts`` are text and slots in order; ``old`` the words that a phrase replaces."""

    place: str
    source: str
    parts: tuple[str | Slot, ...]
    old: str = ""

    @property
    def labels(self) -> frozenset[str]:
        """Labels that its slots carry."""
        return frozenset(part.label for part in self.parts if isinstance(part, Slot) and part.label)


@functools.cache
def templates(split: str) -> tuple[Template, ...]:
    """The templates of a split.

    Raises:
        DataError: a row is wrong, or stands in another split, too.
    """
    loaded = {name: _load(name) for name in SPLITS}
    for other in SPLITS:
        if other != split:
            shared = {row.source for row in loaded[other]} & {row.source for row in loaded[split]}
            if shared:
                raise DataError(
                    f"{split}/templates.tsv: {len(shared)} rows stand in {other}/templates.tsv, too"
                )
    return loaded[split]


def _load(split: str) -> tuple[Template, ...]:
    name = f"{split}/templates.tsv"
    text = resources.files(__package__).joinpath("data", name).read_text("utf-8")
    return tuple(parse(text, name, formats(split)))


def parse(text: str, name: str, table: Table) -> list[Template]:
    """The rows of a file of templates.

    Raises:
        DataError: names the file, the line and what is wrong.
    """
    rows: dict[str, Template] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("# "):
            continue
        place, _, source = line.partition("\t")
        try:
            template = _template(place, source, table)
        except ValueError as error:
            raise DataError.at(name, number, str(error)) from None
        if source in rows:
            raise DataError.at(name, number, "template stands twice")
        rows[source] = template
    return list(rows.values())


def _template(place: str, source: str, table: Table) -> Template:
    if place not in PLACES:
        raise ValueError(f"place {place!r}: one of {', '.join(PLACES)}")
    old, arrow, new = source.partition(" => ")
    if (place == "phrase") != bool(arrow):
        raise ValueError("a phrase is 'old words => new words', and nothing else is")
    body = (new if arrow else source).replace("\\n", "\n")
    if not body.strip():
        raise ValueError("text is missing behind the tab")
    return Template(place, source, tuple(_parts(body, table)), old if arrow else "")


def _parts(body: str, table: Table) -> list[str | Slot]:
    parts: list[str | Slot] = []
    done = 0
    for match in _SLOT.finditer(body):
        if match.start() > done:
            parts.append(body[done : match.start()])
        parts.append(_slot(match.group(1), match.group(2) or "", table))
        done = match.end()
    if done < len(body):
        parts.append(body[done:])
    if any(isinstance(part, str) and {"{", "}"} & set(part) for part in parts):
        raise ValueError("a brace opens or closes no slot")
    return parts


def _slot(name: str, variant: str, table: Table) -> Slot:
    if name in WORDS or name in NOTE_WORDS:
        if variant:
            raise ValueError(f"slot {{{name}:{variant}}}: a word has no variant")
        return Slot("", name)
    if name not in LABELS:
        raise ValueError(f"slot {{{name}}}: no class and no word")
    role, dot, form = variant.partition(".")
    if name == "NAME" and (role not in ROLES or f"NAME.{form}" not in table):
        raise ValueError(f"slot {{NAME:{variant}}}: needs role.form, role one of {', '.join(ROLES)}")
    kind = f"{name}.{variant}" if variant else name
    if name != "NAME" and kind not in table and kind not in ("DATE", "DATE.dob"):
        raise ValueError(f"slot {{{name}{dot and ':'}{variant}}}: no format of kind {kind}")
    return Slot(name, variant)
