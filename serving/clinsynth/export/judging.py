"""The gate beside the generation: processes that take what the model wrote and give back what may leave.

A process that dies or hangs takes the notes it held with it: they count as withheld, and the run goes on
with a new process.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from clinsynth.corpus import Attributes
from clinsynth.errors import ClinsynthError, GateError
from clinsynth.gate import Gate, GateConfig, Mode, Reason, Released, Verdict, load_gate
from clinsynth.tokens.template import parse
from clinsynth.tokens.tokenizer import load_tokenizer

_LOOKS_A_NOTE: Final = 12
"""More than the gate ever takes at one note; times its limit for one, a process is taken to hang."""
_MAX_RESTARTS: Final = 5


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """What the model wrote, on its way into the gate.

    Args:
        text: with the prompt in front.
        finished: the model ended it of its own accord.
        asked: the attributes asked for; None takes those that the model wrote.
    """

    note: int
    attempt: int
    note_id: str
    text: str
    finished: bool
    asked: Attributes | None
    provenance: Mapping[str, str]

    def __repr__(self) -> str:
        """Numbers, never text."""
        return f"Draft(note_id={self.note_id!r}, attempt={self.attempt}, characters={len(self.text)})"


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything a process needs to run the gate."""

    model: Path
    config: GateConfig
    mode: Mode
    key: bytes | None

    def load(self) -> LoadedJudge:
        """Builds the gate.

        Raises:
            FolderError, GateError: it cannot be built.
        """
        return LoadedJudge(
            self, load_gate(self.model, self.config), load_tokenizer(self.model).entity_labels
        )


@dataclass(frozen=True, slots=True)
class LoadedJudge:
    """A gate with the model's labels."""

    judge: Judge
    gate: Gate
    entity_labels: tuple[str, ...]

    def release(self, draft: Draft) -> Released:
        """Reads the markup and asks the gate."""
        parsed = parse(draft.text, entity_labels=self.entity_labels, finished=draft.finished)
        return self.gate.release(
            parsed,
            self.judge.mode,
            self.judge.key,
            note_id=draft.note_id,
            attributes=draft.asked,
            provenance=draft.provenance,
        )


class Judges(Protocol):
    """Takes drafts, gives back releases in any order."""

    @property
    def pending(self) -> int:
        """Drafts not given back yet."""

    def submit(self, draft: Draft) -> None:
        """Hands over one draft."""

    def next(self, *, wait: bool) -> tuple[Draft, Released] | None:
        """One that is done; None when none is (with ``wait``: when nothing is pending)."""

    def close(self) -> None:
        """Ends the processes."""


def open_judges(judge: Judge, workers: int) -> Judges:
    """``workers`` processes, or with 0 the calling one.

    Raises:
        FolderError, GateError: the gate cannot be built.
    """
    return _Pool(judge, workers) if workers else _InLine(judge.load())


class _InLine:
    """Runs the gate at once, in the calling process."""

    def __init__(self, judge: LoadedJudge) -> None:
        self._judge = judge
        self._done: list[tuple[Draft, Released]] = []

    @property
    def pending(self) -> int:
        return len(self._done)

    def submit(self, draft: Draft) -> None:
        self._done.append((draft, self._judge.release(draft)))

    def next(self, *, wait: bool) -> tuple[Draft, Released] | None:
        return self._done.pop(0) if self._done else None

    def close(self) -> None:
        """Nothing to end."""


class _Pool:
    """Runs the gate in processes of its own."""

    def __init__(self, judge: Judge, workers: int) -> None:
        self._judge, self._workers = judge, workers
        self._stall_seconds = judge.config.timeout_seconds * _LOOKS_A_NOTE
        self._done: queue.SimpleQueue[tuple[Draft, Future[Released]]] = queue.SimpleQueue()
        self._inside: dict[tuple[int, int], Draft] = {}
        self._restarts = 0
        self._pool = self._start()

    @property
    def pending(self) -> int:
        return len(self._inside)

    def submit(self, draft: Draft) -> None:
        self._inside[draft.note, draft.attempt] = draft
        try:
            future = self._pool.submit(_release, draft)
        except BrokenProcessPool:
            self._restart()
            future = self._pool.submit(_release, draft)
        future.add_done_callback(lambda done: self._done.put((draft, done)))

    def next(self, *, wait: bool) -> tuple[Draft, Released] | None:
        while self._inside:
            try:
                draft, future = self._done.get(block=wait, timeout=self._stall_seconds if wait else None)
            except queue.Empty:
                if wait:
                    self._give_up_all()
                    continue
                return None
            if self._inside.pop((draft.note, draft.attempt), None) is not None:
                return draft, _outcome(future)
        return None

    def close(self) -> None:
        self._kill()

    def _start(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(
            self._workers,
            # Not fork: the engine's threads would be copied in the middle of what they do.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self._judge,),
        )
        try:
            problem = pool.submit(_problem).result()
        except BrokenProcessPool:
            raise GateError("the process of the gate died while it started") from None
        if problem is not None:
            pool.shutdown()
            raise problem
        return pool

    def _restart(self) -> None:
        self._restarts += 1
        if self._restarts > _MAX_RESTARTS:
            raise GateError(f"the processes of the gate died {self._restarts} times: giving up")
        self._kill()
        self._pool = self._start()

    def _give_up_all(self) -> None:
        """Nothing came for longer than any note may take: the processes hang, and what they hold is
        withheld."""
        for draft in self._inside.values():
            future: Future[Released] = Future()
            future.set_exception(TimeoutError())
            self._done.put((draft, future))
        self._restart()  # last: what it breaks off is told of as dead, and the first word counts

    def _kill(self) -> None:
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _outcome(future: Future[Released]) -> Released:
    error = future.exception()
    if error is None:
        return future.result()
    how = "timeout" if isinstance(error, TimeoutError) else "process_died"
    return Released(None, Verdict("reject", (Reason("detector_failed", detail=how),)))


_loaded: LoadedJudge | None = None
_failed: ClinsynthError | None = None


def _begin(judge: Judge) -> None:
    """In a new process: builds the gate once. What fails is kept for the parent to ask for."""
    global _loaded, _failed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _loaded = judge.load()
    except ClinsynthError as error:
        _failed = error


def _problem() -> ClinsynthError | None:
    return _failed


def _release(draft: Draft) -> Released:
    assert _loaded is not None, "the gate was not built"
    return _loaded.release(draft)


def _end_with_parent() -> None:
    """A killed parent closes nothing: without this the process would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
