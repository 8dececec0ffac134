"""An export from end to end: the real engine, the real gate, the folder as users open it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import yaml

from clinsynth.corpus import SCHEMA, from_table
from clinsynth.deid import TAG, Detector
from clinsynth.engine import BulkEngine
from clinsynth.errors import FolderError
from clinsynth.export import ExportConfig, make_plan, run_export
from clinsynth.export.plan import ADAPTER
from clinsynth.folders import Manifest, file_sha256, read_manifest

pytestmark = [
    pytest.mark.slow,
    # datasets opens files for us and leaves closing them to the collector
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MakeConfig = Callable[..., ExportConfig]
Made = tuple[ExportConfig, Manifest]


@pytest.fixture(scope="module")
def engine(tiny_model_dir: Path, tiny_adapter_dir: Path, export_config: MakeConfig) -> Iterator[BulkEngine]:
    """Started once: that takes longer than all else here."""
    config = export_config(Path("unused")).engine
    with BulkEngine(tiny_model_dir, config, {ADAPTER: tiny_adapter_dir}) as started:
        yield started


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, export_config: MakeConfig, engine: BulkEngine) -> Made:
    """An export with surrogates, and the manifest that ``run_export`` gave."""
    config = export_config(tmp_path_factory.mktemp("exports") / "export")
    return config, run_export(config, engine=engine)


def shards(folder: Path) -> list[Path]:
    return sorted((folder / "data").iterdir())


def test_shards_hold_the_plan_in_order(made: Made) -> None:
    config, manifest = made
    plan = make_plan(config)
    assert [p.name for p in shards(config.out)] == [f"train-{i:05d}-of-00005.parquet" for i in range(5)]
    ids = [pq.read_table(p).column("id").to_pylist() for p in shards(config.out)]
    assert [len(part) for part in ids] == [10, 10, 10, 10, 4]
    assert [i for part in ids for i in part] == [plan.note_id(n) for n in range(config.notes)]
    assert manifest.counts["accepted"] == manifest.counts["requested"] == config.notes
    assert manifest.counts["short"] == 0


def test_columns_are_the_record_without_the_patient(made: Made) -> None:
    config, _ = made
    for path in shards(config.out):
        schema = pq.read_schema(path)
        assert schema.names == [name for name in SCHEMA.names if name != "patient_id"]
        assert all(schema.field(name).type == SCHEMA.field(name).type for name in schema.names)


def test_notes_are_labelled_and_say_where_they_come_from(made: Made) -> None:
    config, manifest = made
    plan = make_plan(config)
    notes = [note for path in shards(config.out) for note in from_table(pq.read_table(path))]
    for number, note in enumerate(notes):
        attempt = int(note.provenance["attempt"])
        assert note.provenance["seed"] == str(plan.seed(number, attempt))
        assert note.provenance["model"] == file_sha256(config.model / "card.json")
        assert note.attributes == plan.asked(number)
    assert Counter(note.attributes.sex for note in notes) == {"female": 22, "male": 22}
    labels = Counter(span.label for note in notes for span in note.entities)
    assert labels.keys() == {"PROBLEM", "TEST", "TREATMENT"}
    assert dict(labels) == manifest.counts["entities"]


def test_surrogates_stand_where_tags_were(made: Made) -> None:
    config, manifest = made
    detector, beside = Detector(), []
    notes = [note for path in shards(config.out) for note in from_table(pq.read_table(path))]
    for note in notes:
        assert not TAG.search(note.text)
        hits = detector.detect(note.text)
        beside += [h for h in hits if not any(h.start < s.end and s.start < h.end for s in note.phi)]
    assert beside == [], "an identifier that is no surrogate came through"
    assert sum(len(note.phi) for note in notes) == sum(manifest.counts["identifiers"].values()) > 0
    assert manifest.counts["identifiers_by_safe_harbor_class"].keys() <= set("ABCDEFGHIJKLMNOPQR")


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_loads_it_offline(
    made: Made, streaming: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    config, _ = made
    loaded = datasets.load_dataset(
        str(config.out), split="train", streaming=streaming, cache_dir=str(tmp_path)
    )
    rows = list(loaded)
    assert len(rows) == config.notes
    assert {"id", "text", "attributes", "entities", "phi", "provenance"} == set(rows[0])
    first = rows[0]["entities"][0]
    assert rows[0]["text"][first["start"] : first["end"]].strip()


def test_sums_and_manifest_hold_and_a_changed_byte_shows(made: Made, tmp_path: Path) -> None:
    config, _ = made
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", config.out, copy], check=True)

    def check() -> int:
        return subprocess.run(
            ["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=copy, check=False
        ).returncode

    listed = {line.split("  ")[1] for line in (copy / "SHA256SUMS").read_text().splitlines()}
    files = {p.relative_to(copy).as_posix() for p in copy.rglob("*") if p.is_file()}
    assert listed == files - {"SHA256SUMS"}
    assert check() == 0
    assert read_manifest(copy, "export", verify=True).counts["accepted"] == config.notes
    with (copy / "data" / "train-00003-of-00005.parquet").open("r+b") as stream:
        stream.seek(40)
        byte = stream.read(1)
        stream.seek(40)
        stream.write(bytes([byte[0] ^ 1]))
    assert check() != 0


def test_the_card_and_the_manifest_describe_it(made: Made) -> None:
    config, manifest = made
    _, front, body = (config.out / "README.md").read_text("utf-8").split("---\n", 2)
    card = yaml.safe_load(front)
    assert card["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]
    assert card["license"] == "other"
    assert card["size_categories"] == ["n<1K"]
    assert "44 notes" in body
    assert manifest.inputs["card.json"] == file_sha256(config.model / "card.json")
    assert manifest.config["model"] == config.model.name, "a path may name people"
    counts = manifest.counts
    assert counts["draws"] == counts["accepted"] + counts["rejected"]
    assert counts["tokens_generated"] > counts["words"] > 0


def test_what_was_withheld_is_listed_without_text(made: Made) -> None:
    config, manifest = made
    rows = [json.loads(line) for line in (config.out / "rejected" / "rejected.jsonl").open()]
    assert len(rows) == manifest.counts["rejected"]
    for row in rows:
        assert row.keys() == {"id", "attempt", "reasons"}
        assert row["reasons"]
        for reason in row["reasons"]:
            assert reason.keys() == {"code", "start", "end", "detail"}
            assert len(reason["detail"]) < 40


def test_withheld_notes_are_drawn_again_and_the_same_config_gives_the_same_bytes(
    export_config: MakeConfig, engine: BulkEngine, tmp_path: Path
) -> None:
    # A gate that wants long notes withholds many; the rest of the chain must not notice.
    gate = {"timeout_seconds": 60, "min_words": 26}
    first = export_config(tmp_path / "a", gate=gate, notes=24)
    manifest = run_export(first, engine=engine)
    assert manifest.counts["rejected_by_reason"]["too_short"] > 0
    assert manifest.counts["accepted"] == 24
    notes = [note for path in shards(first.out) for note in from_table(pq.read_table(path))]
    assert max(int(note.provenance["attempt"]) for note in notes) > 1
    # The gate in between instead of beside: other draws meet in a batch.
    second = export_config(tmp_path / "b", gate=gate, notes=24, gate_workers=0)
    run_export(second, engine=engine)
    assert [p.read_bytes() for p in shards(first.out)] == [p.read_bytes() for p in shards(second.out)]
    assert (first.out / "rejected/rejected.jsonl").read_text() == (
        second.out / "rejected/rejected.jsonl"
    ).read_text()


def test_an_adapter_writes_in_place_of_its_model(
    made: Made, engine: BulkEngine, export_config: MakeConfig, tiny_adapter_dir: Path, tmp_path: Path
) -> None:
    config = export_config(tmp_path / "ward", adapter=tiny_adapter_dir, notes=10)
    manifest = run_export(config, engine=engine)
    assert manifest.inputs["card.json"] == file_sha256(tiny_adapter_dir / "card.json")
    assert manifest.config["adapter"] == tiny_adapter_dir.name
    assert "(ward, an adapter of " in (config.out / "README.md").read_text()
    rows = pq.read_table(shards(config.out)[0]).to_pylist()
    assert len(rows) == 10
    assert {json.loads(row["provenance"])["model"] for row in rows} == {manifest.inputs["card.json"]}
    others = pq.read_table(shards(made[0].out)[0]).column("text").to_pylist()
    assert not {row["text"] for row in rows} & set(others)


_SCRIPT = """
import sys
from pathlib import Path
from clinsynth.export import ExportConfig, run_export

