"""GPUs and the wires between them. Peaks are the vendor's; what is reached of a wire is an assumption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from clinsynth.train.flops import PEAK_BF16


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as it sits in a DGX or HGX node of its time.

    Args:
        bf16, fp32: dense matrix products, FLOP/s (tensor cores; fp32 without TF32).
        memory: GiB.
        nvlink: GB/s that one GPU sends to the others of its node.
        network: GB/s that one GPU sends to other nodes, through an adapter of its own.
    """

    name: str
    bf16: float
    fp32: float
    memory: float
    nvlink: float
    network: float

    def peak(self, precision: Literal["bf16", "fp32"]) -> float:
        """FLOP/s of dense matrix products."""
        return self.bf16 if precision == "bf16" else self.fp32


# NVIDIA's data sheets of DGX A100 (80 GB, 8 x 200 Gb/s InfiniBand), DGX H100, DGX H200 and DGX B200
# (8 x 400 Gb/s). NVLink's figure there counts both directions; here is one.
GPUS: Final[Mapping[str, Gpu]] = {
    gpu.name: gpu
    for gpu in (
        Gpu("a100", bf16=PEAK_BF16["A100"], fp32=19.5e12, memory=80, nvlink=300, network=25),
        Gpu("h100", bf16=PEAK_BF16["H100"], fp32=67e12, memory=80, nvlink=450, network=50),
        Gpu("h200", bf16=PEAK_BF16["H200"], fp32=67e12, memory=141, nvlink=450, network=50),
        Gpu("b200", bf16=PEAK_BF16["B200"], fp32=80e12, memory=180, nvlink=900, network=50),
    )
}

WIRE_SHARE: Final = 0.8
"""Assumed: the share of a wire's figure that large collectives reach."""
RESERVE: Final = 0.05
"""Assumed: the share of a GPU's memory that fragments take; a layout fits when it leaves so much free."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Nodes of equal GPUs.

    Args:
        mfu: assumed: share of the peak that a GPU reaches while it computes.
        nvlink, network: GB/s that one GPU sends, inside a node and out of it, at best.
        memory: GiB of one GPU.
    """

    gpu: Gpu
    nodes: int
    gpus_per_node: int
    mfu: float
    memory: float
    nvlink: float
    network: float

    @property
    def gpus(self) -> int:
        """All of them."""
        return self.nodes * self.gpus_per_node

    @property
    def usable(self) -> float:
        """GiB of one GPU that a layout may need."""
        return self.memory * (1 - RESERVE)
