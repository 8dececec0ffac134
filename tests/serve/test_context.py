"""A continuation is judged alone and with the text it goes on from."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from clinsynth.corpus import Span
from clinsynth.gate import Gate, GateConfig
from clinsynth.serve.context import body_of, release_continuation
from clinsynth.tokens.template import parse

_CONFIG = GateConfig(min_words=1, min_characters=1, max_copied_words=5, neighbours=False)
_SOURCE = "one two three four five six seven eight nine ten"


class Rules:
    """A record number is one only behind its label; an e-mail address is one anywhere."""

    def detect(self, text: str) -> Sequence[Span]:
        found = [Span(m.start(1), m.end(1), "MRN") for m in re.finditer(r"MRN: (\d+)", text)]
        found += [Span(m.start(), m.end(), "EMAIL") for m in re.finditer(r"\w+@\w+\.\w+", text)]
        return sorted(found)


class Copies:
    """Knows one sentence, by stretches of four words and more."""

    def matches(self, text: str) -> list[tuple[int, int]]:
        words = _SOURCE.split()
        for length in range(len(words), 3, -1):
            for i in range(len(words) - length + 1):
                at = text.find(" ".join(words[i : i + length]))
                if at >= 0:
                    return [(at, at + len(" ".join(words[i : i + length])))]
        return []


@pytest.mark.parametrize(
    ("body", "answer", "text"),
    [
        ("", "Seen today.", "Seen today."),
        ("Known", " asthma.", " asthma."),
        ("", "MRN: 4711 noted.", "MRN: <|MRN|> noted."),  # found alone: mended
        ("Known asthma. ", "MRN: 4711 noted.", "MRN: <|MRN|> noted."),
        ("MRN: ", "4711 noted.", None),  # a number alone, an identifier in its place
        ("MRN: 47", "11 noted.", None),  # half of it each
        ("MRN: 4711", " noted.", " noted."),  # the client's own, and all of it
        ("a@b", ".org is the address", None),
        ("MRN: ", "<|MRN|> noted.", "<|MRN|> noted."),  # a tag is no identifier
        ("one two three", " four five six seven", None),  # each half is short
        ("one two", " and something else", " and something else"),
        ("one two three four five six seven eight", " is how I count", " is how I count"),
    ],
)
def test_what_shows_only_in_the_whole_withholds(body: str, answer: str, text: str | None) -> None:
    gate = Gate(_CONFIG, Rules(), Copies(), None)
    parsed = parse(answer, finished=True)
    released = release_continuation(gate, body, parsed, "tags", b"key", ("PROBLEM",))
    assert (released.note.text if released.note is not None else None) == text
    if text is None:
        assert released.verdict.decision == "reject"


class Broken:
    def detect(self, text: str) -> Sequence[Span]:
        if "Known" in text:
            raise RuntimeError("no answer")
        return []


def test_a_detector_that_fails_on_the_whole_withholds() -> None:
    gate = Gate(_CONFIG, Broken(), Copies(), None)
    parsed = parse(" asthma.", finished=True)
    assert release_continuation(gate, "", parsed, "tags", b"k", ()).note is not None
    released = release_continuation(gate, "Known", parsed, "tags", b"k", ())
    assert released.note is None
    assert [reason.code for reason in released.verdict.reasons] == ["detector_failed"]


@pytest.mark.parametrize(
    ("prompt", "body"),
    [
        ("<|note|>sex: female\n<|text|>Known", "Known"),
        ("<|note|><|text|>", ""),
        ("<|note|>Known", "Known"),
        ("Known", "Known"),
        ("", ""),
    ],
)
def test_the_body_is_what_stands_behind_the_header(prompt: str, body: str) -> None:
    assert body_of(prompt) == body
