"""Reads a batch's input: what makes the whole batch fail, by line, without a word of what it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clinsynth.serve.errors import explain
from clinsynth.serve.store.batches import Line
from clinsynth.serve.wire_batches import BatchError, BatchErrors

_MOST_ERRORS: Final = 20


class BadInputError(Exception):
    """The batch cannot be run; ``errors`` is what its owner is told."""

    def __init__(self, errors: list[BatchError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = BatchErrors(data=errors)


class _InputLine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    custom_id: str = Field(min_length=1, max_length=512)
    method: str
    url: str
    body: dict[str, Any]


def checked_lines(lines: Iterable[bytes], endpoint: str, most: int, most_bytes: int) -> Iterator[Line]:
    """The lines to run, by number from 0; blank ones are left out. Bodies are looked at when they are run.

    Args:
        most: lines allowed.
        most_bytes: of one line.

    Raises:
        BadInputError: at the end, or when too much is wrong to go on.
    """
    errors, seen, number = list[BatchError](), set[str](), 0
    for place, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            if number == most:
                raise _Wrong("too_many_lines", f"the file has more than {most} lines")
            if len(raw) > most_bytes:
                raise _Wrong("line_too_long", f"the line is longer than {most_bytes} bytes")
            line = _checked(raw, endpoint)
            if line.custom_id in seen:
                raise _Wrong("duplicate_custom_id", "custom_id: an earlier line has the same", "custom_id")
        except _Wrong as wrong:
            errors.append(BatchError(code=wrong.code, message=wrong.message, param=wrong.param, line=place))
            if len(errors) == _MOST_ERRORS or wrong.code == "too_many_lines":
                break
            continue
        seen.add(line.custom_id)
        if not errors:
            yield Line(number, line.custom_id, json.dumps(line.body, ensure_ascii=False))
        number += 1
    if not number and not errors:
        errors.append(BatchError(code="empty_file", message="the file has no lines"))
    if errors:
        raise BadInputError(errors)


class _Wrong(Exception):  # noqa: N818 - caught a few lines above
    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.param = code, message, param


def _checked(raw: bytes, endpoint: str) -> _InputLine:
    try:
        line = _InputLine.model_validate_json(raw)
    except ValidationError as error:
        param, message = explain(error.errors(), frozenset(_InputLine.model_fields), placed=False)
        if error.errors()[0]["type"] == "json_invalid":
            raise _Wrong("invalid_json", "the line is not JSON") from None
        raise _Wrong("invalid_line", message, param) from None
    if line.method != "POST":
        raise _Wrong("invalid_method", "method: must be POST", "method")
    if line.url != endpoint:
        raise _Wrong("mismatched_url", f"url: must be the batch's endpoint, {endpoint}", "url")
    return line
