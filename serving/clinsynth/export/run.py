"""One export from beginning to end: check, plan, draw, seal."""

from __future__ import annotations

import contextlib
import logging
import time

from clinsynth.checkpoint import read_card
from clinsynth.checkpoint.adapter import check_base
from clinsynth.engine import BulkEngine
from clinsynth.engine.info import check_model_folder
from clinsynth.export.config import ExportConfig
from clinsynth.export.drawing import Drawing, PlanNotMetError
from clinsynth.export.journal import Workplace, open_workplace
from clinsynth.export.judging import Judge, open_judges
from clinsynth.export.plan import ADAPTER, Plan, make_plan, surrogate_key
from clinsynth.export.seal import seal
from clinsynth.export.stats import top_reasons
from clinsynth.folders import Manifest, refuse_existing
from clinsynth.gate import check_index
from clinsynth.progress import Progress

_log = logging.getLogger(__name__)


def prepare_export(config: ExportConfig, *, overwrite: bool = False) -> Plan:
    """All checks that need neither engine nor gate, and the plan.

    Raises:
        FolderError: ``out`` is taken; ``model`` has no card, or no index where the gate needs one;
            ``adapter`` does not fit it.
        UsageError, DataError: the conditions or the key cannot be had.
    """
    refuse_existing(config.out, overwrite=overwrite)
    check_model_folder(config.model)
    if config.adapter is not None:
        check_base(config.adapter, config.model)
    check_index(config.writer, config.gate)
    plan = make_plan(config)
    if config.mode == "surrogates":
        surrogate_key(config, plan.card_sha256)
    return plan


def run_export(
    config: ExportConfig, *, overwrite: bool = False, engine: BulkEngine | None = None
) -> Manifest:
    """Writes the export, going on from what an earlier run of the same plan left.

    Args:
        overwrite: replace what stands at ``config.out``, once the new is whole.
        engine: one that holds ``config.model`` already; by default one is started and ended.

    Raises:
        PlanNotMetError: notes are missing after all attempts; finished shards are kept for another try.
        FolderError, UsageError, DataError: see ``prepare_export``; or another run's work is in the way.
        EngineError, GateError: the engine or the gate cannot start or is gone; finished shards are kept.
    """
    plan = prepare_export(config, overwrite=overwrite)
    with open_workplace(plan, overwrite=overwrite) as place:
        start = time.monotonic()
        seconds_before = sum(entry.seconds for entry in place.entries.values())
        if len(place.entries) < plan.shards:
            _draw(plan, place, engine)
        worked = sum(entry.seconds for entry in place.entries.values()) - seconds_before
        return seal(
            plan,
            place,
            read_card(config.writer),
            seconds=max(0.0, time.monotonic() - start - worked),
            overwrite=overwrite,
        )


def _draw(plan: Plan, place: Workplace, given: BulkEngine | None) -> None:
    config = plan.config
    key = surrogate_key(config, plan.card_sha256) if config.mode == "surrogates" else None
    judges = open_judges(Judge(config.writer, config.gate, config.mode, key), config.gate_workers)
    try:
        with (
            contextlib.nullcontext(given) if given else _engine(config) as engine,
            Progress("exporting", config.notes) as progress,
        ):
            held = {info.card_sha256 for info in engine.infos.values()}
            assert plan.card_sha256 in held, "the engine holds another model"
            progress.resume_from(sum(entry.notes for entry in place.entries.values()))
            drawing = Drawing(plan, engine, judges, place, progress)
            drawing.run()
    finally:
        judges.close()
    if drawing.missing and config.on_short == "fail":
        done = sum(entry.notes for entry in place.entries.values())
        raise PlanNotMetError(
            f"{drawing.missing} of {config.notes} notes are missing: each was withheld "
            f"{config.max_attempts} times, most often for {top_reasons(drawing.stats)}. "
            f"{done} notes in finished shards are kept in {place.folder}: go on with a larger "
            "max_attempts, or with on_short=finish to do without the missing ones"
        )
    if drawing.missing:
        _log.warning("%d of %d notes are missing: on_short=finish", drawing.missing, config.notes)


def _engine(config: ExportConfig) -> BulkEngine:
    adapters = {} if config.adapter is None else {ADAPTER: config.adapter}
    return BulkEngine(config.model, config.engine, adapters)


def summary(manifest: Manifest) -> str:
    """One line for the end of a run."""
    c = manifest.counts
    rate = c["tokens_generated"] / c["seconds_drawing"] if c["seconds_drawing"] else 0.0
    short = f", {c['short']:,} short" if c["short"] else ""
    return (
        f"{c['accepted']:,} notes{short}, {c['draws']:,} draws ({c['rejected']:,} withheld, "
        f"{c['repaired']:,} mended), {c['words']:,} words, {rate:,.0f} tokens/s"
    )
