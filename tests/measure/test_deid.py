"""The real detector on notes whose identifiers are known, from the file to the page."""

import json
import sys

import pytest

from clinsynth.cli.main import main
from clinsynth.corpus import Note, Span, to_dict
from clinsynth.errors import DataError
from clinsynth.measure import load_task, open_inputs
from clinsynth.measure.tasks import Context
from clinsynth.simulate import simulate_notes

SECRET = "zzyx-cabinet-key"


def unseen():
    """A note with an identifier that no rule knows, and a phone number that gold does not mark."""
    text = f"The {SECRET} is with the nurse. Call (617) 555-0143."
    start = text.index(SECRET)
    return Note("unseen", text, phi=(Span(start, start + len(SECRET), "OTHER_ID"),))


@pytest.fixture(scope="module")
def gold(tmp_path_factory):
    path = tmp_path_factory.mktemp("deid") / "gold.jsonl"
    notes = [*simulate_notes(30, seed=3), unseen()]
    path.write_text("".join(json.dumps(to_dict(note)) + "\n" for note in notes))
    return path


@pytest.fixture(scope="module")
def result(gold):
    return load_task("deid").run(open_inputs(None, None, identified=gold), Context(0, None))


def test_recall_and_precision_by_class_with_intervals(result):
    everything, names = result.metrics["recall", "all"], result.metrics["recall", "NAME"]
    for metric in (everything, names):
        assert 0.9 < metric.value <= 1
        assert metric.interval.low < metric.value
    assert result.metrics["recall", "OTHER_ID"].value < 1
    assert result.metrics["precision", "PHONE"].value < 1
    classes = {found["label"]: found for found in result.details["classes"]}
    assert everything.value == pytest.approx(
        sum(c["covered"] for c in classes.values()) / sum(c["gold"] for c in classes.values())
    )
    assert ("recall", "PHOTO") in result.metrics or classes["PHOTO"]["gold"] == 0


def test_the_risk_that_stays_follows_from_the_leaks(result):
    leaks = result.metrics["leaks_per_1000", "all"].value
    assert leaks >= 1000 / 31
    assert result.metrics["leaks_readers_find_per_1000", "all"].value == pytest.approx(0.27 * leaks)
    assert result.metrics["leaks_attackers_find_per_1000", "all"].value == pytest.approx(0.68 * leaks)


def test_errors_are_places_and_hold_no_text(result):
    mine = [error for error in result.details["errors"] if error["id"] == "unseen"]
    assert {(error["kind"], error["label"]) for error in mine} == {
        ("missed", "OTHER_ID"),
        ("false", "PHONE"),
    }
    assert SECRET not in json.dumps(dict(result.details))


def test_notes_without_identifiers_are_no_gold(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text(json.dumps({"id": "a", "text": "No complaints."}) + "\n")
    with pytest.raises(DataError, match=r"notes\.jsonl: no note has an identifier in phi"):
        load_task("deid").run(open_inputs(None, None, identified=path), Context(0, None))


def test_tags_are_no_gold(tmp_path):
    path = tmp_path / "notes.jsonl"
    phi = [{"start": 8, "end": 16, "label": "NAME"}]
    path.write_text(json.dumps({"id": "a", "text": "Seen by <|NAME|>.", "phi": phi}) + "\n")
    with pytest.raises(DataError, match=r"notes\.jsonl: note a: its identifiers are tags already"):
        load_task("deid").run(open_inputs(None, None, identified=path), Context(0, None))


def test_the_detector_is_a_parameter(gold):
    task = load_task("deid", {"detector": {"labels": ["EMAIL"]}})
    result = task.run(open_inputs(None, None, identified=gold), Context(0, None))
    assert result.details["detector"]["labels"] == ["EMAIL"]
    assert result.metrics["recall", "PHONE"].value == 0


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["clinsynth", "eval", "run", "--tasks", "deid", *map(str, arguments)])
    try:
        main()
    except SystemExit as stop:
        return stop.code
    return 0


def test_a_report_needs_gold_alone(tmp_path, gold, monkeypatch, capsys):
    out = tmp_path / "report"
    assert run(monkeypatch, "--identified", gold, "--output_path", out) == 0
    assert "| deid | recall | all |" in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert "De-identification" in page
    assert "R  OTHER_ID" in page
    assert SECRET not in page


def test_a_missing_input_is_named_with_its_task(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "--output_path", tmp_path / "report") == 2
    assert "--identified is missing for deid" in capsys.readouterr().err
