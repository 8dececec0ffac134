"""Tiny models of several architectures to adapt, with the corpus's own tokenizer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

ARCHITECTURES = ("llama", "qwen2", "mistral", "gpt2", "gpt_neox")
WIDTH = 64


def make_base(
    folder: Path, corpus: Path, architecture: str, rows: int | None = None, **options: Any
) -> Path:
    """A Hugging Face folder with random weights.

    Args:
        rows: of the embedding; None: as many as the tokenizer has tokens.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    rows = rows or len(AutoTokenizer.from_pretrained(corpus / "tokenizer"))
    shape: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": WIDTH}
    reach = {"gpt2": "n_positions"}.get(architecture, "max_position_embeddings")
    if architecture == "gpt2":
        shape |= {"attn_pdrop": 0.1, "resid_pdrop": 0.1, "embd_pdrop": 0.1}
    else:
        shape |= {"intermediate_size": 96}
    if architecture in ("llama", "qwen2", "mistral"):
        shape |= {"num_key_value_heads": 2}
    settings = AutoConfig.for_model(architecture, vocab_size=rows, **shape, **{reach: 128}, **options)
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(settings)
    with torch.no_grad():  # wide weights: with narrow ones the greedy answer is one token repeated
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.mul_(6)
    model.save_pretrained(folder)
    return folder


def _write_tokenizer(source: Path, folder: Path, unknown: int) -> int:
    """The tokenizer without its last tokens; how many are left."""
    folder.mkdir(parents=True)
    for file in source.iterdir():
        shutil.copyfile(file, folder / file.name)
    settings = json.loads((source / "tokenizer.json").read_text())
    model = settings["model"]
    size = len(model["vocab"])
    if unknown:
        model["vocab"] = {token: i for token, i in model["vocab"].items() if i < size - unknown}
        model["merges"] = model["merges"][:-unknown]
        (folder / "tokenizer.json").write_text(json.dumps(settings))
    return size - unknown
