"""Proof that a written folder is the model that was trained, before it gets its name.

The network as it stands reads the beginning of a note; so does Hugging Face, with the folder loaded the
way any user will load it. Logits that differ mean a tensor in the wrong place, a wrong name or a wrong
setting, and the folder is not kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from clinsynth.errors import ClinsynthError
from clinsynth.train.distributed import from_all

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.data import Batches

_TOKENS: Final = 64
_FLOAT32: Final = 1e-4
"""Largest difference of a logit."""
_BFLOAT16: Final = 0.03
"""Root mean square of the differences over that of the logits: all is rounded to 8 bits."""


def probe_logits(engine: Any, batches: Batches) -> tuple[torch.Tensor, torch.Tensor]:
    """Beginning of the first document of the first row, and the network's logits for it. Collective.

    Returns:
        ids [1, n] and logits [n, V], n up to 64; the logits are whole on every process.
    """
    (micro_batch, *_), _ = batches.step(0)
    (ids, segments), _ = micro_batch
    _, logits = engine.eval_batch(iter([micro_batch]), return_logits=True, num_micro_batches=1)
    grid = engine.mpu
    whose = grid.get_pipe_parallel_rank(), grid.get_data_parallel_rank(), grid.get_slice_parallel_rank()
    length = min(_TOKENS, int((segments[0] == segments[0, 0]).sum()))
    share = None if logits is None else (*whose, ids[:1, :length], logits[0, :length].float().cpu())
    found = [part for part in from_all(share) if part is not None and part[1] == 0]
    last = max(stage for stage, *_ in found)
    shares = sorted((tp, ids, logits) for stage, _, tp, ids, logits in found if stage == last)
    return shares[0][1], torch.cat([logits for *_, logits in shares], -1)


@torch.no_grad()
def prove(folder: Path, config: TrainConfig, ids: torch.Tensor, logits: torch.Tensor) -> float:
    """Loads the folder and compares; gives the difference.

    Raises:
        ClinsynthError: it is over the bound, or the folder does not hold what its config asks for.
    """
    from transformers import AutoModelForCausalLM

    # Weights of the folder, read into float32: in bfloat16 a CPU's sums would blur the comparison.
    model, loading = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if loading.get(kind):
            raise ClinsynthError(
                f"the exported folder has {kind.replace('_', ' ')}: {sorted(loading[kind])[0]}"
            )
    found = model.eval()(input_ids=ids).logits[0]
    expected = logits[:, : found.shape[1]]
    if config.precision == "fp32":
        difference, bound = float((found - expected).abs().max()), _FLOAT32
    else:
        difference = float((found - expected).square().mean().sqrt() / expected.square().mean().sqrt())
        bound = _BFLOAT16
    if not difference <= bound:
        raise ClinsynthError(
            f"the exported folder's logits differ from the trained model's by {difference:.2g}, more than "
            f"{bound:g}: the folder was not written; the run's last checkpoint is whole"
        )
    return difference
