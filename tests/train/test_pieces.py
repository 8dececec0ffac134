"""The laws of the small pieces: loss, order of the rows, first values, plans."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import numpy as np
import pytest
import torch

from clinsynth.config import load_config
from clinsynth.errors import FolderError, UsageError
from clinsynth.tokens.mixture import open_sources
from clinsynth.tokens.shards import TokenWriter
from clinsynth.train.config import ShapeConfig, TrainConfig
from clinsynth.train.data import open_batches
from clinsynth.train.families import FAMILIES, Split, family_of
from clinsynth.train.families.planned import Planned
from clinsynth.train.loss import IGNORED, TokenLoss
from clinsynth.train.metrics import Metrics, curve, go_back, read_metrics
from clinsynth.train.presets import PRESETS
from clinsynth.train.weights import SeededWeights

WHOLE = TokenLoss(group=None, first=0, columns=11)


@pytest.mark.parametrize("tokens", [1, 63, 64, 65, 200])
def test_loss_and_gradient_are_those_of_cross_entropy(tokens):
    generator = torch.Generator().manual_seed(tokens)
    logits = torch.randn(1, tokens, 13, generator=generator, requires_grad=True)
    labels = torch.randint(0, 11, (1, tokens), generator=generator)
    labels[0, ::3] = IGNORED
    real = logits[0, :, :11]  # the last two columns are padding of the vocabulary
    expected = 0.7 * torch.nn.functional.cross_entropy(real, labels[0], reduction="sum")
    (wanted,) = torch.autograd.grad(3 * expected, logits)
    loss = WHOLE(logits * 1.0, (labels, torch.tensor(0.7)))
    (found,) = torch.autograd.grad(3 * loss, logits)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(found, wanted)


def test_loss_of_nothing_is_zero():
    logits = torch.randn(2, 5, 11, requires_grad=True)
    loss = WHOLE(logits * 1.0, (torch.full((2, 5), IGNORED), torch.tensor(1.0)))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.fixture
def batches(write_run, mixed_corpus, tmp_path):
    """The data of a run over three sources for one data-parallel copy."""

    def open_(copies, copy, micro_rows=1, **keys):
        path = write_run(
            tmp_path,
            steps=1,
            model="demo",
            corpus=str(mixed_corpus),
            mixture={"letters": 1, "notes": 2, "reports": 0.5},
            layout={"dp": copies},
            batch={"rows": 8, "micro_rows": micro_rows},
            validation={"every_steps": 0, "rows": 4},
            **keys,
        )
        return open_batches(load_config(path, TrainConfig), copy)

    return open_


def rows_of(parts):
    """Ids, segments and labels of every row, whatever copy and micro-batch it is in."""
    return sorted(
        (ids.tolist(), segments.tolist(), labels.tolist())
        for part in parts
        for inputs, (targets, _) in part
        for ids, segments, labels in zip(*inputs, targets)
    )


@pytest.mark.parametrize(("copies", "micro_rows"), [(2, 1), (2, 4), (4, 2), (8, 1)])
@pytest.mark.parametrize("step", [0, 1, 17])
def test_a_step_sees_the_same_rows_however_it_is_shared_out(batches, step, copies, micro_rows):
    whole, tokens = batches(1, 0).step(step)
    shared = [batches(copies, copy, micro_rows).step(step) for copy in range(copies)]
    assert rows_of([whole]) == rows_of(part for part, _ in shared)
    assert len(rows_of([whole])) == 8
    assert {count for _, count in shared} == {tokens}


def test_a_step_mixes_the_sources_by_their_shares(batches, mixed_corpus):
    sources = open_sources(mixed_corpus / "tokens" / "train", 64, 1, 0)
    of_row = {
        tuple(rows.row(i).input_ids.tolist()): name
        for name, rows in sources.items()
        for i in range(len(rows))
    }
    data, seen = batches(1, 0), Counter()
    for step in range(70):
        part, _ = data.step(step)
        seen.update(of_row[tuple(ids[0].tolist())] for (ids, _), _ in part)
        for name, weight in (("letters", 1), ("notes", 2), ("reports", 0.5)):
            assert abs(seen[name] - 8 * (step + 1) * weight / 3.5) < 1
    assert data.tokens_per_step == pytest.approx(np.mean([data.step(i)[1] for i in range(70)]), rel=0.01)


def test_segments_tell_the_documents_of_a_row_apart(batches):
    [((ids, segments), (labels, _))], _ = batches(1, 0, micro_rows=8).step(0)
    assert segments.dtype == ids.dtype == torch.int64
    assert segments.shape == ids.shape == labels.shape == (8, 64)
    assert ((ids == 0) == (segments == 0)).all(), "0 is padding"
    begins = segments.diff(prepend=segments.new_zeros(8, 1)) > 0
    assert begins[ids == 1].all(), "a document begins with <|note|>"
    assert begins.sum(1).tolist() == segments.amax(1).tolist()
    assert segments.max() > 1, "a row of one document says little"
    assert (labels.roll(1, 1)[begins] == IGNORED).all(), "nothing predicts their first token"


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_the_mean_over_micro_batches_is_the_mean_over_tokens(batches, copies):
    data = [batches(copies, copy) for copy in range(copies)]
    validations = zip(*([(part, n) for _, part, n in d.validation()] for d in data))
    for shared in ([d.step(0) for d in data], *validations):
        total, counted, micro_batches = 0.0, 0, 0
        [tokens] = {tokens for _, tokens in shared}
        for part, _ in shared:
            micro_batches += len(part)
            for _, (labels, weight) in part:
                total += float((labels != IGNORED).sum() * weight)
                counted += int((labels != IGNORED).sum())
        assert counted == tokens
        assert total / micro_batches == pytest.approx(1, rel=1e-5)


def test_validation_takes_rows_of_every_source_and_never_depends_on_the_step(batches):
    data = batches(1, 0)
    before = list(data.validation())
    data.step(1000)
    after = list(data.validation())
    assert [name for name, *_ in before] == ["letters", "notes"]
    assert [len(part) for _, part, _ in before] == [3, 1], "in proportion to what there is"
    for (_, a, tokens), (_, b, again) in zip(before, after):
        assert rows_of([a]) == rows_of([b])
        assert tokens == again


def test_a_validation_has_a_row_of_the_smallest_source_and_none_twice(batches):
    data = batches(1, 0)
    data.valid_rows = 1
    assert [len(part) for _, part, _ in data.validation()] == [1, 1]
    data.valid_rows = 1000
    seen = [[ids for ids, *_ in rows_of([part])] for _, part, _ in data.validation()]
    assert [len(rows) for rows in seen] == [len(rows) for rows in data.valid.values()]
    assert all(len(set(map(tuple, rows))) == len(rows) for rows in seen)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_whole_shape(name):
    shape = ShapeConfig(**PRESETS[name])
    family = family_of(shape.architecture)
    settings = family.settings(shape, 4096, 512)
    assert family.blocks(settings) == shape.layers
    assert all(size % 2 == 0 for size in family.divisors(settings).values())


@pytest.mark.parametrize(
    ("preset", "millions"), [("demo", 4.3), ("small-12m", 12.2), ("gatortrongpt-345m", 307)]
)
def test_presets_have_the_sizes_they_are_called(preset, millions):
    from transformers import AutoModelForCausalLM

    shape = ShapeConfig(**PRESETS[preset])
    family = family_of(shape.architecture)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(family.config(family.settings(shape, 4096, 512)))
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_names_parts_that_exist(name):
    from transformers import AutoModelForCausalLM

    family = FAMILIES[name]
    shape = ShapeConfig(architecture=name, hidden_size=32, layers=2, heads=4)
    config = family.config(family.settings(shape, 100, 16))
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    parts = family.parts(config)
    block = model.get_submodule(f"{parts.blocks}.1")
    linear = {path for path, child in block.named_modules() if type(child).__name__ in ("Linear", "Conv1D")}
    splits = family.splits(config)
    whole = {path for path, split in splits.items() if split is Split.SUMMED_GRADIENT}
    assert linear == set(splits) - whole, "every linear layer of a block is split"
    assert all(block.get_submodule(path) is not None for path in whole)
    for path in (parts.embedding, parts.norm, parts.head, parts.positions, parts.dropout, parts.rotary):
        assert path is None or model.get_submodule(path) is not None


class OddConfig:
    model_type = "odd"
    base_model_pp_plan = {"embed": (), "layers": (), "norm": ()}  # noqa: RUF012
    base_model_tp_plan = {"layers.*.mixer": "diagonal"}  # noqa: RUF012


def test_a_plan_that_cannot_be_followed_is_named():
    odd, config = Planned("odd"), OddConfig()
    with pytest.raises(
        UsageError, match=r"'odd' cannot be trained: they split layers\.\*\.mixer by 'diagonal'"
    ):
        odd.splits(config)
    config.base_model_tp_plan = {"layers.*.mixer": "colwise"}
    assert odd.splits(config) == {"mixer": Split.COLUMNS}
    assert odd.parts(config).blocks == "model.layers"
    config.base_model_pp_plan = {"embed": (), "norm": ()}
    with pytest.raises(UsageError, match="no pipeline plan"):
        odd.parts(config)
    config.base_model_tp_plan = {}
    with pytest.raises(UsageError, match="no tensor-parallel plan"):
        odd.splits(config)


def test_first_values_depend_on_seed_and_name_alone():
    family = family_of("gpt2")
    shape = ShapeConfig(architecture="gpt2", hidden_size=64, layers=8, heads=2)
    config = family.config(family.settings(shape, 100, 16))
    size = torch.Size([64, 256])
    weights = SeededWeights(family, config, 1)
    first = weights.get("transformer.h.0.mlp.c_fc.weight", size)
    assert torch.equal(first, SeededWeights(family, config, 1).get("transformer.h.0.mlp.c_fc.weight", size))
    assert not torch.equal(first, weights.get("transformer.h.1.mlp.c_fc.weight", size))
    assert not torch.equal(
        first, SeededWeights(family, config, 2).get("transformer.h.0.mlp.c_fc.weight", size)
    )
    assert float(first.std()) == pytest.approx(0.02, rel=0.05)
    residual = weights.get("transformer.h.0.mlp.c_proj.weight", size)
    assert float(residual.std()) == pytest.approx(0.02 / np.sqrt(16), rel=0.05)
    assert torch.equal(weights.get("transformer.ln_f.weight", torch.Size([4])), torch.ones(4))
    assert torch.equal(weights.get("transformer.ln_f.bias", torch.Size([4])), torch.zeros(4))


def test_metrics_of_lost_work_are_dropped_when_a_run_goes_on(tmp_path):
    metrics = Metrics(tmp_path)
    for step in range(1, 6):
        metrics.add(step=step, loss=10.0 / step)
    metrics.add(step=5, valid_loss=3.0)
    with (tmp_path / "metrics.jsonl").open("a") as stream:
        stream.write('{"step": 6, "lo')
    kept, reached = go_back(tmp_path, 3)
    assert (kept, reached) == (read_metrics(tmp_path), 5)
    metrics.add(step=4, loss=7.0)
    assert [(row["step"], row["loss"]) for row in read_metrics(tmp_path)][-2:] == [(3, 10 / 3), (4, 7.0)]
    assert curve(tmp_path, "valid_loss") == ()


def test_a_long_curve_is_thinned_and_keeps_its_end(tmp_path):
    rows = [json.dumps({"step": step, "loss": 1.0}) for step in range(1, 1002)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(rows))
    points = curve(tmp_path, "loss")
    assert 100 <= len(points) <= 201
    assert points[-1][0] == 1001


def test_a_source_without_tokens_is_named(tmp_path, corpus, write_run):
    copy = tmp_path / "corpus"
    shutil.copytree(corpus, copy)
    with TokenWriter(copy / "tokens" / "train" / "empty", 353):
        pass
    config = load_config(write_run(tmp_path, steps=1, model="demo", corpus=str(copy)), TrainConfig)
    with pytest.raises(FolderError, match="train/empty holds no tokens"):
        open_batches(config, 0)
