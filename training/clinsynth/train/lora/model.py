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
        model = load_model(config.init_from, base_dtype(config), dropout=config.dropout)
        _exact_tables(model)
        return _attach(config, model)


def load_model(folder: Path, dtype: torch.dtype, *, dropout: float | None = None) -> Any:
    """The causal language model in a Hugging Face folder: safetensors, no code of its own.

    Args:
        dropout: probability at every place where the model has dropout; None: what its config says.

    Raises:
        UsageError: transformers has no class for it, or cannot load it.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        settings = AutoConfig.from_pretrained(folder, **options)
        for key, value in settings.to_dict().items():
            if dropout is not None and _is_dropout(key, value):
                setattr(settings, key, dropout)
        model, loading = AutoModelForCausalLM.from_pretrained(
            folder,
            config=settings,
            dtype=dtype,
            attn_implementation="sdpa",
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # told below
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = next(iter(str(error).strip().splitlines()), "")
        raise UsageError(f"{folder}: transformers cannot load it: {reason[:300]}") from None
    for kind, what in (("missing_keys", "is missing"), ("mismatched_keys", "has another shape")):
        for name in sorted(map(str, loading[kind]))[:1]:
            raise UsageError(f"{folder}: tensor {name} {what}: the weights are not those of config.json")
    return model


def _is_dropout(key: str, value: object) -> bool:
    return ("dropout" in key or key.endswith("_pdrop")) and isinstance(value, int | float)


def base_dtype(config: TrainConfig) -> torch.dtype:
    """The type of the model's own weights. They are not trained, so bfloat16 holds what bfloat16
    computes with; the adapter is float32 in any case."""
    return torch.bfloat16 if config.precision == "bf16" else torch.float32


@torch.no_grad()
def fit_vocabulary(model: Any, vocabulary: int) -> None:
    """Gives embedding and output layer a row for every token; new ones are the mean of the others."""
    known = model.config.vocab_size
    if vocabulary <= known:
        return
    model.resize_token_embeddings(vocabulary, mean_resizing=False)
    for table in (model.get_input_embeddings(), model.get_output_embeddings()):
        table.weight[known:] = table.weight[:known].float().mean(0).to(table.weight.dtype)
        if getattr(table, "bias", None) is not None:
            table.bias[known:] = table.bias[:known].float().mean().to(table.bias.dtype)


def _attach(config: TrainConfig, model: Any) -> Any:
    import peft

    options = config.lora
    assert options is not None
    fit_vocabulary(model, load_tokenizer(config.corpus / "tokenizer").vocabulary_size)
    if config.activation_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    whole = _trained_whole(config, model)
    _gather(model, whole)
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
        ensure_weight_tying=bool(model.config.tie_word_embeddings) and "lm_head" in whole,
    )
    torch.manual_seed(config.seed)
    adapted = peft.get_peft_model(model, adapter)
    for parameter in adapted.parameters():
        if parameter.requires_grad:  # PEFT leaves modules that are trained whole in the model's type
            parameter.data = parameter.data.float()
    return adapted


def _trained_whole(config: TrainConfig, model: Any) -> list[str]:
    """Last parts of the names of modules that are trained as they are.

    Raises:
        UsageError: the model has no such module.
    """
    assert config.lora is not None
    names = {module: name.rpartition(".")[2] for name, module in model.named_modules() if name}
    ends = [names[end] for end in (model.get_input_embeddings(), model.get_output_embeddings())]
    wanted = config.lora.modules_to_save
    if wanted == "auto":
        wanted = tuple(ends) if new_tokens(config) else ()
    for name in wanted:
        if name not in names.values():
            raise UsageError(f"lora.modules_to_save: the model has no module {name}")
    if not model.config.tie_word_embeddings or not set(ends) & set(wanted):
        return list(wanted)
    if ends[1] != "lm_head":
        raise UsageError(
            f"lora.modules_to_save: in this model {ends[0]} and {ends[1]} are one, which PEFT cannot keep: "
            "continue the model without lora, or prepare a corpus that adds no tokens"
        )
    return list(dict.fromkeys([*wanted, *ends]))


@torch.no_grad()
def _exact_tables(model: Any) -> None:
    """Makes the tables that no folder stores, those of rotations above all, anew in float32 where they
    are not.

    What is built while DeepSpeed shares a model out gets the type of its weights, frequencies too.
    """
    for name, table in list(model.named_non_persistent_buffers()):
        if not table.is_floating_point() or table.dtype == torch.float32:
            continue
        module = model.get_submodule(name.rpartition(".")[0])
        module.register_buffer(name.rpartition(".")[2], table.float(), persistent=False)
        model._init_weights(module)


def _gather(model: Any, names: list[str]) -> None:
    """Under ZeRO-3, takes modules out of what is shared out, until DeepSpeed starts: PEFT copies what is
    trained whole, and DeepSpeed takes the copy of a share for the share."""
    import deepspeed

    gathered: dict[Any, torch.nn.Parameter] = {}
    for name, module in model.named_modules():
        if name.rpartition(".")[2] not in names:
            continue
        for part in module.modules():
            for key, parameter in list(part.named_parameters(recurse=False)):
                if not hasattr(parameter, "ds_id"):
                    continue
                if parameter not in gathered:
                    with deepspeed.zero.GatheredParameters([parameter]):
                        gathered[parameter] = torch.nn.Parameter(parameter.data.clone())
                setattr(part, key, gathered[parameter])


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
