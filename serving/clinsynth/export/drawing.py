"""Draws notes until the plan is met: asks the engine, asks the gate, asks again for what was withheld.

Which notes come out does not depend on who finishes first: attempts at one note follow one another, each
with a seed of its own, and the first that passes is taken.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from clinsynth.corpus import Note
from clinsynth.engine import BulkEngine, Completion, Request
from clinsynth.errors import ClinsynthError
from clinsynth.export.journal import Workplace
from clinsynth.export.judging import Draft, Judges
from clinsynth.export.plan import Plan, read_draw_id
from clinsynth.export.stats import note_stats, reason_stats, top_reasons
from clinsynth.gate import Reason, Released, Verdict
from clinsynth.progress import Progress

_MAX_AT_THE_GATE: Final = 512
"""Drafts that may wait for the gate before generation waits too: memory stays flat."""
_HOPELESS: Final = 200
"""When so many draws in a row from the start were withheld, all the others would be."""


class PlanNotMetError(ClinsynthError):
    """Notes are missing: every attempt at them was withheld."""


@dataclass(slots=True)
class _OpenShard:
    """A shard whose notes are being drawn."""

    waiting: set[int]
    notes: dict[int, Note] = field(default_factory=dict)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    stats: Counter[str] = field(default_factory=Counter)


class Drawing:
    """One run, or the rest of one: ``run`` writes every shard that the workplace lacks.

    ``stats`` counts the verdicts of this run, ``missing`` the notes that could not be had.
    """

    def __init__(
        self, plan: Plan, engine: BulkEngine, judges: Judges, place: Workplace, progress: Progress
    ) -> None:
        self._plan, self._engine, self._judges = plan, engine, judges
        self._place, self._progress = place, progress
        lacking = [shard for shard in range(plan.shards) if shard not in place.entries]
        self._fresh = (note for shard in lacking for note in plan.notes_of(shard))
        self._again: deque[tuple[int, int]] = deque()
        self._in_engine = 0
        self._open: dict[int, _OpenShard] = {}
        self._judged = self._tokens = 0
        self.stats: Counter[str] = Counter()
        self._started = self._entered = time.monotonic()
        self.missing = 0

    def run(self) -> None:
        """Draws until every note is there or given up.

        Raises:
            EngineDiedError: the engine is gone; finished shards are kept.
            GateError: the gate's processes die again and again.
            PlanNotMetError: nothing passes the gate at all.
        """
        for completion in self._engine.generate(self._requests()):
            self._in_engine -= 1
            self._submit(completion)

    def _requests(self) -> Iterator[Request | None]:
        while True:
            self._take(wait=self._in_engine == 0 and self._nothing_to_ask())
            if self._again:
                yield self._launch(*self._again.popleft())
            elif self._judges.pending < _MAX_AT_THE_GATE and (note := next(self._fresh, None)) is not None:
                yield self._launch(note, 1)
            elif self._in_engine or self._judges.pending or self._again:
                yield None
            else:
                return

    def _nothing_to_ask(self) -> bool:
        # Whether fresh ones are left is not known without taking one; waiting for the gate costs little.
        return not self._again and self._judges.pending > 0

    def _launch(self, note: int, attempt: int) -> Request:
        shard = self._plan.shard_of(note)
        if shard not in self._open:
            self._open[shard] = _OpenShard(set(self._plan.notes_of(shard)))
        self._in_engine += 1
        return self._plan.request(note, attempt)

    def _submit(self, completion: Completion) -> None:
        note, attempt = read_draw_id(completion.id)
        stats = self._open[self._plan.shard_of(note)].stats
        stats["draws"] += 1
        stats["tokens"] += completion.tokens
        self._tokens += completion.tokens
        draft = Draft(
            note=note,
            attempt=attempt,
            note_id=self._plan.note_id(note),
            text=self._plan.prompt(note) + completion.text,
            finished=completion.finish_reason == "stop",
            asked=self._plan.asked(note),
            provenance=self._plan.provenance(note, attempt),
        )
        if completion.finish_reason == "error":
            reason = Reason("engine_refused", detail=completion.error or "")
            self._record(draft, Released(None, Verdict("reject", (reason,))))
        else:
            self._judges.submit(draft)

    def _take(self, *, wait: bool) -> None:
        """Records what the gate has done; with ``wait``, at least one."""
        while (done := self._judges.next(wait=wait)) is not None:
            self._record(*done)
            wait = False

    def _record(self, draft: Draft, released: Released) -> None:
        shard = self._open[self._plan.shard_of(draft.note)]
        reasons = reason_stats(released.verdict)
        shard.stats.update(reasons)
        self.stats.update(reasons)
        self._judged += 1
        if released.note is not None:
            shard.notes[draft.note] = released.note
            shard.stats.update(note_stats(released.note))
            shard.waiting.discard(draft.note)
            self._progress.advance(1, self._detail())
        else:
            shard.rejected.append(_rejection(draft, released.verdict))
            self._give_up_when_hopeless()
            if draft.attempt < self._plan.config.max_attempts:
                self._again.append((draft.note, draft.attempt + 1))
            else:
                self.missing += 1
                shard.waiting.discard(draft.note)
        if not shard.waiting:
            self._finish(self._plan.shard_of(draft.note))

    def _finish(self, number: int) -> None:
        shard = self._open.pop(number)
        short = len(self._plan.notes_of(number)) - len(shard.notes)
        if short and self._plan.config.on_short == "fail":
            return  # not entered: another run of this plan may draw it with more attempts
        now = time.monotonic()
        self._place.write_shard(
            number,
            [shard.notes[note] for note in sorted(shard.notes)],
            sorted(shard.rejected, key=lambda row: (row["id"], row["attempt"])),
            dict(sorted(shard.stats.items())),
            now - self._entered,
        )
        self._entered = now

    def _give_up_when_hopeless(self) -> None:
        withheld = self.stats["decision:reject"]
        if withheld >= _HOPELESS and withheld == self._judged:
            raise PlanNotMetError(
                f"the gate withheld all of the first {withheld} draws, most often for "
                f"{top_reasons(self.stats)}: train the model longer, or change what gate allows"
            )

    def _detail(self) -> str:
        seconds = max(time.monotonic() - self._started, 1e-9)
        accepted = 1 - self.stats["decision:reject"] / self._judged
        return f"{accepted:.0%} of draws accepted, {self._tokens / seconds:,.0f} tokens/s"


def _rejection(draft: Draft, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": draft.note_id,
        "attempt": draft.attempt,
        "reasons": [
            {"code": r.code, "start": r.start, "end": r.end, "detail": r.detail}
            for r in verdict.reasons
            if r.rejects
        ],
    }
