"""Drawing with an engine made of plain Python: what is withheld, what is missing, what dies on the way."""

from __future__ import annotations

import logging
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from clinsynth.engine import Completion, EngineDiedError, Request
from clinsynth.export import ExportConfig, PlanNotMetError, run_export
from clinsynth.export.judging import Draft, Judge, open_judges
from clinsynth.export.plan import read_draw_id
from clinsynth.folders import file_sha256
from clinsynth.gate import GateConfig
from clinsynth.unfinished import unfinished_folder

GOOD = "Dry cough for two days, no fever. Known <|PROBLEM|>asthma<|/|>. Rest at home.<|end|>"
BAD = "Cough.<|end|>"
Writes = Callable[[int, int], str]


class PlainEngine:
    """Answers in random order, a few at a time; ``writes(note, attempt)`` gives the text."""

    def __init__(self, model: Path, writes: Writes, seed: int = 0) -> None:
        self.infos = {"model": SimpleNamespace(card_sha256=file_sha256(model / "card.json"))}
        self.asked: list[tuple[int, int]] = []
        self._writes, self._rng = writes, random.Random(seed)

    def generate(self, requests: Iterable[Request | None]) -> Iterator[Completion]:
        inside: list[Request] = []
        waiting: Iterator[Any] = iter(requests)
        more = True
        while more or inside:
            while more and len(inside) < 5:
                request = next(waiting, "done")
                more = request != "done"
                if request is None or not more:
                    break
                inside.append(request)
            if inside:
                yield self._answer(inside.pop(self._rng.randrange(len(inside))))

    def _answer(self, request: Request) -> Completion:
        self.asked.append(read_draw_id(request.id))
        text = self._writes(*self.asked[-1])
        return Completion(request.id, 0, text, (1, 2, 3), "stop", seed=request.sampling.seed)


@pytest.fixture
def config(export_config: Callable[..., ExportConfig], tmp_path: Path) -> Callable[..., ExportConfig]:
    def make(**changes: Any) -> ExportConfig:
        return export_config(
            tmp_path / "out", **({"gate_workers": 0, "notes": 12, "max_attempts": 3} | changes)
        )

    return make


def ids(config: ExportConfig) -> list[str]:
    paths = sorted((config.out / "data").iterdir())
    return [i for path in paths for i in pq.read_table(path).column("id").to_pylist()]


MakeConfig = Callable[..., ExportConfig]


@pytest.mark.parametrize("seed", range(4))
def test_the_first_attempt_that_passes_is_taken_whoever_finishes_first(
    config: MakeConfig, seed: int
) -> None:
    c = config(shard_notes=5)
    engine = PlainEngine(c.model, lambda note, attempt: GOOD if attempt > note % 3 else BAD, seed)
    manifest = run_export(c, engine=engine)  # type: ignore[arg-type]
    assert Counter(engine.asked) == {(n, a): 1 for n in range(12) for a in range(1, n % 3 + 2)}
    rows = [row for p in sorted((c.out / "data").iterdir()) for row in pq.read_table(p).to_pylist()]
    assert [f'"attempt": "{n % 3 + 1}"' in row["provenance"] for n, row in enumerate(rows)] == [True] * 12
    assert manifest.counts["draws"] == len(engine.asked) == 24
    assert manifest.counts["rejected_by_reason"] == {"too_short": 12}


def test_missing_notes_end_the_run_and_finished_shards_wait_for_another_try(config: MakeConfig) -> None:
    def writes(note: int, attempt: int) -> str:
        return GOOD if note != 7 or attempt > 3 else BAD

    c = config(shard_notes=4)
    with pytest.raises(PlanNotMetError, match=r"1 of 12 notes are missing.*too_short \(3\)") as error:
        run_export(c, engine=PlainEngine(c.model, writes))  # type: ignore[arg-type]
    assert error.value.exit_code != 0
    assert not c.out.exists()
    again = PlainEngine(c.model, writes)
    run_export(config(shard_notes=4, max_attempts=4), engine=again)  # type: ignore[arg-type]
    assert {note for note, _ in again.asked} == {4, 5, 6, 7}, "only the short shard is drawn again"
    assert len(ids(c)) == 12


