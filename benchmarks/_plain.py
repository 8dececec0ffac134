"""What parallel training is compared with: plain Hugging Face and torch, one process, float32.

Nothing of ``clinsynth.train``'s model is used but the first values of the weights. Each document is read
alone, in a row of its own: what packing, segments and restarted positions have to be equal to.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clinsynth.folders import Manifest, new_folder
from clinsynth.overlap import NEIGHBOURS, NGRAMS, NeighbourIndex, NgramIndex
from clinsynth.tokens.packing import IGNORED, Row
from clinsynth.tokens.shards import TokenWriter
from clinsynth.tokens.tokenizer import NoteTokenizer, save_tokenizer, train_tokenizer
from clinsynth.train.config import TrainConfig
from clinsynth.train.data import dealt_rows, open_batches
from clinsynth.train.schedule import learning_rate
from clinsynth.train.settings import model_settings
from clinsynth.train.weights import SeededWeights

VOCABULARY = 353
"""Tokens of the corpus: odd, so that every layout pads them."""
WORDS = [
    "fever",
    "cough",
    "chest",
    "pain",
    "denies",
    "acute",
    "left",
    "lung",
    "heart",
    "normal",
    "of",
    "the",
]


ONE_SOURCE = {"train": {"notes": 180}, "valid": {"notes": 20}}
THREE_SOURCES = {
    "train": {"letters": 120, "notes": 40, "reports": 20},
    "valid": {"letters": 15, "notes": 5},
}
"""Documents of each source in each split."""


def make_corpus(
    folder: Path,
    sources: Mapping[str, Mapping[str, int]] = ONE_SOURCE,
    tokenizer: NoteTokenizer | None = None,
) -> Path:
    """Writes a corpus folder of 200 short documents of random words.

    Args:
        tokenizer: None: one that is learned from them, with ``VOCABULARY`` tokens.
    """
    rng = np.random.default_rng(0)
    texts = [
        "<|note|><|text|>" + " ".join(rng.choice(WORDS, size=rng.integers(3, 40))) + "<|end|>"
        for _ in range(200)
    ]
    if tokenizer is None:
        tokenizer = train_tokenizer(texts, VOCABULARY)
        assert tokenizer.vocabulary_size == VOCABULARY
    with new_folder(folder, Manifest("corpus", config={"deid": {"version": 1}})) as new:
        save_tokenizer(tokenizer, new / "tokenizer")
        NgramIndex.build(texts).save(new / NGRAMS)
        NeighbourIndex.build(texts).save(new / NEIGHBOURS)
        documents = iter(tokenizer.encode_batch(texts))
        for split, counts in sources.items():
            for source, count in counts.items():
                with TokenWriter(new / "tokens" / split / source, tokenizer.vocabulary_size) as writer:
                    for ids in itertools.islice(documents, count):
                        writer.append(ids)
    return folder


@dataclass(frozen=True, slots=True)
class Plain:
    """What a run gives: nats a token and norm of the gradient a step; losses of validation, as its metrics
    name them; the model."""

    losses: list[float]
    norms: list[float]
    valid_losses: dict[str, float]
    model: Any


Backward = Callable[[Any, Sequence[Row], TrainConfig, int], float]
"""Model, rows and number of a step -> its loss; leaves the gradients."""


def train_plainly(config: TrainConfig, model: Any = None, backward: Backward | None = None) -> Plain:
    """The whole run of ``config``: AdamW, clipping over the whole model, the run's own learning rates.

    Args:
        model: whose parameters with a gradient are trained; None: the one that the run starts from scratch.
        backward: None: the mean over the step's tokens.
    """
    model, backward = model or plain_model(config), backward or backward_of_mean
    options = config.optimizer
    trained = [p for p in model.parameters() if p.requires_grad]
    adamw = torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.dim() >= 2], "weight_decay": options.weight_decay},
            {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
        ],
        betas=(options.beta1, options.beta2),
        eps=options.eps,
    )
    data = open_batches(config, 0)
    losses, norms = [], []
    for step in range(config.steps):
        for group in adamw.param_groups:
            group["lr"] = learning_rate(step, config.steps, options)
        first = step * config.batch.rows
        rows = [data.train.row(first + i) for i in range(config.batch.rows)]
        losses.append(backward(model.train(), rows, config, step))
        norms.append(float(torch.nn.utils.clip_grad_norm_(trained, options.clip)))
        adamw.step()
        adamw.zero_grad()
    valid = {
        f"valid_loss/{name}": [data.valid[name].row(i) for i in range(count)]
        for name, count in dealt_rows(data.valid, config.validation.rows).items()
    }
    valid["valid_loss"] = [row for rows in valid.values() for row in rows]
    with torch.no_grad():
        valid_losses = {name: token_mean(model.eval(), rows).item() for name, rows in valid.items()}
    return Plain(losses, norms, valid_losses, model)


def backward_of_mean(model: Any, rows: Sequence[Row], _config: TrainConfig, _step: int) -> float:
    """Gradients of the mean over the rows' tokens."""
    loss = token_mean(model, rows)
    loss.backward()
    return loss.item()


def backward_one_by_one(model: Any, rows: Sequence[Row], _config: TrainConfig, _step: int) -> float:
    """The same as ``backward_of_mean`` with its sums in another order: how far rounding alone leads."""
    tokens = sum(int((row.targets != IGNORED).sum()) for row in rows)
    total = 0.0
    for row in rows:
        for segment in range(1, int(row.segments.max()) + 1):
            ids = torch.from_numpy(row.input_ids[row.segments == segment])
            if ids.numel() > 1:
                logits = model(input_ids=ids[None]).logits[0, :-1]
                loss = torch.nn.functional.cross_entropy(logits, ids[1:], reduction="sum") / tokens
                loss.backward()
                total += loss.item()
    return total


def plain_model(config: TrainConfig) -> Any:
    """Hugging Face's model with the run's first values."""
    from transformers import AutoModelForCausalLM

    family, settings = model_settings(config)
    hf_config = family.config(settings)
    model = AutoModelForCausalLM.from_config(hf_config, dtype=torch.float32)
    weights = SeededWeights(family, hf_config, config.seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights.get(name, parameter.shape))
    return model


def token_mean(model: Any, rows: Sequence[Row]) -> torch.Tensor:
    """Mean cross-entropy over the tokens of the rows, each document in a row of its own."""
    documents = [
        torch.from_numpy(row.input_ids[row.segments == segment])
        for row in rows
        for segment in range(1, int(row.segments.max()) + 1)
    ]
    ids = torch.nn.utils.rnn.pad_sequence(documents, batch_first=True)
    labels = torch.nn.utils.rnn.pad_sequence(
        [document[1:] for document in documents], batch_first=True, padding_value=IGNORED
    )
    logits = model(input_ids=ids).logits[:, : labels.shape[1]]
    return torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))


def largest_difference(
    found: Sequence[float], expected: Sequence[float], *, relative: bool = False
) -> float:
    """Largest difference of two curves, absolute or relative to the expected one."""
    a, b = np.asarray(found), np.asarray(expected)
    assert a.shape == b.shape, (a.shape, b.shape)
    return float(np.max(np.abs(a - b) / (np.abs(b) if relative else 1)))
