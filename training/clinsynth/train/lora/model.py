"""The model of an adapter's run: Hugging Face's with PEFT's layers; split as it is read under ZeRO-3."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from clinsynth.errors import UsageError
from clinsynth.tokens.tokenizer import load_tokenizer
from clinsynth.train.lora.checks import new_tokens, target_names
from clinsynth.train.plain_engine import zero_settings
from clinsynth.train.settings import existing_settings

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


def adapted_model(config: TrainConfig) -> Any:
    """The ``PeftModel`` of a run, of which only the adapter is trained. Collective under ZeRO-3.

    First values depend on the seed alone, so that every layout starts from the same adapter.
    """
    assert config.init_from is not None
    with _shared_out(config):
        model = load_model(config.init_from, base_dtype(config), without_dropout=True)
        torch.manual_seed(config.seed)
        return _attach(config, model)


def load_model(folder: Path, dtype: torch.dtype, *, without_dropout: bool = False) -> Any:
    """The causal language model in a Hugging Face folder: safetensors, no code of its own.

    Raises:
        UsageError: transformers has no class for it, or cannot load it.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        settings = AutoConfig.from_pretrained(folder, **options)
        if without_dropout:
            for key in [k for k in settings.to_dict() if "dropout" in k or k.endswith("_pdrop")]:
                setattr(settings, key, 0.0)
        return AutoModelForCausalLM.from_pretrained(
            folder,
            config=settings,
            dtype=dtype,
            attn_implementation="sdpa",
            use_safetensors=True,
            **options,
        )
    except (OSError, ValueError, ImportError) as error:
        reason = next(iter(str(error).strip().splitlines()), "")
        raise UsageError(f"{folder}: transformers cannot load it: {reason[:300]}") from None


def base_dtype(config: TrainConfig) -> torch.dtype:
    """The type of the model's own weights. They are not trained, so bfloat16 holds what bfloat16
    computes with; the adapter is float32 in any case."""
    return torch.bfloat16 if config.precision == "bf16" else torch.float32


def fit_vocabulary(model: Any, vocabulary: int) -> None:
    """Gives the embedding a row for every token; new rows are drawn around the mean of the others."""
    if vocabulary > model.config.vocab_size:
        model.resize_token_embeddings(vocabulary)


def _attach(config: TrainConfig, model: Any) -> Any:
    import peft

    options = config.lora
    assert options is not None
    fit_vocabulary(model, load_tokenizer(config.corpus / "tokenizer").vocabulary_size)
    if config.activation_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    whole = _trained_whole(config, model)
    adapter = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        use_rslora=options.rslora,
        use_dora=options.dora,
        target_modules=target_names(config),
        fan_in_fan_out=_stores_inputs_first(model),
        modules_to_save=whole or None,
        ensure_weight_tying=bool(whole) and bool(model.config.tie_word_embeddings),
    )
    return peft.get_peft_model(model, adapter)


def _trained_whole(config: TrainConfig, model: Any) -> list[str]:
    """Last parts of the names of modules that are trained as they are.

    Raises:
        UsageError: the model has no such module.
    """
    assert config.lora is not None
    names = {module: name.rpartition(".")[2] for name, module in model.named_modules() if name}
    wanted = config.lora.modules_to_save
    if wanted != "auto":
        for name in wanted:
            if name not in names.values():
                raise UsageError(f"lora.modules_to_save: the model has no module {name}")
        return list(wanted)
    if not new_tokens(config):
        return []
    ends = [model.get_input_embeddings(), model.get_output_embeddings()]
    return [names[end] for end in ends[: 1 if model.config.tie_word_embeddings else 2]]


def _stores_inputs_first(model: Any) -> bool:
    from transformers.pytorch_utils import Conv1D

    return any(isinstance(module, Conv1D) for module in model.modules())


@contextlib.contextmanager
def _shared_out(config: TrainConfig) -> Iterator[None]:
    """Under ZeRO-3, what Hugging Face loads in this block is split over the copies tensor by tensor."""
    if config.layout.zero < 3:
        yield
        return
    from transformers.integrations.deepspeed import HfDeepSpeedConfig, unset_hf_deepspeed_config

    assert config.init_from is not None
    known = existing_settings(config.init_from)
    width = known.get("hidden_size") or known.get("n_embd") or 1024
    settings = {
        "train_micro_batch_size_per_gpu": config.batch.micro_rows,
        "zero_optimization": zero_settings(3, width),
        "bf16": {"enabled": base_dtype(config) == torch.bfloat16},
    }
    alive = HfDeepSpeedConfig(settings)  # transformers holds it weakly
    try:
        yield
    finally:
        unset_hf_deepspeed_config()
        del alive
