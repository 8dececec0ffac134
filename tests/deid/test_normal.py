"""What a reader sees is what the detector sees, and what it finds lies where it stands."""

# ruff: noqa: RUF001 - texts that are not what they seem

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.corpus import Span
from clinsynth.deid import Detector
from clinsynth.deid.normal import normal, seen_through

_HIDDEN = "\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u202c\u2060\u2066\u2069\ufeff\xad\u3164"
_ODD = _HIDDEN + "\u0301\u0308\u0323\u034f\ufe0fﬁﬄ５Ａａ－．＠\u00a0\u2003\u2028\u2011\u0661𝟓𝐀оАеΟ²½…™ñ中й"
odd_texts = st.text(st.sampled_from("John Smi 5-0.,@\n<|>_" + _ODD) | st.characters(), max_size=60)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("J\u200bohn", "John"),
        ("555-\u200b0100\u200b", "555-0100"),
        ("\u202e\u2066abc\u2069\u202c", "abc"),
        ("５５５－０１００", "555-0100"),
        ("𝟓𝟓𝟓-𝟎𝟏𝟎𝟎", "555-0100"),
        ("\u0665\u0665\u0665-0100", "555-0100"),
        ("555\u20110100", "555-0100"),
        ("John\u00a0Smith", "John Smith"),
        ("Garﬁeld and Eﬄer", "Garfield and Effler"),
        ("Jose\u0301", "José"),
        ("J\u0334o\u0334hn\u0334", "John"),
        ("Jоhn Ѕmith", "John Smith"),
        ("jοhn@clinic.example", "john@clinic.example"),
        # what is no disguise stays
        ("José Núñez, 38 °C, 5 µg, ½ tablet, 10² cells, β-blocker, ΔT, kΩ, “yes” … 2010\u20132012", None),
        ("Москва", None),
        ("北京 서울", None),
    ],
)
def test_what_a_reader_sees(text: str, plain: str | None) -> None:
    assert normal(text).text == (text if plain is None else plain)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_plain(text: str) -> None:
    assert normal(text) == normal(text)
    assert normal(text).text is text


@given(odd_texts)
def test_plain_text_is_plain(text: str) -> None:
    plain = normal(text).text
    assert normal(plain).text == plain
    assert not set(plain) & set(_HIDDEN)
    assert not any(unicodedata.category(c) in ("Cf", "Mn", "Me") for c in plain)


@given(odd_texts)
def test_each_character_comes_from_a_stretch_of_the_source(text: str) -> None:
    plain = normal(text)
    places = [plain.source(i, i + 1) for i in range(len(plain.text))]
    assert places == sorted(places)
    for (start, end), character in zip(places, plain.text):
        assert 0 <= start < end <= len(text)
        assert character in normal(text[start:end]).text or text[start:end] in _LOOKS_LATIN
    for i, j in ((0, len(places)), (1, len(places) - 1)):
        if i < j:
            assert plain.source(i, j) == (places[i][0], places[j - 1][1])


_LOOKS_LATIN = "оАеΟ" + "".join(map(chr, range(0x370, 0x530)))


@given(odd_texts, st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=4))
def test_findings_stay_in_the_text_sorted_and_apart(text: str, wanted: list[tuple[int, int]]) -> None:
    def detect(seen: str) -> list[Span]:
        spans = [Span(a, min(a + n, len(seen)), "NAME") for a, n in sorted(wanted) if a < len(seen)]
        return [s for i, s in enumerate(spans) if not i or spans[i - 1].end <= s.start]

    found = seen_through(text, detect)
    assert all(0 <= span.start < span.end <= len(text) for span in found)
    assert all(a.end <= b.start for a, b in zip(found, found[1:]))


IDENTIFIERS = (
    "call 555-010-0199 today",
    "write to a.weaver@clinic.example today",
    "MRN: 4417203 noted",
    "seen by Dr. Marjorie Okonkwo today",
)


@pytest.mark.parametrize("text", IDENTIFIERS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_what_is_hidden_within_an_identifier_hides_nothing(
    detector: Detector, text: str, data: st.DataObject
) -> None:
    [plain] = detector.detect(text)
    characters = list(text)
    for i in data.draw(st.sets(st.integers(plain.start + 1, plain.end - 1), max_size=5)):
        characters[i] = data.draw(st.sampled_from(_HIDDEN)) + characters[i]
    hidden = "".join(characters)
    found = detector.detect(hidden)
    covered = {i for span in found for i in range(span.start, span.end)}
    start = plain.start
    end = start + len(hidden) - len(text) + plain.end - plain.start
    assert {i for i in range(start, end) if hidden[i].isalnum()} <= covered


def test_a_blank_of_no_width_between_two_names_hides_neither(detector: Detector) -> None:
    text = "Seen by Dr. Marjorie\u200bOkonkwo today."
    found = detector.detect(text)
    assert [text[s.start : s.end] for s in found] == ["Marjorie\u200bOkonkwo"]


@pytest.mark.parametrize(
    "unit",
    ["\u200b", "a\u200b", "e\u0301\u0323", "\u0301\u0323", "ﬁ", "Jо", "é ", "５", "\u202ea\u2066"],
)
def test_time_is_linear(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.perf_counter()
        normal(text)
        return time.perf_counter() - start

    seconds(1_000)
    small, large = min(seconds(100_000) for _ in range(3)), seconds(1_000_000)
    assert large < 40 * small + 0.2, "ten times the text, about ten times the time"
