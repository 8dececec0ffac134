"""What makes a whole batch fail: told by line, and never a word of the line."""

from __future__ import annotations

import json

import pytest

from clinsynth.serve.batch_input import BadInputError, checked_lines
from clinsynth.serve.store.batches import Line

SECRET = "Bloomquist"


def line(custom_id: object = "a", method: str = "POST", url: str = "/v1/notes", **more: object) -> bytes:
    return json.dumps({"custom_id": custom_id, "method": method, "url": url, "body": {}, **more}).encode()


def checked(*lines: bytes, most: int = 5) -> list[Line]:
    return list(checked_lines(lines, "/v1/notes", most, 300))


def test_lines_are_numbered_and_blank_ones_left_out() -> None:
    good = checked(b"", line("a"), b"  \r", line("b", body={"note_type": "é"}), b"")
    assert good == [Line(0, "a", "{}"), Line(1, "b", '{"note_type": "é"}')]


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        (SECRET.encode(), "invalid_json", None),
        (b"\xff\xfe", "invalid_json", None),
        (b"[]", "invalid_line", None),
        (line(7), "invalid_line", "custom_id"),
        (line(""), "invalid_line", "custom_id"),
        (line("x" * 513)[:0] + b'{"custom_id": "' + b"x" * 600 + b'"}', "line_too_long", None),
        (line(body=[SECRET]), "invalid_line", "body"),
        (line(**{SECRET: 1}), "invalid_line", None),
        (line(method="GET"), "invalid_method", "method"),
        (line(url="/v1/completions"), "mismatched_url", "url"),
        (line("first"), "duplicate_custom_id", "custom_id"),
        (b'{"custom_id": "a"}', "invalid_line", "method"),
    ],
)
def test_a_wrong_line_is_named(wrong: bytes, code: str, param: str | None) -> None:
    with pytest.raises(BadInputError) as error:
        checked(line("first"), b"", wrong, line("last"))
    [told] = error.value.errors.data
    assert (told.code, told.param, told.line) == (code, param, 3)
    assert SECRET not in told.message
    assert "\n" not in told.message


def test_too_many_lines() -> None:
    assert len(checked(*(line(f"{i}") for i in range(5)))) == 5
    with pytest.raises(BadInputError) as error:
        checked(*(line(f"{i}") for i in range(9)))
    assert [one.code for one in error.value.errors.data] == ["too_many_lines"]


def test_the_first_twenty_errors_are_told() -> None:
    with pytest.raises(BadInputError) as error:
        checked(*(b"x" for _ in range(100)), most=1000)
    assert [one.line for one in error.value.errors.data] == list(range(1, 21))


def test_nothing_is_no_batch() -> None:
    with pytest.raises(BadInputError) as error:
        checked(b"", b"\n")
    assert [one.code for one in error.value.errors.data] == ["empty_file"]
