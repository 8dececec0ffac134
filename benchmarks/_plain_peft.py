"""What training an adapter is compared with: plain PEFT, Hugging Face and torch, one process, float32.

Without dropout each document is read alone, in a row of its own. Dropout draws numbers by place, so with
it the packed rows are read as the run reads them, with a mask that is spelled out here once more.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks._plain import Plain, backward_of_mean, make_corpus, train_plainly

from clinsynth.tokens.packing import IGNORED, Row
from clinsynth.tokens.tokenizer import load_tokenizer
from clinsynth.train.config import TrainConfig


def make_base(folder: Path, tokenizer: Path, architecture: str, **options: Any) -> Path:
    """A Hugging Face folder with random weights.

    Args:
        tokenizer: folder with the files of its tokenizer.
    """
    from tokenizers import Tokenizer
    from transformers import AutoConfig, AutoModelForCausalLM

    shutil.copytree(tokenizer, folder)
    rows = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    shape: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 64}
    shape |= {"bos_token_id": 1, "eos_token_id": 3, "pad_token_id": 0}
    if architecture == "gpt2":
        shape |= {"n_positions": 128, "attn_pdrop": 0.1, "resid_pdrop": 0.1, "embd_pdrop": 0.1}
    else:
        shape |= {"max_position_embeddings": 128, "intermediate_size": 96}
    if architecture in ("llama", "qwen2", "mistral"):
        shape |= {"num_key_value_heads": 2}
    settings = AutoConfig.for_model(architecture, vocab_size=rows, **shape, **options)
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(settings)
    with torch.no_grad():  # wide weights: with narrow ones the greedy answer is one token repeated
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.mul_(6)
    model.save_pretrained(folder)
    return folder


def make_open_base(folder: Path, architecture: str, **options: Any) -> tuple[Path, Path]:
    """A model with a tokenizer of its own, as from a hub, and a corpus in its tokens and 96 new ones."""
    from tests.tokens import foreign

    from clinsynth.tokens.adopt import adopt_tokenizer

    tokenizer = foreign.save(foreign.gpt2(), folder / "tokenizer")
    base = make_base(folder / architecture, tokenizer, architecture, **options)
    return base, make_corpus(folder / "corpus", tokenizer=adopt_tokenizer(base, ()))


def train_adapter_plainly(config: TrainConfig) -> Plain:
    """The whole run of ``config``; its model is a ``PeftModel``."""
    return train_plainly(config, plain_adapted_model(config), _backward)


def plain_adapted_model(config: TrainConfig) -> Any:
    """What a user of PEFT would write."""
    import peft
    from transformers import AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D

    assert config.lora is not None
    model = AutoModelForCausalLM.from_pretrained(config.init_from, dtype=torch.float32)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    torch.manual_seed(config.seed)
    known, wanted = model.config.vocab_size, load_tokenizer(config.corpus / "tokenizer").vocabulary_size
    grown = wanted > known
    if grown:
        model.resize_token_embeddings(wanted, mean_resizing=False)
        for table in {model.get_input_embeddings(), model.get_output_embeddings()}:
            table.weight.data[known:] = table.weight.data[:known].mean(0)
    ends = [model.get_input_embeddings(), model.get_output_embeddings()]
    linear = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not model.get_output_embeddings()
    }
    adapter = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        use_rslora=config.lora.rslora,
        use_dora=config.lora.dora,
        target_modules=sorted(linear),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
        modules_to_save=[name for name, module in model.named_modules() if module in ends]
        if grown
        else None,
        ensure_weight_tying=grown and bool(model.config.tie_word_embeddings),
    )
    torch.manual_seed(config.seed)
    return peft.get_peft_model(model, adapter)


def _backward(model: Any, batch: Sequence[Row], config: TrainConfig, step: int) -> float:
    """Gradients of the mean over the step's tokens."""
    assert config.lora is not None
    if not config.lora.dropout:
        return backward_of_mean(model, batch, config, step)
    tokens = sum(int((row.targets != IGNORED).sum()) for row in batch)
    size, mean = config.batch.micro_rows, 0.0
    for number in range(len(batch) // size):
        name = f"dropout/{config.seed}/{step}/{number}"
        torch.manual_seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little") >> 1)
        loss = _summed_as_packed(model, batch[number * size : (number + 1) * size]) / tokens
        loss.backward()
        mean += loss.item()
    return mean


def _summed_as_packed(model: Any, rows: Sequence[Row]) -> torch.Tensor:
    ids = torch.from_numpy(np.stack([row.input_ids for row in rows]))
    labels = torch.from_numpy(np.stack([row.targets for row in rows]))
    mask = np.zeros((len(rows), 1, *2 * ids.shape[1:]), bool)
    for row, allowed in zip(rows, mask[:, 0]):
        for i, segment in enumerate(row.segments):
            allowed[i, : i + 1] = row.segments[: i + 1] == segment
    positions = torch.from_numpy(mask[:, 0].sum(-1) - 1)
    logits = model(input_ids=ids, attention_mask=torch.from_numpy(mask), position_ids=positions).logits
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
