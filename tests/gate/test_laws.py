"""Laws of the gate, for any generated text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gate.gate_texts import TRAINED, RuleDetector

from clinsynth.corpus import PHI_LABELS
from clinsynth.deid import TAG
from clinsynth.gate import Gate
from clinsynth.tokens.template import parse

# Words that a model may write, in any order: names, numbers, tags whole and broken, marks, training text.
_WORDS = (
    "Zebulon", "Quist", "Zebulon Quist", "555-010-0199", "a.b@c.example", "<|NAME|>", "<|PHONE|>",
    "<|DATE|>", "<|NA", "ME|>", "|>", "<|", "<|PROBLEM|>", "<|/|>", "<|TEST|>", "asthma", "well", "no",
    "\n", ".", "<|text|>", "<|note|>", "sex: male\n", TRAINED[:60], TRAINED, "é", "",
)  # fmt: skip
texts = st.lists(st.sampled_from(_WORDS), max_size=40).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)
_lawful = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def gate(make_gate: Callable[..., Gate]) -> Gate:
    return make_gate(min_words=1, min_characters=1, timeout_seconds=60)


@_lawful
@given(text=texts, mode=st.sampled_from(["tags", "surrogates"]))
def test_nothing_that_the_detector_sees_comes_through(gate: Gate, text: str, mode: str) -> None:
    released = gate.release(parse(text, finished=True), mode, b"key")  # type: ignore[arg-type]
    note = released.note
    assert (note is None) == (released.verdict.decision == "reject")
    if note is None:
        assert any(reason.rejects for reason in released.verdict.reasons)
        return
    for hit in RuleDetector().detect(note.text):
        assert any(hit.start < span.end and span.start < hit.end for span in note.phi)
    for span in note.phi:
        assert span.label in PHI_LABELS
        if mode == "tags":
            assert note.text[span.start : span.end] == f"<|{span.label}|>"
    if mode == "tags":
        assert len(note.phi) == len(TAG.findall(note.text)) == note.text.count("<|")
    else:
        assert not TAG.search(note.text)


@_lawful
@given(text=texts)
def test_what_was_released_passes_again(gate: Gate, text: str) -> None:
    note = gate.release(parse(text, finished=True)).note
    if note is not None:
        assert gate.check(note).decision == "pass"
