"""The detector: what it is asked for, what it says of itself; no failure passes for "nothing found"."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from pydantic import ValidationError

from clinsynth.corpus import PHI_LABELS, Span
from clinsynth.deid import DeidConfig, Detector
from clinsynth.deid.engine import TokenEngine
from clinsynth.deid.recognizers import FAMILIES
from clinsynth.errors import GateError

TEXT = "Dr. Okonkwo saw him on 3/14/2019, MRN 4821937."


class Stub(EntityRecognizer):
    """A recogniser that answers as it is told."""

    def __init__(self, answer: Any, labels: list[str] | None = None) -> None:
        self._answer = answer
        super().__init__(supported_entities=labels or list(PHI_LABELS), name="stub")

    def load(self) -> None:
        pass

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    "answer",
    [
        ValueError("the text was: Dr. Okonkwo"),
        MemoryError(),
        RecursionError(),
        None,  # Presidio takes it for "nothing found"
        [None],
        [RecognizerResult("NAME", 40, 400, 0.9)],
        [RecognizerResult("NAME", 5, 5, 0.9)],
        [RecognizerResult("PERSON", 0, 5, 0.9)],
        "NAME",
    ],
)
def test_a_failing_recogniser_withholds_the_note(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    detector = Detector(recognizers=[*(family() for family in FAMILIES), Stub(answer)])
    with pytest.raises(GateError) as raised:
        detector.detect(TEXT)
    told = str(raised.value) + repr(raised.value.__cause__) + caplog.text
    assert "Okonkwo" not in told
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_label_that_nobody_looks_for_is_an_error_at_once() -> None:
    with pytest.raises(GateError, match="no recogniser looks for NAME"):
        Detector(recognizers=[Stub([], [label for label in PHI_LABELS if label != "NAME"])])


def test_results_with_the_mark_of_another_recogniser_are_not_lost() -> None:
    """Presidio keeps of each recogniser's results only those that bear its mark."""
    marked = RecognizerResult(
        "NAME", 4, 11, 0.9, None, {"recognizer_name": "x", "recognizer_identifier": "y"}
    )
    assert Detector(recognizers=[Stub([marked])]).detect(TEXT)[0] == Span(4, 11, "NAME")


def test_a_failure_behind_presidio_withholds_the_note(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("Okonkwo")

    monkeypatch.setattr("clinsynth.deid.repeats.repeats", broken)
    with pytest.raises(GateError) as raised:
        detector.detect(TEXT)
    assert "Okonkwo" not in str(raised.value)


def test_spans_are_sorted_and_apart(detector: Detector) -> None:
    spans = detector.detect(TEXT)
    assert [TEXT[s.start : s.end] for s in spans] == ["Okonkwo", "3/14/2019", "4821937"]
    assert detector.detect_batch([TEXT, "", "No one."]) == [spans, [], []]


def test_tags_are_no_identifiers_and_hide_none(detector: Detector) -> None:
    tagged = "Dr. <|NAME|> saw her on <|DATE|>, MRN <|MRN|>; call <|PHONE|>."
    assert detector.detect(tagged) == []
    mixed = "Dr. <|NAME|> called Dr. Okonkwo at <|LOCATION|>, fax 617-555-0102."
    assert [mixed[s.start : s.end] for s in detector.detect(mixed)] == ["Okonkwo", "617-555-0102"]


def test_labels_left_out_stand_in_the_description() -> None:
    detector = Detector(DeidConfig(labels=("DATE", "NAME")))
    assert [s.label for s in detector.detect(TEXT)] == ["NAME", "DATE"]
    described = detector.describe()
    assert described["labels"] == ["NAME", "DATE"]
    assert set(described["labels_off"]) == set(PHI_LABELS) - {"NAME", "DATE"}
    assert described["version"] == detector.version


def test_deny_and_allow_lists() -> None:
    config = DeidConfig(
        deny={"NAME": ("will",), "LOCATION": ("Ward Seven",)}, allow=("Okonkwo", "3/14/2019")
    )
    detector = Detector(config)
    text = "Will was moved to ward  seven by Dr. Okonkwo on 3/14/2019; goodwill."
    assert [text[s.start : s.end] for s in detector.detect(text)] == ["Will", "ward  seven"]
    assert detector.describe()["denied_words"] == {"NAME": 1, "LOCATION": 1}
    assert detector.describe()["allowed_words"] == 2


def test_threshold() -> None:
    sure = Detector(DeidConfig(score_threshold=0.85))
    text = "MRN 4821937. Home for Thanksgiving."
    assert [text[s.start : s.end] for s in sure.detect(text)] == ["4821937"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"labels": ()}, "at least one label"),
        ({"labels": ("PERSON",)}, "PERSON is no label"),
        ({"deny": {"PERSON": ("Ann",)}}, "PERSON is no label"),
        ({"deny": {"NAME": (" ",)}}, "is empty"),
        ({"score_threshold": 2}, "less than or equal to 1"),
        ({"threshold": 0.4}, "Extra inputs"),
    ],
)
def test_a_wrong_config_says_what_is_wrong(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        DeidConfig(**values)


def test_it_pickles_as_its_config() -> None:
    config = DeidConfig(labels=("NAME", "DATE"), deny={"NAME": ("Zed",)})
    again = pickle.loads(pickle.dumps(Detector(config)))
    assert again.config == config
    assert [s.label for s in again.detect("Zed left on 3/14/2019")] == ["NAME", "DATE"]


def test_the_version_is_the_same_in_every_process(detector: Detector) -> None:
    code = "from clinsynth.deid.detector import rules_version; print(rules_version())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == detector.version
    assert len(detector.version) == 12


def test_threads_share_a_detector(detector: Detector) -> None:
    texts = [f"Dr. Okonkwo saw patient {i} on 3/{i % 28 + 1}/2019." for i in range(60)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, texts)) == detector.detect_batch(texts)


def test_presidio_comes_without_transformers() -> None:
    code = "import sys, clinsynth.deid.watched; sys.exit('transformers' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_families_work_in_an_engine_of_presidio_alone() -> None:
    engine = AnalyzerEngine(
        registry=RecognizerRegistry([family() for family in FAMILIES]), nlp_engine=TokenEngine()
    )
    found = {TEXT[r.start : r.end]: r.entity_type for r in engine.analyze(TEXT, "en")}
    assert found == {"Okonkwo": "NAME", "3/14/2019": "DATE", "4821937": "MRN"}
