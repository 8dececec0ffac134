"""Bulk generation with the real engine: one start for Llama, one for GPT-2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engine.greedy import CONFIG, check_greedy, written

from clinsynth.engine import BulkEngine, EngineDiedError, Request, Sampling
from clinsynth.errors import EngineError, FolderError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def llama(tiny_model_dir: Path) -> Iterator[BulkEngine]:
    with BulkEngine(tiny_model_dir, CONFIG) as engine:
        yield engine


def test_greedy_tokens_equal_those_of_transformers(llama: BulkEngine, tiny_model_dir: Path) -> None:
    check_greedy(written(llama), tiny_model_dir)


def test_the_engine_says_what_it_is(llama: BulkEngine, tiny_model_dir: Path) -> None:
    from clinsynth.folders import file_sha256

    assert llama.info.backend == "native"
    assert llama.info.model == "tiny-llama"
    assert llama.info.version.startswith("0.32")
    assert llama.info.card_sha256 == file_sha256(tiny_model_dir / "card.json")
    assert llama.info.model_sha256 == file_sha256(tiny_model_dir / "manifest.json")
    assert llama.info.dtype == "float32"


def test_a_seed_gives_the_same_text_alone_and_in_a_crowd(llama: BulkEngine) -> None:
    request = Request("a", "<|note|><|text|>", Sampling(seed=5, max_tokens=80), n=3)
    crowd = [Request(f"x{i}", "Known", Sampling(seed=i, max_tokens=40)) for i in range(5)]
    alone = {c.index: c.token_ids for c in llama.generate([request])}
    among = {c.index: c.token_ids for c in llama.generate([*crowd, request]) if c.id == "a"}
    assert alone == among
    assert len(set(alone.values())) == 3, "the answers of one request differ"
    [second] = llama.generate([Request("b", "<|note|><|text|>", Sampling(seed=6, max_tokens=80))])
    assert second.token_ids == alone[1], "answer i uses seed + i"


def test_completions_come_as_they_finish(llama: BulkEngine) -> None:
    long = Request("long", "a", Sampling(max_tokens=200, ignore_end=True))
    short = Request("short", "a", Sampling(max_tokens=2, ignore_end=True))
    stream = llama.generate([long, short])
    assert next(stream).id == "short"
    assert llama._llm.llm_engine.has_unfinished_requests()
    assert next(stream).id == "long"
    assert list(stream) == []


def test_requests_are_read_only_as_far_as_there_is_room(llama: BulkEngine) -> None:
    read: list[int] = []

    def many() -> Iterator[Request]:
        for i in range(40):
            read.append(i)
            yield Request(str(i), "a", Sampling(max_tokens=3, ignore_end=True))

    ahead = [len(read) - done for done, _ in enumerate(llama.generate(many()))]
    assert len(ahead) == 40
    assert 1 <= max(ahead) <= CONFIG.max_in_flight


def test_a_caller_may_have_nothing_yet(llama: BulkEngine) -> None:
    again: list[Request] = []

    def with_second_thoughts() -> Iterator[Request | None]:
        yield Request("first", "a", Sampling(max_tokens=2, ignore_end=True))
        while not again:
            yield None
        yield from again

    seen = []
    for completion in llama.generate(with_second_thoughts()):
        seen.append(completion.id)
        if completion.id == "first":
            again.append(Request("second", "a", Sampling(max_tokens=2, ignore_end=True)))
    assert seen == ["first", "second"]


def test_bad_requests_get_errors_and_the_rest_its_answers(llama: BulkEngine) -> None:
    few = Sampling(max_tokens=4, ignore_end=True)
    secret = "Bloomquist "
    requests = [
        Request("good-1", "Known", few),
        Request("long", secret * 300, few),
        Request("empty", "", few),
        Request("no ids", (), few),
        Request("vocabulary", (5, 99_999), few),
        Request("negative", (-1,), few),
        Request("no room", "a", Sampling(max_tokens=256)),
        Request("two", "", few, n=2),
        Request("good-2", "Known", few),
    ]
    answers: dict[str, Any] = {}
    for completion in llama.generate(requests):
        answers.setdefault(completion.id, []).append(completion)
    assert {c.finish_reason for i in ("good-1", "good-2") for c in answers[i]} == {"length"}
    bad = {k: v for k, v in answers.items() if not k.startswith("good")}
    assert set(bad) == {"long", "empty", "no ids", "vocabulary", "negative", "no room", "two"}
    assert len(bad["two"]) == 2
    for completions in bad.values():
        for completion in completions:
            assert completion.finish_reason == "error"
            assert completion.text == ""
            assert completion.error is not None
            assert secret.strip() not in completion.error
    assert "prompt: has" in bad["long"][0].error
    assert "room for 255" in bad["no room"][0].error


def test_a_prompt_that_just_fits_is_not_cut(llama: BulkEngine) -> None:
    [fits] = llama.generate([Request("a", (100,) * 255, Sampling(max_tokens=1, ignore_end=True))])
    assert (fits.finish_reason, fits.tokens, fits.prompt_tokens) == ("length", 1, 255)
    [over] = llama.generate([Request("a", (100,) * 256, Sampling(max_tokens=1))])
    assert over.finish_reason == "error"
    [rest] = llama.generate([Request("a", (100,) * 200, Sampling(ignore_end=True))])
    assert rest.tokens == 56, "no max_tokens: all the room there is"


def test_special_tokens_stay_in_the_text_and_end_it(llama: BulkEngine, tiny_model_dir: Path) -> None:
    from clinsynth.tokens.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(tiny_model_dir)
    sampling = Sampling(temperature=0.5, seed=1)
    ended = [
        c
        for c in llama.generate([Request("a", "<|note|><|text|>", sampling, n=8)])
        if c.finish_reason == "stop"
    ]
    assert len(ended) >= 4, "the tiny model ends most of its notes"
    for completion in ended:
        assert completion.text.endswith("<|end|>")
        assert completion.text.count("<|end|>") == 1
        assert "<|PROBLEM|>" in completion.text
        assert completion.text == tokenizer.decode(completion.token_ids)


def test_a_stop_string_ends_the_text_before_it(llama: BulkEngine) -> None:
    sampling = Sampling(temperature=0, stop=("Plan",))
    [stopped] = llama.generate([Request("a", "<|note|><|text|>", sampling)])
    assert stopped.finish_reason == "stop"
    assert "Plan" not in stopped.text
    assert stopped.text


def test_leaving_early_empties_the_engine(llama: BulkEngine) -> None:
    requests = [Request(str(i), "a", Sampling(max_tokens=200, ignore_end=True)) for i in range(6)]
    requests[0] = Request("short", "a", Sampling(max_tokens=2, ignore_end=True))
    stream = llama.generate(requests)
    assert next(stream).id == "short"
    stream.close()
    assert not llama._llm.llm_engine.has_unfinished_requests()
    [after] = llama.generate([Request("b", "a", Sampling(max_tokens=2, ignore_end=True))])
    assert after.id == "b"


@pytest.mark.parametrize("missing", ["card.json", "config.json", "tokenizer.json"])
def test_a_folder_that_is_no_model_is_refused(tiny_model_dir: Path, tmp_path: Path, missing: str) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(tiny_model_dir, folder)
    (folder / missing).unlink()
    with pytest.raises(FolderError, match=missing):
        BulkEngine(folder)
    with pytest.raises(FolderError, match="no such folder"):
        BulkEngine(tmp_path / "nothing")


def test_a_failure_inside_a_step_is_one_line_without_the_prompt(llama: BulkEngine) -> None:
    """The module's last with this engine: one of its layers is taken out."""

    def spoil(model: Any) -> None:
        model.model.norm = None

    few = Sampling(max_tokens=4, ignore_end=True)
    assert len(list(llama.generate([Request("a", "Bloomquist", few)]))) == 1
    llama._llm.apply_model(spoil)
    with pytest.raises(EngineDiedError) as died:
        list(llama.generate([Request(str(i), "Bloomquist", few) for i in range(3)]))
    assert re.fullmatch(
        r"vLLM failed inside a step \(\w+ at \w+\.py:\d+\); what was finished before is whole",
        str(died.value),
    )
    assert died.value.__suppress_context__
    llama.close()


def test_a_model_that_cannot_run_is_refused_at_the_start(odd_heads_dir: Path, llama: BulkEngine) -> None:
    llama.close()  # one engine at a time in a process
    with pytest.raises(
        EngineError, match=r"odd-heads: vLLM cannot run the model: \w+: .*head_dim=24"
    ) as error:
        BulkEngine(odd_heads_dir, CONFIG)
    assert "\n" not in str(error.value)


def test_gpt2_gives_the_tokens_of_transformers(tiny_gpt2_dir: Path, llama: BulkEngine) -> None:
    llama.close()
    with BulkEngine(tiny_gpt2_dir, CONFIG) as engine:
        assert engine.info.backend == "native"
        check_greedy(written(engine), tiny_gpt2_dir)
