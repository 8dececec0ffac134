"""Where patterns are tried: all their matches are found, and nothing is read twice."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clinsynth.deid.engine import Tokens
from clinsynth.deid.recognizers import FAMILIES, RuleRecognizer
from clinsynth.deid.recognizers.anchors import Leads, first_words, leads
from clinsynth.deid.recognizers.dispatch import Dispatch, Form
from clinsynth.deid.recognizers.name_cues import ACTING, REVERSED
from clinsynth.deid.recognizers.names import RUNS
from clinsynth.deid.recognizers.place_forms import TOWN_STATE
from clinsynth.simulate import simulate_notes

FAMILY_OF: dict[Form, RuleRecognizer] = {
    form: one for one in (f() for f in FAMILIES) for form in one.forms()
}
NARROWED = (RUNS, REVERSED, ACTING, TOWN_STATE)
"""Tried only where a word of the lists stands: a match without one is no name and no town."""
WIDE = re.compile(r"\W{9}")
"""More marks in a row than a name holds."""
WHOLE = [form for form in FAMILY_OF if form.pattern not in NARROWED]

TABLE = [
    (r"(?<!\w)(?:mrn|mr #)\b", Leads(frozenset({"mrn", "mr"}))),
    (r"(?<!\w)(?:finger[ -]?)?prints?\d", Leads(frozenset({"finger", "fingerprint", "fingerprints", "print", "prints"}))),
    (r"(?<!\w)[Ll]icen[sc]e(?!\w)", Leads(frozenset({"license", "licence"}))),
    (r"(?<![\w/-])(?:\+?1-)?\(?\d{3}", Leads(marks=frozenset("(+"), digits=True)),
    (r"(?<!\w)[x*]{2}-", Leads(frozenset({"x", "xx"}), frozenset("*"))),
    (r"(?<!\w)__[/-]", Leads(mixed=True)),
    (r"\(01\)\d{14}", Leads(marks=frozenset("("))),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "found"), TABLE)
def test_the_words_with_which_matches_begin(pattern: str, found: Leads) -> None:
    assert leads(re.compile(pattern)) == found


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"(?<!\w)fax", "have no end"),  # and faxed, and fax_2
        (r"(?<!\w)r[a-z]{2,6}\b", "have no end"),
        (r"(?<!\w)\w+@", "have no end"),
        (r"(?<!\w)(?:dear)?", "have no end"),
        (r"(?<!\w)x+\b", "have no end"),
        (r"mrn\b", "within a word"),
    ],
)
def test_a_pattern_without_an_anchor_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        leads(re.compile(pattern))


def test_first_words_of_alternatives() -> None:
    assert first_words(r"M\.?D\.?|Ph\.?D\.?", "LC?SW") == {"m", "md", "ph", "phd", "lcsw", "lsw"}


@cache
def _alone(form: Form) -> Dispatch:
    return Dispatch([form])


def _tried(form: Form, text: str) -> list[tuple[int, int]]:
    return [match.span() for _, match in _alone(form).matches(Tokens(text))]


def _everywhere(form: Form, text: str) -> list[re.Match[str]]:
    return list(form.pattern.finditer(Tokens(text).lower if form.folded else text))


BESIDE = st.sampled_from(["", " ", "\n", ". ", "x", "7", "-", "Seen ", "of "])
SAMPLES = st.sampled_from(WHOLE).flatmap(
    lambda form: st.tuples(st.just(form), BESIDE, st.from_regex(form.pattern, fullmatch=True), BESIDE)
)


@settings(deadline=None, max_examples=500)
@given(SAMPLES)
def test_all_that_a_pattern_can_match_is_found(sample: tuple[Form, str, str, str]) -> None:
    """Texts that the patterns themselves give: an anchor that leaves out a way of writing shows."""
    form, before, value, after = sample
    assume(WIDE.search(value) is None)
    text = before + value + after
    assert _tried(form, text) == [match.span() for match in _everywhere(form, text)]


def test_in_notes_the_same_is_found_as_by_reading_all() -> None:
    seen = Counter[bool]()
    for note in simulate_notes(60, seed=11):
        for form in WHOLE:
            spans = [match.span() for match in _everywhere(form, note.text)]
            assert _tried(form, note.text) == spans, form.pattern.pattern
            seen[bool(spans)] += 1
    assert seen[True] > 500


def test_where_forms_are_narrowed_no_identifier_is_lost() -> None:
    seen = 0
    for note in simulate_notes(120, seed=12):
        tokens = Tokens(note.text)
        for form in FAMILY_OF.keys() - WHOLE:
            judge = FAMILY_OF[form].judge(tokens)
            found = {f for _, match in _alone(form).matches(tokens) for f in form.weigh(judge, match)}
            wanted = {f for match in _everywhere(form, note.text) for f in form.weigh(judge, match)}
            assert wanted <= found
            seen += len(wanted)
    assert seen > 100


@pytest.mark.parametrize("behind", ["\u0130", "\u00df", "\ufb01"])
def test_a_letter_that_changes_its_length_with_its_case_may_stand_behind_a_number(behind: str) -> None:
    text = f"12345{behind} on 03/14/2019{behind} and 12{behind}"
    for form in WHOLE:
        assert _tried(form, text) == [match.span() for match in _everywhere(form, text)]
