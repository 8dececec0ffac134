"""What several packages' tests share: a tiny model that is real in every way but its size.

The model is a Llama of 0.3M parameters, trained for a few seconds on invented notes, so that it mostly
writes notes that parse. Made once a session.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Read when torch loads, by this process and those it starts. Threads that wait by spinning stand in each other's
# way beside other work: the tests of NER parity took 191 s so, and 49 and 76 s without.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

CONTEXT = 256
_STEPS, _BATCH, _NOTES, _SEED = 90, 16, 400, 7


def pytest_configure(config: pytest.Config) -> None:
    # vLLM looks at every name of torch.distributed when it loads, the outdated one too.
    config.addinivalue_line("filterwarnings", "ignore::FutureWarning:vllm")


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with card, manifest and n-gram index; a Llama that writes short notes."""
    return make_model(tmp_path_factory.mktemp("models") / "tiny-llama", "llama", _STEPS)


@pytest.fixture(scope="session")
def tiny_gpt2_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with GPT-2's architecture and random weights: for what does not look at the text."""
    return make_model(tmp_path_factory.mktemp("models") / "tiny-gpt2", "gpt2", 0)


@pytest.fixture(scope="session", params=["mistral", "qwen2", "qwen3", "gpt_neox"])
def tiny_other_dir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with each of the other architectures that can be trained."""
    return make_model(tmp_path_factory.mktemp("models") / f"tiny-{request.param}", request.param, 0)


@pytest.fixture(scope="session")
def tiny_adapter_dir(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of ``tiny_model_dir``, called ward, that writes otherwise than the model alone."""
    from tests.adapters import make_adapter

    return make_adapter(tmp_path_factory.mktemp("ward"), tiny_model_dir, "ward")


def make_model(folder: Path, architecture: str, steps: int) -> Path:
    """Writes a model folder at ``folder``."""
    from clinsynth.checkpoint import Card, write_card
    from clinsynth.folders import Manifest, new_folder, write_json
    from clinsynth.overlap import NEIGHBOURS, NGRAMS, NeighbourIndex, NgramIndex
    from clinsynth.tokens.template import render, sample_header
    from clinsynth.tokens.tokenizer import train_tokenizer

    rng = random.Random(_SEED)
    texts = [render(note, sample_header(rng)) for note in invented_notes(_NOTES, _SEED)]
    tokenizer = train_tokenizer(texts, 640)
    model = _model(architecture, tokenizer)
    loss = _train(model, [tokenizer.encode(text) for text in texts], tokenizer.pad_id, steps)
    card = Card(
        name=folder.name,
        architecture=type(model).__name__,
        parameters=model.num_parameters(),
        vocabulary=tokenizer.vocabulary_size,
        context=CONTEXT,
        corpus_sha256="0" * 64,
        deid={"version": 1},
        template={"version": 1},
        layout={"tp": 1, "pp": 1, "dp": 1},
        seeds={"weights": _SEED, "data": _SEED},
        data_order="random batches of whole notes",
        tokens_seen=steps * _BATCH * CONTEXT,
        steps=steps,
        train_loss=((steps, loss),) if steps else (),
    )
    with new_folder(folder, Manifest(kind="model", seeds={"weights": _SEED})) as inside:
        model.save_pretrained(inside)
        tokenizer.save(inside)
        write_card(inside, card)
        write_json(inside / "generation_config.json", {"eos_token_id": tokenizer.end_id})
        # Other notes than those the model learned: the gate's look at copies is real, and stays quiet.
        others = [note.text for note in invented_notes(20, _SEED + 1)]
        NgramIndex.build(others).save(inside / NGRAMS)
        NeighbourIndex.build(others).save(inside / NEIGHBOURS)
    return folder


