"""The processes of a run: who this one is, and how it finds the others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

RENDEZVOUS: Final = "CLINSYNTH_RENDEZVOUS"
"""Set by ``clinsynth train``: a file through which the processes of one machine meet; no port can clash."""
PROGRESS_FD: Final = "CLINSYNTH_PROGRESS_FD"
"""Set by ``clinsynth train``: where the first process shows progress, while its output goes to a log."""
_TIMEOUT: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Place:
    """This process among those of the run, as torchrun and ``clinsynth train`` name it."""

    rank: int
    world_size: int
    local_rank: int

    @classmethod
    def from_environment(cls) -> Place | None:
        """This process's place; None when it was not started as one of several."""
        if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
            return None
        rank = int(os.environ["RANK"])
        return cls(rank, int(os.environ["WORLD_SIZE"]), int(os.environ.get("LOCAL_RANK", rank)))

    @property
    def first(self) -> bool:
        """Whether this is the process that speaks and writes for all."""
        return self.rank == 0


@contextmanager
def joined(place: Place) -> Iterator[None]:
    """Connects this process with the others of the run for the length of the block."""
    import deepspeed
    import deepspeed.comm as dist
    import torch
    from deepspeed.accelerator import get_accelerator

    # DeepSpeed would compile this operation on first use, which needs a compiler and 20 seconds.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    backend = get_accelerator().communication_backend_name()
    rendezvous = os.environ.get(RENDEZVOUS)
    if rendezvous is None:
        deepspeed.init_distributed(backend, auto_mpi_discovery=False, timeout=_TIMEOUT, verbose=False)
    else:
        deepspeed.init_distributed(
            backend,
            auto_mpi_discovery=False,
            timeout=_TIMEOUT,
            verbose=False,
            init_method=f"file://{rendezvous}",
            rank=place.rank,
            world_size=place.world_size,
        )
    if get_accelerator().device_name() != "cpu":
        get_accelerator().set_device(place.local_rank)
    try:
        yield
        dist.barrier()
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def from_first(value: Any) -> Any:
    """The value that the first process passes, on all. Collective."""
    import torch.distributed as dist

    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def from_all(value: Any) -> list[Any]:
    """The values of all processes, by rank, on all. Collective."""
    import torch.distributed as dist

    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def any_of(*flags: bool) -> tuple[bool, ...]:
    """Each flag, true where any process passes true. Collective, and cheap enough for every step."""
    import torch
    import torch.distributed as dist
    from deepspeed.accelerator import get_accelerator

    if dist.get_world_size() == 1:
        return flags
    box = torch.tensor(flags, dtype=torch.uint8, device=get_accelerator().current_device_name())
    dist.all_reduce(box, op=dist.ReduceOp.MAX)
    return tuple(bool(flag) for flag in box.tolist())
