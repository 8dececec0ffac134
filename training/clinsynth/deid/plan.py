"""What a de-identification will do: inputs, the parts it works through, the files that it makes of them."""

from __future__ import annotations

import hashlib
import hmac
import importlib.metadata
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

from clinsynth.deid.config import DeidConfig
from clinsynth.deid.detector import detector_version
from clinsynth.deid.inputs import Input, read_inputs
from clinsynth.errors import UsageError
from clinsynth.unfinished import finished_pieces

Mode = Literal["spans", "tags", "surrogates"]

PART_NOTES: Final = 2_048
SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".parquet")


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """What a worker process has to know.

    Args:
        key: of the surrogates; empty in the other modes.
    """

    mode: Mode
    detector: DeidConfig
    key: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Notes ``first`` to ``first + notes`` (exclusive) of an input, and the file that they go into."""

    number: int
    source: Input
    first: int
    notes: int
    output: str


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """A run.

    Args:
        out: a file that ends in one of ``SUFFIXES``, or a folder.
        parts: in the order of the inputs.
    """

    out: Path
    job: Job
    inputs: tuple[Input, ...]
    parts: tuple[Part, ...]

    @property
    def is_folder(self) -> bool:
        """Does ``out`` become a folder, with a file for each input?"""
        return suffix_of(self.out.name) is None

    @property
    def notes(self) -> int:
        """In all inputs."""
        return sum(one.notes for one in self.inputs)

    @property
    def outputs(self) -> dict[str, list[Part]]:
        """Name of a file in ``out`` (or of ``out``) -> its parts."""
        made: dict[str, list[Part]] = {}
        for part in self.parts:
            made.setdefault(part.output, []).append(part)
        return made

    @property
    def fingerprint(self) -> str:
        """Of inputs, settings and rules; of the key only what needs it to be computed."""
        job: dict[str, Any] = {field.name: getattr(self.job, field.name) for field in fields(self.job)}
        job["key"] = hmac.new(job["key"].encode(), b"clinsynth deid", hashlib.sha256).hexdigest()
        job["detector"] = self.job.detector.model_dump(mode="json")
        inputs = [(one.name, one.sha256) for one in self.inputs]
        versions = [detector_version(self.job.detector), importlib.metadata.version("clinsynth")]
        run = [job, versions, inputs, [part.output for part in self.parts], PART_NOTES]
        return hashlib.sha256(json.dumps(run, default=str).encode()).hexdigest()

    def lines(self) -> Iterator[str]:
        """What would be done, for people."""
        for output, parts in self.outputs.items():
            notes = sum(part.notes for part in parts)
            yield f"{self.out / output if self.is_folder else self.out}: {notes:,} notes"
        ready = finished_pieces(self.out, self.fingerprint)
        yield (
            f"{self.notes:,} notes in {len(self.inputs):,} inputs, {len(self.parts):,} parts of up to "
            f"{PART_NOTES:,} notes, {ready:,} of them finished by a run before"
        )


def make_plan(source: Path, out: Path, job: Job) -> Plan:
    """Reads all of ``source`` once, to know what there is to do.

    Raises:
        DataError: a note cannot be read.
        UsageError: ``out`` lies in ``source``; two inputs would make one file; spans as Parquet.
    """
    if source.is_dir() and source.resolve() in out.resolve().parents:
        raise UsageError(f"{out} lies in {source}: choose a place outside")
    suffix = suffix_of(out.name)
    if job.mode == "spans" and suffix == ".parquet":
        raise UsageError(f"{out}: spans are written as .jsonl or .jsonl.gz")
    inputs = read_inputs(source)
    names = Counter(one.name for one in inputs)
    if suffix is None and (twice := [name for name, count in names.items() if count > 1]):
        raise UsageError(f"{source} holds two files {twice[0]} of different formats: {out} can hold one")
    return Plan(out, job, inputs, tuple(_parts(inputs, out, job)))


def suffix_of(name: str) -> str | None:
    """Which of ``SUFFIXES`` a name ends in; a folder's ends in none."""
    return next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), None)


def _parts(inputs: tuple[Input, ...], out: Path, job: Job) -> Iterator[Part]:
    number = 0
    for one in inputs:
        suffix = ".parquet" if one.parquet and job.mode != "spans" else ".jsonl.gz"
        output = out.name if suffix_of(out.name) else one.name + suffix
        for first in range(0, one.notes, PART_NOTES):
            yield Part(number, one, first, min(PART_NOTES, one.notes - first), output)
            number += 1
