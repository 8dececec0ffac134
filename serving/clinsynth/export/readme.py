"""The dataset card: a README whose front matter the ``datasets`` library reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from clinsynth.checkpoint import Card
from clinsynth.export.config import ExportConfig

_SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def dataset_card(config: ExportConfig, card: Card, counts: Mapping[str, Any]) -> str:
    """The text of ``README.md``."""
    front = yaml.safe_dump(_front_matter(config, counts), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{_body(config, card, counts)}"


def _front_matter(config: ExportConfig, counts: Mapping[str, Any]) -> dict[str, Any]:
    tasks = ["text-generation"] + (["token-classification"] if counts["entities"] else [])
    return {
        "pretty_name": config.pretty_name,
        "language": [config.language],
        "license": config.license,
        "task_categories": tasks,
        "tags": ["synthetic", "clinical-notes", "medical", "de-identified", "clinsynth"],
        "size_categories": [_size(counts["accepted"])],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
        ],
    }


def _size(notes: int) -> str:
    return next((name for limit, name in _SIZES if notes < limit), "n>1M")


def _body(config: ExportConfig, card: Card, counts: Mapping[str, Any]) -> str:
    identifiers = (
        "Invented values stand where a note would name somebody; `phi` says where."
        if config.mode == "surrogates"
        else "Tags such as `<|NAME|>` stand where a note would name somebody; `phi` says where."
    )
    words = config.gate.max_copied_words
    copies = f"for more than {words} words in a row of a training note, " if config.gate.copied else ""
    return f"""# {config.pretty_name}

{counts["accepted"]:,} notes, {counts["words"]:,} words, written by a language model. None is a patient's.
{identifiers}

```python
import datasets

notes = datasets.load_dataset("path/to/this/folder", split="train")
```

## Columns

| column | holds |
| --- | --- |
| `id` | of the note; its request has the same |
| `text` | the note |
| `attributes` | note type, specialty, sex, age band, diagnoses, as far as they are known |
| `entities` | clinical mentions: `start`, `end` (exclusive, in characters), `label` |
| `phi` | places of {"surrogates" if config.mode == "surrogates" else "tags"}, in the same form |
| `provenance` | JSON: model, request, attempt, seed |

## How it was made

The model ({_model(config, card)}, {card.tokens_seen:,} tokens seen) was trained on
{_training_text(card)}.
Its differential-privacy guarantee: {_privacy(card)}. Every note then passed a gate that looks for
identifiers, {copies}for loops and for broken markup.

| draws | |
| --- | ---: |
| asked for | {counts["requested"]:,} notes |
| drawn | {counts["draws"]:,} |
| released | {counts["accepted"]:,}, of which mended {counts["repaired"]:,} |
| withheld | {counts["rejected"]:,} |
{_rows("withheld for", counts["rejected_by_reason"])}{_rows("mended", counts["repaired_by_reason"])}
`rejected/rejected.jsonl` lists what was withheld, by id and reason, without its text. `manifest.json` holds
the whole configuration; `sha256sum -c SHA256SUMS` checks the files.

## Limits

The notes are made up: they must not guide the care of anybody, and rates in them (of diseases, of
treatments) are the model's, not a population's. Passing the gate is not a proof of anonymity; measure the
release with `clinsynth eval` before it is shared.
"""


def _model(config: ExportConfig, card: Card) -> str:
    if config.adapter is None:
        return f"{card.architecture}, {card.parameters:,} parameters"
    return f"{card.name}, an adapter of {card.parameters:,} parameters beside {card.base_model}"


def _training_text(card: Card) -> str:
    known = {
        "tags": "text in which tags had replaced the identifiers that were found",
        "tagged": "text that came with tags in the place of identifiers",
        "none": "text whose identifiers were left in",
    }
    return known.get(
        str(card.deid.get("mode")), "text of which its card does not say how it was de-identified"
    )


def _privacy(card: Card) -> str:
    if card.privacy.get("mechanism", "none") == "none":
        return "none"
    return ", ".join(f"{key} {value}" for key, value in card.privacy.items())


def _rows(what: str, reasons: Mapping[str, int]) -> str:
    return "".join(f"| {what} `{reason}` | {count:,} |\n" for reason, count in reasons.items())
