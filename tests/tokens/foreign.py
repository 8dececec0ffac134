"""Small tokenizers made as those of open models are, with their special tokens and their habits."""

import json
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

TEXTS = [
    f"The patient denies chest pain and dyspnea on exertion, BP {n}/80 mmHg, HR 72. "
    "Café, naïve: metoprolol 25 mg p.o. b.i.d.\n\nPlan: follow up in two weeks. It's stable."
    for n in range(100, 140)
]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def special(*contents: str) -> list[AddedToken]:
    return [AddedToken(content, special=True, normalized=False) for content in contents]


def byte_level(pattern: str | None, *, in_front: tuple[str, ...] = (), **model: Any) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(**model))
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None)
    split = [] if pattern is None else [pre_tokenizers.Split(Regex(pattern), "isolated")]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*split, whole])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=special(*in_front),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def gpt2() -> Tokenizer:
    """Its one special token stands in the vocabulary."""
    tokenizer = byte_level(None, in_front=("<|endoftext|>",))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def llama3() -> Tokenizer:
    """Special tokens behind the vocabulary, one put before every text; digits in threes."""
    tokenizer = byte_level(LLAMA3, ignore_merges=True)
    tokenizer.add_special_tokens(special("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"))
    first = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", first)]
    )
    return tokenizer


def qwen2() -> Tokenizer:
    """Composes letters; special tokens, and others with a meaning that are not called special."""
    tokenizer = byte_level(LLAMA3.replace("{1,3}", ""))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens(special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("[THINK]")])
    return tokenizer


def neox() -> Tokenizer:
    """Composes letters; runs of spaces behind the vocabulary, with a special token among them."""
    tokenizer = byte_level(None, in_front=("<|endoftext|>", "<|padding|>"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_tokens([AddedToken(" " * n, special=False, normalized=True) for n in (8, 4)])
    tokenizer.add_special_tokens(special("<|late|>"))
    tokenizer.add_tokens([AddedToken("  ", special=False, normalized=True)])
    return tokenizer


def phi3() -> Tokenizer:
    """Has a token ``<|end|>`` already, which takes the spaces behind it away."""
    tokenizer = llama2()
    tokenizer.add_special_tokens(
        [
            AddedToken(content, special=True, normalized=False, rstrip=True)
            for content in ("<|assistant|>", "<|end|>")
        ]
    )
    return tokenizer


def sentencepiece() -> Tokenizer:
    """Words begin with U+2581, what has no token is written in bytes."""
    in_front = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    learned.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=600, special_tokens=in_front, show_progress=False)
    )
    model = json.loads(learned.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    tokenizer = Tokenizer(
        models.BPE(model["vocab"], merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.add_special_tokens(special("<unk>", "<s>", "</s>"))
    first = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", first)]
    )
    return tokenizer


def llama2() -> Tokenizer:
    """Spaces are replaced before the words are looked at, and one is put in front."""
    tokenizer = sentencepiece()
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


def mistral() -> Tokenizer:
    """The same by a pre-tokenizer."""
    tokenizer = sentencepiece()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


MAKERS = {maker.__name__: maker for maker in (gpt2, llama3, qwen2, neox, llama2, mistral, phi3)}
SENTENCEPIECE = {"llama2", "mistral", "phi3"}


def save(tokenizer: Tokenizer, folder: Path) -> Path:
    """A folder as of an open model: its fast tokenizer, and what transformers would add to a text."""
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": True}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **named})
    )
    return folder
