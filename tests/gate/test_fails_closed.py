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
from clinsynth.errors import FolderError, UsageError
from clinsynth.gate import Gate, GateConfig, load_gate
from clinsynth.overlap import NgramIndex
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


def test_a_failing_index_withholds() -> None:
    class Broken:
        def copied(self, text: str) -> list[tuple[int, int]]:
            return [(5, 2)]

    gate = Gate(GateConfig(), RuleDetector(), Broken())
    assert [r.key for r in gate.release(parse(CLEAN)).verdict.reasons] == ["index_failed:wrong_type"]


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


def test_no_index_no_start(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"no overlap/ngrams\.npy.*gate\.copied=false"):
        load_gate(tmp_path)


def test_a_damaged_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "overlap").mkdir()
    (tmp_path / "overlap" / "ngrams.npy").write_bytes(b"not numpy")
    with pytest.raises(FolderError):
        load_gate(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_copied_word": 3}, "did you mean max_copied_words"),
        ({"max_copied_words": 0}, "key max_copied_words"),
        ({"on_identifier": "ignore"}, "key on_identifier"),
        ({"timeout_seconds": 0}, "key timeout_seconds"),
        ({"min_characters": 50, "max_characters": 40}, "min_characters is 50, above"),
    ],
)
def test_a_wrong_policy_is_one_clear_line(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        parse_config(wrong, GateConfig, source="policy.yaml")
    assert "\n" not in str(error.value)


def test_load_gate_builds_the_real_thing(tmp_path: Path) -> None:
    NgramIndex.build(["nothing of note " * 20]).save(tmp_path / "overlap" / "ngrams.npy")
    gate = load_gate(tmp_path)
    released = gate.release(parse("Write to a.b@hospital.example.org for the results of today.<|end|>"))
    assert released.note is not None
    assert "@" not in released.note.text
    assert load_gate(tmp_path, GateConfig(copied=False)).release(parse(CLEAN)).verdict.decision == "pass"