if __name__ == "__main__":
    run_export(ExportConfig.model_validate_json(Path(sys.argv[1]).read_text()))
"""


def test_a_run_that_is_killed_goes_on(made: Made, engine: BulkEngine, tmp_path: Path) -> None:
    unbroken, _ = made
    config = unbroken.model_copy(update={"out": tmp_path / "export"})
    place = tmp_path / ".export.partial"
    (tmp_path / "config.json").write_text(config.model_dump_json())
    (tmp_path / "script.py").write_text(_SCRIPT)
    finished = _kill_after(1, [sys.executable, tmp_path / "script.py", tmp_path / "config.json"], place)
    assert 1 <= len(finished) < 5, "killed in the middle"
    assert not config.out.exists()
    before = {p.name: p.stat().st_mtime_ns for p in (place / "export" / "data").iterdir()}

    with pytest.raises(FolderError, match="another run"):
        run_export(config.model_copy(update={"seed": 99}), engine=engine)
    # What a kill in the middle of a write may leave.
    with (place / "journal.jsonl").open("a") as stream:
        stream.write('{"shard": 4, "sha256": "00')
    (place / "train-00004-of-00005.parquet.writing").write_bytes(b"PAR1")

    manifest = run_export(config, engine=engine)
    assert not place.exists()
    plan = make_plan(config)
    ids = [i for path in shards(config.out) for i in pq.read_table(path).column("id").to_pylist()]
    assert ids == [plan.note_id(n) for n in range(config.notes)]
    after = {p.name: p.stat().st_mtime_ns for p in shards(config.out)}
    assert all(after[name] == before[name] for name in finished), "finished shards are not drawn again"
    assert [p.read_bytes() for p in shards(config.out)] == [p.read_bytes() for p in shards(unbroken.out)]
    assert manifest.counts["draws"] >= config.notes


def _kill_after(lines: int, command: list[object], place: Path) -> list[str]:
    """Starts the command, kills it once the journal has so many lines; the names of finished shards."""
    process = subprocess.Popen(
        [str(part) for part in command], env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE
    )
    journal = place / "journal.jsonl"
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and journal.read_text().count("\n") >= lines:
            break
        time.sleep(0.005)
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == [], "the gate's process outlived the run"
    return [f"train-{i:05d}-of-00005.parquet" for i in range(journal.read_text().count("\n"))]
