"""Text that is made to hang or to slip through: a verdict comes, in time that grows with the length alone."""

# ruff: noqa: RUF001 - texts that are not what they seem

from __future__ import annotations

import time

import pytest

from clinsynth.deid import Detector
from clinsynth.gate import Gate, GateConfig, Released
from clinsynth.overlap import NeighbourIndex, NgramIndex
from clinsynth.tokens.template import parse

_TRAINED = ["the patient has had a cough and a fever for many days now, and wants to go home again"]
_UNITS = {
    "one word": "a",
    "numbers": "555-",
    "addresses begun": "a@",
    "sentences": "a. ",
    "titles": "Dr. ",
    "names": "Smith John ",
    "zero width": "a\u200b",
    "bidi": "\u202eJohn\u202c ",
    "accents": "e\u0301\u0323",
    "scripts": "Jоhn Іvаn 北京 ",
    "tags": "<|NAME|>",
    "marks": "<|PROBLEM|>a<|/|> ",
    "marks left open": "<|PROBLEM|>a",
    "half tags": "<|",
    "blank lines": "\n\nA: ",
}


@pytest.fixture(scope="module")
def gate() -> Gate:
    """The real detector and the real indexes, with a policy that looks at everything."""
    policy = GateConfig(
        max_characters=2_000_000,
        min_words=1,
        min_characters=1,
        max_repeated_lines=1,
        max_repeated_ngrams=1,
        timeout_seconds=120,
    )
    detector = Detector()
    detector.detect("Warm now.")
    return Gate(policy, detector, NgramIndex.build(_TRAINED), NeighbourIndex.build(_TRAINED))


def look(gate: Gate, text: str) -> tuple[float, Released]:
    """Seconds of the processor, which do not count what else the machine does, and what was said."""
    start = time.process_time()
    released = gate.release(parse(text, finished=True))
    return time.process_time() - start, released


@pytest.mark.parametrize("unit", _UNITS.values(), ids=_UNITS.keys())
def test_time_is_linear(gate: Gate, unit: str) -> None:
    small = min(look(gate, unit * (10_000 // len(unit)))[0] for _ in range(3))
    looks = [look(gate, unit * (80_000 // len(unit))) for _ in range(2)]
    large, released = min(looks, key=lambda one: one[0])
    assert large < 24 * small + 0.5, "eight times the text, about eight times the time"
    failed = [r.key for r in released.verdict.reasons if r.code.endswith("_failed")]
    assert not failed


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["a", "a\u200b", "\u202ea\u2066 ", "Jоhn "])
def test_a_line_of_a_megabyte(gate: Gate, unit: str) -> None:
    seconds, released = look(gate, unit * (1_000_000 // len(unit)))
    assert seconds < 60
    assert not [r for r in released.verdict.reasons if r.code.endswith("_failed")]
    default = gate.under(GateConfig(timeout_seconds=120))
    seconds, released = look(default, unit * (1_000_000 // len(unit)))
    assert "too_long" in [r.code for r in released.verdict.reasons]
    assert seconds < 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ring 555-\u200b010-\u200b0199 with questions about this.", "Ring <|PHONE|> with questions about this."),
        ("Write to j\u200ba@clinic.ex\u2060ample.org with questions.", "Write to <|EMAIL|> with questions."),
        ("Ring ５５５－０１０－０１９９ with questions about this.", "Ring <|PHONE|> with questions about this."),
        ("Seen by Dr. Mаrjоrie Okоnkwo in the clinic today.", "Seen by Dr. <|NAME|> in the clinic today."),
        ("Seen by Dr. Ok\xadon\u200bkwo in the clinic today.", "Seen by Dr. <|NAME|> in the clinic today."),
        ("Seen by Dr. \u202eOkonkwo\u202c in the clinic today.", "Seen by Dr. \u202e<|NAME|>\u202c in the clinic today."),
    ],
)  # fmt: skip
def test_what_is_disguised_does_not_leave(gate: Gate, text: str, expected: str) -> None:
    note = look(gate, text)[1].note
    assert note is not None
    assert note.text == expected
