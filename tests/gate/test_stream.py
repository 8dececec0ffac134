"""A stream is judged as the whole, however it is cut; what leaves early is its beginning or is withdrawn."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gate.gate_texts import CLEAN, TRAINED, RuleDetector

from clinsynth.corpus import Span
from clinsynth.gate import Gate, Released, StreamGate
from clinsynth.gate import stream as module
from clinsynth.tokens.template import parse

# What may turn on what follows: names, marks left open, tags cut in two, copies, loops, ends of lines.
_WORDS = (
    "Zebulon", "Quist", "555-010-0199", "<|NAME|>", "<|NA", "ME|>", "<|", "|>", "<|PROBLEM|>", "<|/|>",
    "asthma", "well.", "no", "\n", ".", ". ", "<|text|>", "<|note|>", "sex: male\n", "<|end|>", "<|pad|>",
    TRAINED[:80], TRAINED, TRAINED[80:], "He slept well.\n", "Dr. Okafor", "Okafor", "é", "",
)  # fmt: skip
texts = st.lists(st.sampled_from(_WORDS), max_size=40).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)
_lawful = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Repeats(RuleDetector):
    """Finds a name behind "Dr." and then everywhere in the text."""

    def detect(self, text: str) -> list[Span]:
        names = set(re.findall(r"Dr\. (\w+)", text))
        more = [Span(*m.span(), "NAME") for name in names for m in re.finditer(rf"\b{name}\b", text)]
        return sorted({*super().detect(text), *more})


@pytest.fixture
def gate(make_gate: Callable[..., Gate]) -> Gate:
    return make_gate(Repeats(), min_words=1, min_characters=1, timeout_seconds=60)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at every few characters."""
    monkeypatch.setattr(module, "_STRIDE", 3)
    monkeypatch.setattr(module, "_GROWTH", 10**9)


def run(stream: StreamGate, pieces: Iterable[str]) -> tuple[str, Released]:
    """What left before the end, and the verdict."""
    sent = [stream.settled() for piece in pieces if stream.feed(piece)]
    early = "".join(sent)
    assert len(early) == stream.sent
    return early, stream.finish(finished=True)


def cut(text: str, places: Sequence[int]) -> list[str]:
    return [text[a:b] for a, b in itertools.pairwise([0, *sorted(places), len(text)])]


@pytest.mark.parametrize(
    "text",
    [
        CLEAN,
        "Seen by Zebulon Quist, <|PROBLEM|> asthma<|/|> known.\nRing 555-010-0199 on Monday.<|end|>",
        "Okafor came. Seen by Dr. Okafor on <|DATE|>, as planned.<|end|>",
        "He came in with a <|PROBLEM|>cough",
    ],
)
@pytest.mark.parametrize("mode", ["tags", "surrogates"])
def test_every_split_in_two_and_every_character_alone(gate: Gate, text: str, mode: str) -> None:
    release = partial(gate.release, mode=mode, key=b"key")  # type: ignore[arg-type]
    whole = release(parse(text, finished=True))
    for pieces in [*([text[:i], text[i:]] for i in range(len(text) + 1)), list(text)]:
        early, released = run(StreamGate(release), pieces)
        assert early == ""
        assert released == whole


@_lawful
@given(text=texts, data=st.data(), mode=st.sampled_from(["tags", "surrogates"]))
def test_whole_gives_what_the_whole_text_gives_for_every_split(
    gate: Gate, text: str, data: st.DataObject, mode: str
) -> None:
    release = partial(gate.release, mode=mode, key=b"key")  # type: ignore[arg-type]
    pieces = cut(text, data.draw(st.lists(st.integers(0, len(text)))))
    early, released = run(StreamGate(release), pieces)
    assert early == ""
    assert released == release(parse(text, finished=True))


@_lawful
@given(text=texts, data=st.data(), mode=st.sampled_from(["tags", "surrogates"]))
def test_settled_gives_the_beginning_of_the_whole_or_withdraws_it(
    gate: Gate, often: None, text: str, data: st.DataObject, mode: str
) -> None:
    release = partial(gate.release, mode=mode, key=b"key")  # type: ignore[arg-type]
    whole = release(parse(text, finished=True))
    pieces = cut(text, data.draw(st.lists(st.integers(0, len(text)), max_size=60)))
    early, released = run(StreamGate(release, preview=release), pieces)
    if released.note is not None:
        assert released == whole
        assert released.note.text.startswith(early)
    elif whole.note is None:
        assert released == whole
    else:
        assert not whole.note.text.startswith(early)
        assert [r.code for r in released.verdict.reasons if r.rejects] == ["changed_after_release"]


