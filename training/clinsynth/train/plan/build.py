"""The whole plan of a run, from its config and a cluster."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clinsynth.errors import UsageError
from clinsynth.train.plan.hardware import GPUS, Cluster
from clinsynth.train.plan.job import Job, Layout, Vocabulary, job_of, layout_of, read_vocabulary
from clinsynth.train.plan.layouts import Candidate, Search, search
from clinsynth.train.plan.memory import Memory, moments, stage_peak
from clinsynth.train.plan.memory import peak as heaviest
from clinsynth.train.plan.published import PUBLISHED, Published
from clinsynth.train.plan.speed import step_time
from clinsynth.train.plan.stages import stages_of
from clinsynth.train.plan.traffic import Traffic, traffic

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Own:
    """The layout that the config asks for.

    Args:
        cluster: as many nodes as it takes.
        stages: memory of each stage of the pipeline.
        moments: the heaviest stage's two heights, without and with activation checkpointing.
        traffic: of one GPU of the heaviest stage.
    """

    chosen: Candidate
    cluster: Cluster
    stages: tuple[Memory, ...]
    moments: dict[bool, tuple[Memory, Memory]]
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class Reference:
    """A published layout, and what this model of memory and time says of it."""

    published: Published
    job: Job
    candidate: Candidate
    cluster: Cluster


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``clinsynth plan`` answers."""

    name: str
    model: str
    vocabulary: Vocabulary
    job: Job
    own: Own
    cluster: Cluster
    found: Search
    reference: Reference | None


def plan_run(config: TrainConfig, cluster: Cluster, given: int | None) -> Plan:
    """The plan of a run.

    Args:
        cluster: to search layouts for; the config's own is planned on as many such nodes as it takes.
        given: tokens of the vocabulary, when the corpus is not there to say.

    Raises:
        UsageError: the config's layout does not go with its model, or the vocabulary is not known.
    """
    vocabulary = read_vocabulary(config, given)
    job, layout = job_of(config, vocabulary.size), layout_of(config)
    misfit = job.misfit(layout)
    if misfit is not None:
        raise UsageError(f"layout: {misfit}")
    own = dataclasses.replace(cluster, nodes=-(-layout.gpus // cluster.gpus_per_node))
    return Plan(
        name=config.name,
        model=config.model if isinstance(config.model, str) else job.anatomy.architecture,
        vocabulary=vocabulary,
        job=job,
        own=_own(job, layout, own),
        cluster=cluster,
        found=search(job, cluster),
        reference=_reference(config, cluster.mfu),
    )


def _own(job: Job, layout: Layout, cluster: Cluster) -> Own:
    memory = heaviest(job, layout)
    return Own(
        chosen=Candidate(layout, memory, step_time(job, layout, cluster)),
        cluster=cluster,
        stages=tuple(stage_peak(job, layout, stage) for stage in stages_of(job.anatomy, layout.pp)),
        moments={
            again: moments(job, dataclasses.replace(layout, checkpointing=again), memory.stage)
            for again in (False, True)
        },
        traffic=traffic(job, layout, memory.stage, cluster),
    )


def _reference(config: TrainConfig, mfu: float) -> Reference | None:
    """What is published of the config's preset, on the GPUs that it was trained on."""
    published = PUBLISHED.get(config.model) if isinstance(config.model, str) else None
    if published is None:
        return None
    gpu = GPUS[published.gpu]
    cluster = Cluster(gpu, published.nodes, 8, mfu, gpu.memory, gpu.nvlink, gpu.network)
    there = config.model_copy(update={"context": published.context})
    job = dataclasses.replace(job_of(there, published.vocabulary), rows=published.rows)
    layout = Layout(
        published.tp, published.pp, published.dp, 1, published.micro_rows, published.checkpointing
    )
    return Reference(
        published=published,
        job=job,
        candidate=Candidate(layout, heaviest(job, layout), step_time(job, layout, cluster)),
        cluster=cluster,
    )
