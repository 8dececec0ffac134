"""Layouts that others trained the same shapes with, to print beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Published:
    """A layout that a model was trained with.

    Args:
        what: the model.
        gpu: a name of ``hardware.GPUS``.
        rows: a step, of ``context`` tokens.
        vocabulary: tokens of its tokenizer.
    """

    what: str
    gpu: str
    nodes: int
    tp: int
    pp: int
    dp: int
    micro_rows: int
    rows: int
    context: int
    vocabulary: int
    checkpointing: bool
    source: str


_UF: Final = (
    "Peng et al. 2023, npj Digital Medicine 6:210;"
    " github.com/uf-hobi-informatics-lab/GatorTronGPT, pt_dist_launch/"
)


def _gatortrongpt(size: str, nodes: int, tp: int, micro_rows: int, context: int) -> Published:
    """Megatron-LM on DGX A100 nodes, fp16, one micro-batch a step, activations computed again."""
    dp = nodes * 8 // tp
    return Published(
        what=f"GatorTronGPT {size}",
        gpu="a100",
        nodes=nodes,
        tp=tp,
        pp=1,
        dp=dp,
        micro_rows=micro_rows,
        rows=dp * micro_rows,
        context=context,
        vocabulary=50257,
        checkpointing=True,
        source=_UF,
    )


PUBLISHED: Final[Mapping[str, Published]] = {
    "gatortrongpt-345m": _gatortrongpt("345M", nodes=16, tp=1, micro_rows=16, context=1024),
    "gatortrongpt-5b": _gatortrongpt("5B", nodes=60, tp=2, micro_rows=4, context=2048),
    "gatortrongpt-20b": _gatortrongpt("20B", nodes=70, tp=8, micro_rows=4, context=2048),
}
"""By preset."""