@settings(_lawful, max_examples=30)
@given(text=texts)
def test_what_leaves_early_is_what_the_gate_gives_for_a_beginning(
    gate: Gate, often: None, text: str
) -> None:
    early, _ = run(StreamGate(gate.release, preview=gate.release), text)
    beginnings = (text[:i] for i in range(len(text) + 1))
    given_out = (gate.release(parse(b, finished=True)).note for b in beginnings)
    assert not early or early in (note.text for note in given_out if note is not None)
    for hit in Repeats().detect(early):
        assert not re.fullmatch(r"[^<|>]+", early[hit.start : hit.end]), "nothing found stands as text"


DAY = (
    "Day {0}: he slept well, the cough is better than on day {0} of last week, and {1}.\n"
    "Blood pressure 12{0}/8{0}, weight 8{0} kg; walks {0}0 metres with help, eats {2}.\n"
)
DAYS = "".join(
    DAY.format(i, does, eats)
    for i, does, eats in zip(
        range(1, 7),
        ["he reads", "his wife came", "no fever", "he sat up", "the drain is out", "home soon"],
        ["soup", "bread and milk", "everything", "little today", "a whole lunch", "well again"],
    )
)


def test_settled_text_leaves_before_the_end(make_gate: Callable[..., Gate]) -> None:
    gate = make_gate(Repeats())
    stream = StreamGate(gate.release, preview=gate.under(gate.config).release)
    parts = []
    for i, character in enumerate(DAYS):
        if stream.feed(character) and (text := stream.settled()):
            parts.append((i, text))
    assert len(parts) >= 2
    early = "".join(text for _, text in parts)
    assert DAYS.startswith(early)
    assert len(early) > len(DAYS) / 3
    assert all(len(DAYS[: i + 1]) - len("".join(t for j, t in parts if j <= i)) >= 100 for i, _ in parts)
    released = stream.finish(finished=True)
    assert released.note is not None
    assert released.note.text[stream.sent :] == DAYS[len(early) :]
    assert gate.counts == {"checked": 1, "pass": 1}, "looks on the way are not notes"


@pytest.mark.parametrize(
    ("ending", "codes"),
    [
        ("Seen by Dr. Day.", {"changed_after_release"}),  # a word that left is a name after all
        (TRAINED, {"copied"}),
        ("Better and better every day. " * 40, {"repeated_ngrams"}),
        ("<|BADGE|>", {"markup"}),
        (" ".join(f"555-010-{i:04}" for i in range(30)), {"identifier"}),
    ],
)
def test_what_comes_later_withdraws_what_left(
    make_gate: Callable[..., Gate], ending: str, codes: set[str]
) -> None:
    gate = make_gate(Repeats())
    early, released = run(
        StreamGate(gate.release, preview=gate.release), cut(DAYS + ending, range(0, len(DAYS), 20))
    )
    assert early
    assert released.note is None
    assert {r.code for r in released.verdict.reasons if r.rejects} <= codes | {"repeated_lines"}


def test_what_a_look_refuses_waits(make_gate: Callable[..., Gate]) -> None:
    gate = make_gate(Repeats())
    text = TRAINED + "\n" + DAYS
    early, released = run(StreamGate(gate.release, preview=gate.release), text)
    assert early == ""
    assert released.note is None


def test_a_detector_that_fails_on_the_way_lets_nothing_leave(make_gate: Callable[..., Gate]) -> None:
    class Fails:
        def detect(self, text: str) -> list[Span]:
            raise ValueError(text)

    gate = make_gate(Fails())
    early, released = run(StreamGate(gate.release, preview=gate.release), DAYS)
    assert early == ""
    assert [r.key for r in released.verdict.reasons] == ["detector_failed:ValueError"]


def test_the_looks_of_a_long_stream_read_a_few_times_its_text(make_gate: Callable[..., Gate]) -> None:
    read = []

    def counts(parsed: object) -> Released:
        read.append(len(parsed.text))  # type: ignore[attr-defined]
        return gate.release(parse(CLEAN))

    gate = make_gate()
    text = "He slept well. " * 4_000
    run(StreamGate(gate.release, preview=counts), text)
    assert sum(read) < 6 * len(text)
