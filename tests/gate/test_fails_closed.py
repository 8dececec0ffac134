"""A detector that raises, hangs, lies or is missing withholds the note, is counted, and leaves no text."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.gate.gate_texts import CLEAN, RuleDetector

from clinsynth.config import parse_config
from clinsynth.corpus import Span
from clinsynth.deid import DeidConfig, Detector
from clinsynth.errors import FolderError, GateError, UsageError
from clinsynth.gate import Gate, GateConfig, load_gate
from clinsynth.overlap import NEIGHBOURS, NGRAMS, NeighbourIndex, NgramIndex
from clinsynth.tokens.template import parse

SECRET = "Zebulon Quist"


class Raises:
    def detect(self, text: str) -> list[Span]:
        raise ValueError(f"cannot read {text}")


class Exits:
    def detect(self, text: str) -> list[Span]:
        raise SystemExit(f"leaving with {text}")


class Answers:
    def __init__(self, answer: object) -> None:
        self.answer = answer

    def detect(self, text: str) -> object:
        return self.answer


class Hangs:
    def __init__(self) -> None:
        self.go = threading.Event()

    def detect(self, text: str) -> list[Span]:
        self.go.wait(30)
        return []


class Late:
    """Never gives up the lock, so it cannot be interrupted, only found late."""

    def detect(self, text: str) -> list[Span]:
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            pass
        return []


LIES = {
    "none": None,
    "text": "no identifiers",
    "pairs": [(0, 3)],
    "past the end": [Span(0, 10_000, "NAME")],
    "a label that nobody knows": [Span(0, 3, "BADGE")],
    "a mapping": {"NAME": 3},
}


@pytest.mark.parametrize(
    ("detector", "how"),
    [
        (Raises(), "ValueError"),
        (Exits(), "SystemExit"),
        (Late(), "timeout"),
        *((Answers(lie), "wrong_type") for lie in LIES.values()),
    ],
    ids=["raises", "exits", "late", *LIES],
)
@pytest.mark.parametrize("mode", ["tags", "surrogates"])
def test_a_failing_detector_withholds(
    make_gate: Callable[..., Gate],
    caplog: pytest.LogCaptureFixture,
    detector: object,
    how: str,
    mode: str,
) -> None:
    gate = make_gate(detector, timeout_seconds=0.2 if how == "timeout" else 60, copied=False)
    with caplog.at_level(logging.DEBUG):
        released = gate.release(parse(f"{SECRET} has a cough. {CLEAN}"), mode, b"key")  # type: ignore[arg-type]
    assert released.note is None
    assert [r.key for r in released.verdict.reasons] == [f"detector_failed:{how}"]
    assert gate.counts == {"checked": 1, "reject": 1, f"detector_failed:{how}": 1}
    assert "withheld" in caplog.text
    assert SECRET not in caplog.text
    assert "cough" not in caplog.text


def test_a_hanging_detector_withholds_in_time_and_does_not_hold_up_the_next_note(
    make_gate: Callable[..., Gate],
) -> None:
    hangs = Hangs()
    gate = make_gate(hangs, timeout_seconds=0.05, copied=False)
    start = time.monotonic()
    verdicts = [gate.release(parse(CLEAN)).verdict for _ in range(40)]  # more than may hang at once
    assert time.monotonic() - start < 25, "each note waits for its own limit only"
    assert {r.key for v in verdicts for r in v.reasons} == {"detector_failed:timeout"}
    hangs.go.set()
    assert any(gate.release(parse(CLEAN)).note is not None for _ in range(100)), "it recovers"


def test_a_detector_that_fails_at_the_second_look_withholds(make_gate: Callable[..., Gate]) -> None:
    class FailsLater:
        looks = 0

        def detect(self, text: str) -> list[Span]:
            self.looks += 1
            if self.looks > 1:
                raise RuntimeError
            return RuleDetector().detect(text)

    released = make_gate(FailsLater()).release(parse(f"{SECRET} is well and went home today.<|end|>"))
    assert released.note is None
    assert "detector_failed:RuntimeError" in [r.key for r in released.verdict.reasons]


class Index:
    """Does what the test says in the place of both indexes."""

    def __init__(self, look: Callable[[str], object]) -> None:
        self.matches = self.similarity = look


def raises(text: str) -> object:
    raise ValueError(f"cannot read {text}")


def hangs(text: str) -> object:
    return time.sleep(1)


@pytest.mark.parametrize("who", ["index", "neighbours"])
@pytest.mark.parametrize(
    ("look", "how"),
    [
        (raises, "ValueError"),
        (hangs, "timeout"),
        (lambda _: None, "wrong_type"),
        (lambda _: [(5, 2)], "wrong_type"),
        (lambda _: float("nan"), "wrong_type"),
        (lambda _: 1.5, "wrong_type"),
        (lambda _: 0, "wrong_type"),
    ],
    ids=["raises", "hangs", "none", "backwards", "no number", "over 1", "no share"],
)
def test_a_failing_index_withholds(
    caplog: pytest.LogCaptureFixture, who: str, look: Callable[[str], object], how: str
) -> None:
    policy = GateConfig(copied=who == "index", neighbours=who == "neighbours", timeout_seconds=0.2)
    broken: tuple[object, object] = (Index(look), None) if who == "index" else (None, Index(look))
    gate = Gate(policy, RuleDetector(), *broken)  # type: ignore[arg-type]
    with caplog.at_level(logging.DEBUG):
        released = gate.release(parse(f"He sleeps well. {CLEAN}"))
    assert released.note is None
    assert [r.key for r in released.verdict.reasons] == [f"{who}_failed:{how}"]
    assert gate.counts == {"checked": 1, "reject": 1, f"{who}_failed:{how}": 1}
    assert "withheld" in caplog.text
    assert "sleeps" not in caplog.text


class OneRecogniser:
    """A detector of the real kind with one recogniser, which does what the test says."""

    def __init__(self, look: Callable[[str], object]) -> None:
        from clinsynth.deid.presidio import EntityRecognizer

        class Recogniser(EntityRecognizer):  # type: ignore[misc]
            def load(self) -> None: ...

            def analyze(self, text: str, entities: object, nlp_artifacts: object) -> object:
                return look(text)

        config = DeidConfig(labels=("NAME",))
        self.detect = Detector(config, [Recogniser(["NAME"], name="one")]).detect


@pytest.mark.parametrize(
    ("look", "how"), [(raises, "GateError"), (lambda _: None, "GateError"), (hangs, "timeout")]
)
def test_a_recogniser_that_does_not_answer_withholds(
    make_gate: Callable[..., Gate],
    caplog: pytest.LogCaptureFixture,
    look: Callable[[str], object],
    how: str,
) -> None:
    gate = make_gate(OneRecogniser(look), timeout_seconds=0.5)
    with caplog.at_level(logging.DEBUG):
        released = gate.release(parse(f"{SECRET} has a cough. {CLEAN}"))
    assert released.note is None
    assert gate.counts == {"checked": 1, "reject": 1, f"detector_failed:{how}": 1}
    assert SECRET not in caplog.text
    assert "cough" not in caplog.text


def test_a_missing_recogniser_is_told_of_before_a_note_is_seen() -> None:
    with pytest.raises(GateError, match="no recogniser looks for NAME"):
        Detector(DeidConfig(labels=("NAME",)), [])


def test_failing_surrogates_withhold(
    make_gate: Callable[..., Gate], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(note: object, key: bytes) -> object:
        raise LookupError(f"no surrogate for {SECRET}")

    monkeypatch.setattr("clinsynth.deid.to_surrogates", broken)
    released = make_gate().release(parse(CLEAN), "surrogates", b"key")
    assert released.note is None
    assert [r.key for r in released.verdict.reasons] == ["surrogates_failed:LookupError"]
    assert SECRET not in caplog.text


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """As much of a model folder as a gate reads."""
    texts = ["nothing of note " * 20]
    NgramIndex.build(texts).save(tmp_path / NGRAMS)
    NeighbourIndex.build(texts).save(tmp_path / NEIGHBOURS)
    return tmp_path


@pytest.mark.parametrize(("index", "key"), [(NGRAMS, "copied"), (NEIGHBOURS, "neighbours")])
def test_no_index_no_start(model: Path, index: Path, key: str) -> None:
    (model / index).write_bytes(b"not numpy")
    with pytest.raises(FolderError, match="is damaged"):
        load_gate(model)
    (model / index).unlink()
    with pytest.raises(FolderError, match=rf"no {index}: .*gate\.{key}=false"):
        load_gate(model)
    assert load_gate(model, GateConfig.model_validate({key: False})).release(parse(CLEAN)).note is not None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_copied_word": 3}, "did you mean max_copied_words"),
        ({"max_copied_words": 0}, "key max_copied_words"),
        ({"on_identifier": "ignore"}, "key on_identifier"),
        ({"timeout_seconds": 0}, "key timeout_seconds"),
        ({"max_similarity": 0.4}, "key max_similarity"),
        ({"preset": "recall"}, "key preset"),
        ({"preset": ["recall_first"]}, "key preset"),
        ({"deid": 3}, "key deid"),
        ({"stream": "early"}, "key stream"),
        ({"min_characters": 50, "max_characters": 40}, "min_characters is 50, above"),
    ],
)
def test_a_wrong_policy_is_one_clear_line(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        parse_config(wrong, GateConfig, source="policy.yaml")
    assert "\n" not in str(error.value)


def test_load_gate_builds_the_real_thing(model: Path) -> None:
    gate = load_gate(model)
    released = gate.release(parse("Write to a.b@hospital.example.org for the results of today.<|end|>"))
    assert released.note is not None
    assert "@" not in released.note.text
    assert gate.release(parse(CLEAN)).verdict.decision == "pass"
