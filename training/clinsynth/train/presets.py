"""Shapes by name. Vocabulary and context are not part of them: those come from the corpus and the run.

Published: the GatorTronGPT shapes, GPT-2's architecture at three sizes (Peng et al., "A study of
generative large language model for medical research and healthcare", npj Digital Medicine 2023, and the
authors' scripts); ``llama-1.3b``, the shape of Sheared-LLaMA-1.3B (Xia et al. 2023). There is no
GatorTronGPT between 345M and 5B: ``gpt2-1.3b`` is our own filling, with the width, depth and heads of
GPT-Neo 1.3B. ``demo`` and ``small-12m`` are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    # 4.2M parameters at a vocabulary of 4,096: learns enough on two cores in three minutes to show the way.
    "demo": {
        "architecture": "llama",
        "hidden_size": 256,
        "layers": 4,
        "heads": 4,
        "kv_heads": 4,
        "intermediate_size": 704,
    },
    # 12.2M parameters at a vocabulary of 4,096: an hour on two cores.
    "small-12m": {
        "architecture": "llama",
        "hidden_size": 384,
        "layers": 6,
        "heads": 6,
        "kv_heads": 6,
        "intermediate_size": 1024,
    },
    "gatortrongpt-345m": {"architecture": "gpt2", "hidden_size": 1024, "layers": 24, "heads": 16},
    # 1.3 billion parameters at the vocabularies of GPT-2 (50,257) and Llama 2 (32,000).
    "gpt2-1.3b": {"architecture": "gpt2", "hidden_size": 2048, "layers": 24, "heads": 16},
    "llama-1.3b": {
        "architecture": "llama",
        "hidden_size": 2048,
        "layers": 24,
        "heads": 16,
        "kv_heads": 16,
        "intermediate_size": 5504,
        "tied": False,
    },
    "gatortrongpt-5b": {"architecture": "gpt2", "hidden_size": 4096, "layers": 24, "heads": 32},
    "gatortrongpt-20b": {"architecture": "gpt2", "hidden_size": 6144, "layers": 44, "heads": 48},
}
