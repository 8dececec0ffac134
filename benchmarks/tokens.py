"""Tokenising: our batches against one call a note of transformers' fast tokenizer, in one run.

    python benchmarks/tokens.py [--notes 2000]

Text is that of the simulated hospital, tagged and rendered. Prints MB/s of UTF-8 text, their ratio, and how
times grow from N to 10 N notes. Ids are compared first: a faster tokenizer that differs is no faster one.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from clinsynth.deid import to_tags
from clinsynth.simulate import simulate_notes
from clinsynth.tokens.packing import PackedRows
from clinsynth.tokens.shards import TokenShards, TokenWriter
from clinsynth.tokens.template import parse, render
from clinsynth.tokens.tokenizer import NoteTokenizer, train_tokenizer

T = TypeVar("T")
VOCABULARY, LENGTH, BATCH, REPEATS = 4_096, 512, 1_000, 3


def main() -> None:
    """Prints one line a measurement."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--notes", type=int, default=2_000, help="N; growth is shown up to 10 N")
    few = arguments.parse_args().notes
    texts = [render(to_tags(note, note.phi)) for note in simulate_notes(few, seed=0)]
    seconds, tokenizer = timed(lambda: train_tokenizer(texts, VOCABULARY))
    size = megabytes(texts)
    tokens = sum(map(len, tokenizer.encode_batch(texts)))
    per_note, per_token, rate = tokens / few, size * 1e6 / tokens, size / seconds
    print(f"{few:,} notes, {size:.1f} MB, {per_note:.0f} tokens a note, {per_token:.2f} bytes a token")
    print(f"train a vocabulary of {tokenizer.vocabulary_size:,}: {seconds:.1f} s, {rate:.1f} MB/s")
    with tempfile.TemporaryDirectory() as folder:
        compare(tokenizer, texts, Path(folder) / "tokenizer")
        growth(tokenizer, texts, Path(folder))


def compare(tokenizer: NoteTokenizer, texts: list[str], folder: Path) -> None:
    """The row of the table: batches against calls, on one core and on all."""
    from transformers import AutoTokenizer

    tokenizer.save(folder)
    fast = AutoTokenizer.from_pretrained(folder)
    assert [fast(text).input_ids for text in texts[:200]] == tokenizer.encode_batch(texts[:200])
    for parallel, where in (("false", "one core"), ("true", f"{os.cpu_count()} cores")):
        os.environ["TOKENIZERS_PARALLELISM"] = parallel
        ours = best(lambda: encode_all(tokenizer, texts))
        theirs = best(lambda: [fast(text).input_ids for text in texts])
        size = megabytes(texts)
        print(
            f"encode, {where}: {size / ours:.1f} MB/s in batches of {BATCH:,}, "
            f"{size / theirs:.1f} MB/s by transformers' calls, ratio {theirs / ours:.2f}"
        )
    decoded = [tokenizer.decode(ids) for ids in tokenizer.encode_batch(texts)]
    seconds = best(lambda: [parse(text) for text in decoded])
    print(f"parse: {len(texts) / seconds:,.0f} notes/s, {megabytes(texts) / seconds:.1f} MB/s")


def growth(tokenizer: NoteTokenizer, texts: list[str], folder: Path) -> None:
    """Encode and write, open and pack, read every row: at N and at 10 N notes."""
    times = []
    for factor in (1, 10):
        where = folder / f"tokens-{factor}"
        write, _ = timed(partial(write_all, tokenizer, texts, factor, where))
        pack, rows = timed(partial(PackedRows, TokenShards(where), LENGTH, 0, tokenizer.pad_id))
        read, _ = timed(partial(read_all, rows))
        times.append((write, pack, read))
        print(
            f"{factor * len(texts):,} notes: encode and write {write:.2f} s, pack {pack:.3f} s "
            f"({rows.fill:.1%} full), read {len(rows) * LENGTH / read / 1e6:.1f} M tokens/s"
        )
    named = zip(("encode and write", "pack", "read"), *times)
    print("10 times the notes: " + ", ".join(f"{name} {b / a:.1f}x" for name, a, b in named))


def encode_all(tokenizer: NoteTokenizer, texts: list[str], times: int = 1) -> Iterator[list[int]]:
    """Ids of ``texts``, ``times`` times over."""
    for _ in range(times):
        for start in range(0, len(texts), BATCH):
            yield from tokenizer.encode_batch(texts[start : start + BATCH])


def write_all(tokenizer: NoteTokenizer, texts: list[str], times: int, folder: Path) -> None:
    """Writes ``texts``, ``times`` times over, as token shards."""
    with TokenWriter(folder, tokenizer.vocabulary_size) as writer:
        for ids in encode_all(tokenizer, texts, times):
            writer.append(ids)


def read_all(rows: PackedRows) -> None:
    """Reads an epoch."""
    for i in range(len(rows)):
        rows.row(i)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what the work gave."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of ``REPEATS``; an iterator is run through."""

    def run() -> None:
        result = work()
        if isinstance(result, Iterator):
            for _ in result:
                pass

    return min(timed(run)[0] for _ in range(REPEATS))


def megabytes(texts: list[str]) -> float:
    """Of UTF-8."""
    return sum(len(text.encode()) for text in texts) / 1e6


if __name__ == "__main__":
    main()