def test_missing_notes_can_be_done_without(config: MakeConfig, caplog: pytest.LogCaptureFixture) -> None:
    c = config(on_short="finish")
    engine = PlainEngine(c.model, lambda note, attempt: BAD if note == 7 else GOOD)
    with caplog.at_level(logging.WARNING):
        manifest = run_export(c, engine=engine)  # type: ignore[arg-type]
    assert (manifest.counts["accepted"], manifest.counts["short"]) == (11, 1)
    assert "synthetic-0000007" not in ids(c)
    assert "1 of 12 notes are missing" in caplog.text


def test_a_model_that_writes_nothing_fit_is_given_up_early(config: MakeConfig) -> None:
    c = config(notes=5000)
    engine = PlainEngine(c.model, lambda note, attempt: BAD)
    with pytest.raises(PlanNotMetError, match="withheld all of the first 200 draws"):
        run_export(c, engine=engine)  # type: ignore[arg-type]
    assert len(engine.asked) < 300


def test_an_engine_that_dies_leaves_finished_shards(config: MakeConfig) -> None:
    c = config(notes=40, shard_notes=5)

    def dies(note: int, attempt: int) -> str:
        if note >= 25:
            raise EngineDiedError("gone")
        return GOOD

    with pytest.raises(EngineDiedError):
        run_export(c, engine=PlainEngine(c.model, dies))  # type: ignore[arg-type]
    journal = unfinished_folder(c.out) / "journal.jsonl"
    assert len(journal.read_text().splitlines()) >= 2
    again = PlainEngine(c.model, lambda note, attempt: GOOD)
    run_export(c, engine=again)  # type: ignore[arg-type]
    assert len(again.asked) <= 30
    assert len(ids(c)) == 40


def test_what_is_no_completion_is_an_error_of_that_draw_alone(config: MakeConfig) -> None:
    class Refuses(PlainEngine):
        def _answer(self, request: Request) -> Completion:
            if read_draw_id(request.id) == (3, 1):
                return Completion(request.id, 0, "", (), "error", error="prompt: is empty")
            return super()._answer(request)

    c = config()
    manifest = run_export(c, engine=Refuses(c.model, lambda note, attempt: GOOD))  # type: ignore[arg-type]
    assert manifest.counts["rejected_by_reason"] == {"engine_refused": 1}
    assert len(ids(c)) == 12


@pytest.mark.slow
def test_a_gate_process_that_dies_withholds_what_it_held_and_is_replaced(config: MakeConfig) -> None:
    killed: list[int] = []

    def writes(note: int, attempt: int) -> str:
        if note == 6 and not killed:
            children = psutil.Process().children()
            killed.extend(p.pid for p in children if "spawn_main" in " ".join(p.cmdline()))
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
        return GOOD

    c = config(gate_workers=1, max_attempts=12)
    manifest = run_export(c, engine=PlainEngine(c.model, writes))  # type: ignore[arg-type]
    assert killed
    assert len(ids(c)) == 12
    lost = manifest.counts["rejected_by_reason"].get("detector_failed:process_died", 0)
    assert manifest.counts["draws"] == 12 + lost
    assert not [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]


@pytest.mark.slow
def test_a_gate_process_that_hangs_withholds_what_it_holds_and_is_replaced(config: MakeConfig) -> None:
    c = config()
    judge = Judge(c.model, GateConfig(timeout_seconds=0.1), "tags", None)
    judges = open_judges(judge, 1)
    try:
        [process] = [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]
        process.suspend()
        draft = Draft(0, 1, "a", f"<|note|><|text|>{GOOD}", True, None, {})
        judges.submit(draft)
        assert judges.next(wait=False) is None
        done = judges.next(wait=True)
        assert done is not None
        assert [r.key for r in done[1].verdict.reasons] == ["detector_failed:timeout"]
        assert not process.is_running()
        judges.submit(draft)
        assert judges.next(wait=True) is not None
        assert judges.pending == 0
    finally:
        judges.close()
