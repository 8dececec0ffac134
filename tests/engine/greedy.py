"""Is what the engine writes without chance the same as what Transformers writes?"""

from __future__ import annotations

from pathlib import Path

from clinsynth.engine import BulkEngine, EngineConfig, Request, Sampling

CONFIG = EngineConfig(dtype="float32", kv_cache_gib=0.1, max_num_seqs=8, max_in_flight=8)
_GREEDY = Sampling(temperature=0, max_tokens=64, ignore_end=True)
_PROMPTS = ("<|note|>sex: female\n<|text|>", "<|note|><|text|>Known", "chest pain", "é 🫀")


def _greedy_with_transformers(folder: Path, prompt: str) -> list[int]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids_bl = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
    out_bl = model.generate(ids_bl, max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0)
    return [int(i) for i in out_bl[0, ids_bl.shape[1] :]]


def check_greedy(engine: BulkEngine, folder: Path) -> None:
    requests = [Request(str(i), prompt, _GREEDY) for i, prompt in enumerate(_PROMPTS)]
    found = {c.id: list(c.token_ids) for c in engine.generate(requests)}
    for i, prompt in enumerate(_PROMPTS):
        expected = _greedy_with_transformers(folder, prompt)
        assert len(expected) == 64
        assert found[str(i)] == expected
    distinct = {token for ids in found.values() for token in ids}
    assert len(distinct) > 8, "a model that repeats one token proves nothing"
