"""The plan as data: bytes, seconds, FLOPs."""

from __future__ import annotations

import dataclasses
from typing import Any

from clinsynth.train.plan.build import Plan, Reference
from clinsynth.train.plan.hardware import Cluster
from clinsynth.train.plan.job import Job
from clinsynth.train.plan.layouts import Candidate
from clinsynth.train.plan.memory import Memory
from clinsynth.train.plan.report import axes
from clinsynth.train.plan.speed import bubble_share, reached_mfu, token_flops, tokens_per_second


def as_data(plan: Plan, top: int) -> dict[str, Any]:
    """The plan for machines.

    Args:
        top: layouts to list.
    """
    job, own = plan.job, plan.own
    micro_batches = job.micro_batches(own.chosen.layout)
    return {
        "name": plan.name,
        "model": plan.model,
        "vocabulary": dataclasses.asdict(plan.vocabulary),
        "parameters": {"total": job.anatomy.parameters, **job.anatomy.counts()},
        "step_tokens": job.step_tokens,
        "tokens": job.tokens,
        "flops_per_token": token_flops(job),
        "config": {
            **_candidate(job, own.chosen, own.cluster),
            "stages": [_memory(memory) for memory in own.stages],
            "moments": {
                "computed_again" if again else "kept": [_memory(memory) for memory in moments]
                for again, moments in own.moments.items()
            },
            "sent": {
                name.replace(" ", "_"): {
                    "wire": axis.wire,
                    "bytes_per_step": axis.total(micro_batches),
                    "bytes_per_second": axis.bandwidth,
                }
                for name, axis in axes(plan)
            },
        },
        "cluster": dataclasses.asdict(plan.cluster),
        "layouts": [_candidate(job, each, plan.cluster) for each in plan.found.fitting[:top]],
        "layouts_that_fit": len(plan.found.fitting),
        "left_out": plan.found.refused,
        "published": _reference(plan.reference),
    }


def _memory(memory: Memory) -> dict[str, Any]:
    return {**dataclasses.asdict(memory), "total": memory.total}


def _candidate(job: Job, candidate: Candidate, cluster: Cluster) -> dict[str, Any]:
    layout, time = candidate.layout, candidate.time
    rate = tokens_per_second(job, time)
    return {
        "layout": dataclasses.asdict(layout),
        "gpus": layout.gpus,
        "memory": _memory(candidate.memory),
        "bubble_share": bubble_share(layout, job.micro_batches(layout)),
        "step_seconds": {**dataclasses.asdict(time), "total": time.total},
        "tokens_per_second": rate,
        "mfu": reached_mfu(job, layout, cluster, time),
        "days": job.tokens / rate / 86400,
    }


def _reference(reference: Reference | None) -> dict[str, Any] | None:
    if reference is None:
        return None
    here = _candidate(reference.job, reference.candidate, reference.cluster)
    return {**dataclasses.asdict(reference.published), "here": here}