def invented_notes(count: int, seed: int) -> Iterator[Any]:
    """Tagged notes of a few lines from a small grammar; no person, place or corpus stands behind them."""
    from clinsynth.corpus import AGE_BANDS, SEXES, Attributes, Note

    rng = random.Random(seed)
    for i in range(count):
        problem, other = rng.sample(_PROBLEMS, 2)
        marked = _Marked()
        marked.add("Seen on ").tag("DATE").add(" at ").tag("LOCATION").add(". ").tag("NAME")
        marked.add(" reports ").entity(problem, "PROBLEM").add(f" for {rng.choice(_TIMES)}.\n")
        for test in rng.sample(_TESTS, rng.randint(1, 2)):
            marked.entity(test, "TEST").add(f" was {rng.choice(_RESULTS)}. ")
        marked.add("Known ").entity(other, "PROBLEM").add(".\nPlan: ")
        marked.entity(rng.choice(_DRUGS), "TREATMENT").add(f", {rng.choice(_PLANS)}.")
        yield Note(
            id=f"invented-{seed}-{i}",
            text=marked.text,
            attributes=Attributes(
                note_type=rng.choice(("progress note", "clinic letter")),
                sex=rng.choice(SEXES),
                age_band=rng.choice(AGE_BANDS[2:9]),
                diagnoses=(problem,),
            ),
            entities=tuple(marked.entities),
            phi=tuple(marked.phi),
        )


class _Marked:
    """Text with its spans, built from left to right."""

    def __init__(self) -> None:
        self.text, self.entities, self.phi = "", list[Any](), list[Any]()

    def add(self, text: str) -> _Marked:
        self.text += text
        return self

    def entity(self, text: str, label: str) -> _Marked:
        from clinsynth.corpus import Span

        self.entities.append(Span(len(self.text), len(self.text) + len(text), label))
        return self.add(text)

    def tag(self, label: str) -> _Marked:
        from clinsynth.corpus import Span

        self.phi.append(Span(len(self.text), len(self.text) + len(label) + 4, label))
        return self.add(f"<|{label}|>")


_PROBLEMS = (
    "chest pain", "shortness of breath", "knee pain", "hypertension", "dry cough", "type 2 diabetes",
    "atrial fibrillation", "low back pain", "asthma", "anemia",
)  # fmt: skip
_TESTS = ("blood pressure", "hemoglobin", "chest x-ray", "ECG", "creatinine", "glucose")
_RESULTS = ("normal", "slightly raised", "low", "unchanged", "not done")
_DRUGS = ("aspirin", "metformin", "lisinopril", "ibuprofen", "salbutamol")
_TIMES = ("two days", "a week", "several months", "three hours")
_PLANS = ("review in clinic", "repeat tests", "call if worse", "rest at home")


def _model(architecture: str, tokenizer: Any) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    from clinsynth.train.config import ShapeConfig
    from clinsynth.train.families import family_of

    torch.manual_seed(_SEED)
    tokens = {
        "vocab_size": tokenizer.vocabulary_size,
        "bos_token_id": tokenizer.note_id,
        "eos_token_id": tokenizer.end_id,
        "pad_token_id": tokenizer.pad_id,
    }
    if architecture == "llama":
        return LlamaForCausalLM(
            LlamaConfig(
                **tokens,
                hidden_size=96,
                intermediate_size=256,
                num_hidden_layers=2,
                num_attention_heads=3,
                num_key_value_heads=3,
                max_position_embeddings=CONTEXT,
            )
        )
    # Wide random weights: with narrow ones the greedy answer is one token repeated, which proves little.
    family = family_of(architecture)
    shape = ShapeConfig(architecture=architecture, hidden_size=64, layers=2, heads=2, initializer_range=0.2)
    config = family.config(family.settings(shape, tokenizer.vocabulary_size, CONTEXT) | tokens)
    return AutoModelForCausalLM.from_config(config)


def _train(model: Any, documents: list[list[int]], pad: int, steps: int) -> float:
    """Some steps of AdamW on padded notes; the last loss in nats per token."""
    import torch

    rng, loss = random.Random(_SEED), torch.zeros(())
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.0)
    model.train()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 6e-3 * (1 - step / steps)
        batch = [document[:CONTEXT] for document in rng.sample(documents, _BATCH)]
        longest = max(map(len, batch))
        ids_bl = torch.tensor([row + [pad] * (longest - len(row)) for row in batch])
        labels_bl = ids_bl.masked_fill(ids_bl == pad, -100)
        loss = model(input_ids=ids_bl, labels=labels_bl).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    return float(loss.detach())
