import json

import pytest
import yaml

from clinsynth.errors import DataError, FolderError, UsageError
from clinsynth.measure import list_tasks, load_task, read_results
from clinsynth.measure.results import Metric, TaskResult
from clinsynth.measure.tasks import FOLDER, MEASURES, Context


def test_every_task_loads_and_says_what_it_is():
    files = list_tasks()
    assert {file.measure for file in files} == set(MEASURES)
    for file in files:
        task = load_task(file.task)
        assert task.name == file.task == task.file.measure
        assert (FOLDER / f"{file.task}.yaml").is_file()
        assert file.question.endswith("?")
        assert len(file.limits) > 50


def test_overrides_reach_deep_and_leave_the_rest():
    plain = load_task("ner_parity")
    changed = load_task("ner_parity", {"fine_tuning": {"epochs": 1}})
    assert changed.parameters.fine_tuning.epochs == 1
    assert changed.parameters.fine_tuning.max_pieces == plain.parameters.fine_tuning.max_pieces
    assert changed.parameters.seeds == plain.parameters.seeds
    assert changed.sha256() != plain.sha256()
    assert load_task("ner_parity").sha256() == plain.sha256()


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("ner_party", None, "no task 'ner_party': did you mean ner_parity"),
        ("zzz", None, "no task 'zzz': tasks: copied_spans, "),
        ("missing.yaml", None, "missing.yaml: No such file"),
        ("ner_parity", {"sed": 3}, r"unknown key sed: did you mean seeds"),
        ("ner_parity", {"fine_tuning": {"epoch": 3}}, "unknown key fine_tuning.epoch: did you mean epochs"),
        ("ner_parity", {"resamples": 10}, "key resamples: .*1000"),
        ("ner_parity", {"arms": ["real", "reel"]}, "key arms.1: "),
        ("copied_spans", {"n": 1}, "key n: .*3"),
    ],
)
def test_what_is_wrong_is_named(name, overrides, message):
    with pytest.raises(UsageError, match=message):
        load_task(name, overrides)


def own_task(tmp_path, **changes):
    data = yaml.safe_load((FOLDER / "copied_spans.yaml").read_text()) | {"task": "mine"} | changes
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    return str(path)


def test_a_task_file_of_ones_own(tmp_path):
    task = load_task(own_task(tmp_path, version=7), {"n": 20})
    assert (task.name, task.file.version, task.parameters.n) == ("mine", 7, 20)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measure": "magic"}, "unknown measure magic; one of copied_spans"),
        ({"version": 0}, "key version"),
        ({"task": "Not a name"}, "key task"),
        ({"metric_list": []}, "key metric_list"),
        ({"higher": True}, "unknown key higher"),
        ({"parameters": {}}, "key n is missing"),
    ],
)
def test_a_bad_task_file_is_refused(tmp_path, changes, message):
    with pytest.raises(UsageError, match=message):
        load_task(own_task(tmp_path, **changes))


def test_a_measure_reports_only_what_its_file_promises(tmp_path):
    task = load_task("descriptive")
    rogue = type(task)(
        task.file, task.parameters, lambda *_: TaskResult({("surprise", "none"): Metric(1.0)}, 1, 1), ()
    )
    with pytest.raises(AssertionError, match="surprise"):
        rogue.run(None, Context(0, None))


def test_results_that_are_not_results(tmp_path):
    with pytest.raises(FolderError, match="no such file"):
        read_results(tmp_path)
    file = tmp_path / "results.json"
    for text, message in (("{", "not JSON"), ("[]", "key results is missing"), ("{}", "is missing")):
        file.write_text(text)
        with pytest.raises(DataError, match=message):
            read_results(tmp_path)


def test_results_of_another_format_are_not_guessed_at(tmp_path):
    from clinsynth.measure.results import ResultsJson

    file = tmp_path / "results.json"
    file.write_text(json.dumps(dict.fromkeys(ResultsJson.__required_keys__, 0) | {"schema_version": 99}))
    with pytest.raises(DataError, match="schema_version 99, this release reads 1"):
        read_results(file)
