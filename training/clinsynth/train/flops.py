"""Floating-point operations of a model, and those that an accelerator could do: model FLOPs utilisation.

What a model needs, not what a run spends: recomputed activations don't count, and neither do the padding of
a row and of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PEAK_BF16: Final[Mapping[str, float]] = {
    "H200": 989.4e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989.4e12,
    "A100": 312e12,
    "B200": 2250e12,
}
"""bf16 FLOP/s without sparsity by a part of the accelerator's name, as NVIDIA's data sheets give them."""


def flops_per_token(parameters: int, layers: int, attention_width: int, context: int) -> float:
    """FLOPs that training a decoder takes a token, forward and backward.

    As Chowdhery et al. 2022 (PaLM, appendix B) and Narayanan et al. 2021 (Megatron-LM, section 5.1) count
    them, with the whole square of the attention and not its causal half, so that figures compare: 6 for
    each weight that multiplies, 12 x layers x width x context for attention.

    Args:
        parameters: weights that multiply: not the embedding, unless it is the output layer too, nor learned
            positions.
        attention_width: heads x size of a head.
        context: tokens a row.
    """
    return 6.0 * parameters + 12.0 * layers * attention_width * context


def model_flops(hf_config: Any, context: int) -> float:
    """``flops_per_token`` of a Hugging Face decoder, whose weights are counted without being made."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(hf_config)
    weights = set(model.parameters())
    looked_up = {module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    # A tied embedding is looked up and multiplied.
    multiplying = (weights - looked_up) | {model.get_output_embeddings().weight}
    head = getattr(hf_config, "head_dim", None) or hf_config.hidden_size // hf_config.num_attention_heads
    return flops_per_token(
        sum(weight.numel() for weight in multiplying),
        hf_config.num_hidden_layers,
        head * hf_config.num_attention_heads,
        context,
    )


def peak_flops(precision: str) -> float | None:
    """bf16 FLOP/s of this process's accelerator; None where there is none, or its peak is not known."""
    import torch

    if precision != "bf16" or not torch.cuda.is_available():
        return None
    name = torch.cuda.get_device_name()
    if "MIG" in name:  # a part of one, whose share the name doesn't tell
        return None
    return next((peak for part, peak in PEAK_BF16.items() if part in name), None)
