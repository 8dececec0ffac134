"""A step on a small copy before a run whose architecture nobody has compared with Hugging Face yet.

Plans say where a model's parts stand and how its layers split. They do not say whether the model's code
does more than run them in turn: some scale the embedding, the logits, or what a block adds. So a copy of a
few narrow layers is trained for one step, in the processes and at the layout of the run, and the code of
Hugging Face must agree on its loss and on the norm of its gradient.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch

from clinsynth.errors import UsageError
from clinsynth.tokens.packing import IGNORED
from clinsynth.train.engine import grad_norm, start_engine
from clinsynth.train.pipeline import build
from clinsynth.train.stack import start_stack

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.data import MicroBatch
    from clinsynth.train.families import Family

_LOSS: Final = 1e-4
_NORM: Final = 1e-3
"""Largest differences, as shares, in float32."""
_HEAD: Final = 16
_WINDOW: Final = 16
_TOKENS: Final = 64


def rehearse(config: TrainConfig, family: Family, hf_config: Any) -> None:
    """Compares one step of a small copy with Hugging Face. Collective; every process comes to the same end.

    Raises:
        UsageError: they disagree, or the copy cannot be run.
    """
    try:
        small = small_copy(family, hf_config, config.layout.tp, config.layout.pp)
        lengths = _lengths(config.context)
        found = _step(_short(config), family, small, lengths)
        expected = _plain_step(small, lengths)
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "")[:200]
        raise UsageError(
            _refusal(family, f"a small copy fails: {type(error).__name__}: {reason}")
        ) from error
    for what, here, there, bound in zip(("loss", "norm of the gradient"), found, expected, (_LOSS, _NORM)):
        if not math.isclose(here, there, rel_tol=bound):
            raise UsageError(
                _refusal(family, f"the {what} of a small copy is {here:.6g}, Hugging Face's {there:.6g}")
            )


def small_copy(family: Family, hf_config: Any, tp: int, pp: int) -> Any:
    """The config of a narrow model of the same kind: a few layers, among them one of each type."""
    settings = hf_config.to_dict() | dict.fromkeys(family.dropouts, 0.0)
    settings["pad_token_id"] = None  # whose embedding Hugging Face does not train; no document holds it
    heads, layers = settings["num_attention_heads"], settings["num_hidden_layers"]
    grouped = (settings.get("num_key_value_heads") or heads) != heads
    kinds = settings.get("layer_types") or ["alike"] * layers
    fewest = max(kinds.index(kind) for kind in kinds) + 1
    few = min(layers, max(2, pp, fewest))
    changes = {
        "num_hidden_layers": few,
        "num_attention_heads": 2 * tp,
        "num_key_value_heads": tp if grouped else 2 * tp,
        "hidden_size": 2 * tp * _HEAD,
        "intermediate_size": 2 * tp * _HEAD,
        "head_dim": _HEAD,
        "sliding_window": _WINDOW,
    }
    for name, value in settings.items():
        if isinstance(value, list) and len(value) == layers:
            settings[name] = value[:few]
        elif name in changes and value is not None:
            settings[name] = changes[name]
    return type(hf_config).from_dict(settings)


@dataclass(frozen=True, slots=True)
class _Values:
    """Values by name, none of which is 0 or 1: a norm or a bias that is left out shows."""

    def get(self, name: str, shape: torch.Size) -> torch.Tensor:
        """The values of a tensor."""
        generator = torch.Generator().manual_seed(
            int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "little")
        )
        values = torch.randn(shape, generator=generator)
        return 0.2 * values + (len(shape) == 1)


def _short(config: TrainConfig) -> TrainConfig:
    batch = config.batch.model_copy(update={"rows": config.layout.dp, "micro_rows": 1})
    return config.model_copy(update={"batch": batch, "precision": "fp32"})


def _lengths(context: int) -> tuple[int, int]:
    """Of two documents of a row."""
    tokens = min(_TOKENS, context)
    return tokens // 3, tokens - tokens // 3


def _step(config: TrainConfig, family: Family, small: Any, lengths: tuple[int, int]) -> tuple[float, float]:
    network = build(config, family, small, _Values())
    if config.layout.piped:
        engine = start_engine(config, network)
    else:
        engine = start_stack(config, network, small.hidden_size)
    loss = float(engine.train_batch(iter([_row(small.vocab_size, lengths)])))
    return loss, grad_norm(engine)


def _row(vocabulary: int, lengths: tuple[int, int]) -> MicroBatch:
    """Two documents in a row."""
    documents = _documents(vocabulary, lengths)
    ids = torch.cat(documents)[None]
    segments = torch.cat([torch.full_like(d, i) for i, d in enumerate(documents, 1)])[None]
    nothing = torch.tensor([IGNORED])
    labels = torch.cat([part for d in documents for part in (d[1:], nothing)])[None]
    return (ids, segments), (labels, torch.tensor(1.0 / (sum(lengths) - len(lengths))))


def _plain_step(small: Any, lengths: tuple[int, int]) -> tuple[float, float]:
    """Hugging Face's own code, a document at a time."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(
        small, dtype=torch.float32, attn_implementation="eager"
    ).train()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(_Values().get(name, parameter.shape))
    targets, total = sum(lengths) - len(lengths), torch.zeros(())
    for document in _documents(small.vocab_size, lengths):
        logits = model(input_ids=document[None], use_cache=False).logits[0, :-1]
        total = total + torch.nn.functional.cross_entropy(logits, document[1:], reduction="sum") / targets
    total.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    return total.item(), torch.nn.utils.get_total_norm(gradients).item()


def _documents(vocabulary: int, lengths: tuple[int, int]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(vocabulary, (length,), generator=generator) for length in lengths]


def _refusal(family: Family, why: str) -> str:
    return f"init_from: models of type {family.name!r} cannot be trained: {why}"
