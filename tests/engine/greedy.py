"""Is what the engine writes without chance the same as what Transformers writes?

python -m tests.engine.greedy FOLDER    the engine's backend and tokens as JSON, in a process of its own
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from clinsynth.engine import BulkEngine, EngineConfig, Request, Sampling

CONFIG = EngineConfig(dtype="float32", kv_cache_gib=0.1, max_num_seqs=8, max_in_flight=8)
_GREEDY = Sampling(temperature=0, max_tokens=64, ignore_end=True)
_PROMPTS = ("<|note|>sex: female\n<|text|>", "<|note|><|text|>Known", "chest pain", "é 🫀")


def written(engine: BulkEngine, adapter: str | None = None) -> list[list[int]]:
    """The engine's tokens after each prompt."""
    requests = [Request(str(i), prompt, _GREEDY, adapter=adapter) for i, prompt in enumerate(_PROMPTS)]
    found = {c.id: list(c.token_ids) for c in engine.generate(requests)}
    return [found[str(i)] for i in range(len(_PROMPTS))]


def expected(folder: Path) -> list[list[int]]:
    """Those of Transformers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = []
    for prompt in _PROMPTS:
        ids_bl = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
        out_bl = model.generate(
            ids_bl, max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0
        )
        tokens.append([int(i) for i in out_bl[0, ids_bl.shape[1] :]])
    return tokens


def check_greedy(found: list[list[int]], folder: Path) -> None:
    """The same tokens, 64 of them, and not one token over and over."""
    wanted = expected(folder)
    assert [len(ids) for ids in wanted] == [64] * len(_PROMPTS)
    assert found == wanted
    distinct = {token for ids in found for token in ids}
    assert len(distinct) > 8, "a model that repeats one token proves nothing"


def main() -> None:
    """Prints what the engine writes with the model in the folder named on the command line."""
    with BulkEngine(Path(sys.argv[1]), CONFIG) as engine:
        print(json.dumps({"backend": engine.info.backend, "tokens": written(engine)}))


if __name__ == "__main__":
    main()
