"""An adapter's run in PEFT and torch alone, in one process: what every layout must come out at."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch

from clinsynth.tokens.packing import IGNORED, PackedRows
from clinsynth.tokens.shards import TokenShards
from clinsynth.train.schedule import learning_rate


def train_plainly(config: Any) -> tuple[list[float], list[float], float, Any]:
    """Losses, gradient norms, validation loss and the ``PeftModel`` of a run."""
    model = plain_model(config)
    trained = [p for p in model.parameters() if p.requires_grad]
    options = config.optimizer
    adamw = torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.dim() >= 2], "weight_decay": options.weight_decay},
            {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
        ],
        betas=(options.beta1, options.beta2),
        eps=options.eps,
    )
    rows = PackedRows(TokenShards(config.corpus / "tokens" / "train"), config.context, config.seed)
    losses, norms = [], []
    for step in range(config.steps):
        for group in adamw.param_groups:
            group["lr"] = learning_rate(step, config.steps, options)
        model.train()
        batch = [rows.row(step * config.batch.rows + i) for i in range(config.batch.rows)]
        losses.append(_backward(model, batch, config, step))
        norms.append(float(torch.nn.utils.clip_grad_norm_(trained, options.clip)))
        adamw.step()
        adamw.zero_grad()
    valid = PackedRows(TokenShards(config.corpus / "tokens" / "valid"), config.context, config.seed)
    held_out = [valid.row(i) for i in range(min(config.validation.rows, len(valid)))]
    with torch.no_grad():
        model.eval()
        total, tokens = _summed_loss(model, held_out)
    return losses, norms, float(total) / tokens, model


def plain_model(config: Any) -> Any:
    """What a user of PEFT would write."""
    import peft
    from transformers import AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D

    model = AutoModelForCausalLM.from_pretrained(config.init_from, dtype=torch.float32)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    torch.manual_seed(config.seed)
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
    )
    return peft.get_peft_model(model, adapter)


def _backward(model: Any, batch: list[Any], config: Any, step: int) -> float:
    """Gradients of the mean over all tokens, micro-batch by micro-batch as far as dropout goes."""
    tokens = sum(int((row.targets != IGNORED).sum()) for row in batch)
    mean = 0.0
    size = config.batch.micro_rows
    for number, start in enumerate(range(0, len(batch), size)):
        name = f"dropout/{config.seed}/{step}/{number}"
        torch.manual_seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little") >> 1)
        total, _ = _summed_loss(model, batch[start : start + size])
        (total / tokens).backward()
        mean += float(total) / tokens
    return mean


def _summed_loss(model: Any, rows: list[Any]) -> tuple[torch.Tensor, int]:
    """Summed over tokens. Each row's mask is spelled out: same document, and not later."""
    ids = torch.from_numpy(np.stack([row.input_ids for row in rows]))
    labels = torch.from_numpy(np.stack([row.targets for row in rows]))
    segments = np.stack([row.segments for row in rows])
    tokens = ids.shape[1]
    mask = np.zeros((len(rows), 1, tokens, tokens), bool)
    positions = np.zeros_like(segments)
    for b, row in enumerate(segments):
        for i in range(tokens):
            mask[b, 0, i, : i + 1] = row[: i + 1] == row[i]
            positions[b, i] = mask[b, 0, i].sum() - 1
    logits = model(
        input_ids=ids, attention_mask=torch.from_numpy(mask), position_ids=torch.from_numpy(positions)
    ).logits
    loss = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return loss, int((labels != IGNORED).sum())
