"""render, prompt and parse: exact on what render writes, and never at a loss on what a generator writes."""
# ruff: noqa: RUF001

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.corpus import PHI_LABELS, Attributes, Note, Span
from clinsynth.corpus.schema import ATTRIBUTE_NAMES
from clinsynth.errors import DataError, UsageError
from clinsynth.tokens.header import clean
from clinsynth.tokens.special import ENTITY_LABELS, TOKEN, special_tokens, tag
from clinsynth.tokens.template import ALL, parse, prompt, render, sample_header

from .conftest import tagged_notes

NOTE = Note(
    id="n1",
    text="Admitted with dyspnea on <|DATE|>.\nGiven furosemide.",
    attributes=Attributes("discharge summary", "cardiology", "female", "60-69", ("heart failure", "CKD")),
    entities=(Span(14, 21, "PROBLEM"), Span(41, 51, "TREATMENT")),
    phi=(Span(25, 33, "DATE"),),
)


def test_the_template_letter_by_letter() -> None:
    assert render(NOTE) == (
        "<|note|>type: discharge summary\nspecialty: cardiology\nsex: female\nage: 60-69\n"
        "diagnoses: heart failure; CKD\n<|text|>"
        "Admitted with<|PROBLEM|> dyspnea<|/|> on <|DATE|>.\nGiven<|TREATMENT|> furosemide<|/|>.<|end|>"
    )


@given(tagged_notes(), st.sets(st.sampled_from(ATTRIBUTE_NAMES)))
def test_parse_undoes_render_exactly(note: Note, header: set[str]) -> None:
    parsed = parse(render(note, header))
    assert (parsed.text, parsed.entities, parsed.phi) == (note.text, note.entities, note.phi)
    assert parsed.repairs == ()
    assert parsed.problems == (() if note.text.strip() else ("empty",))
    shown = clean(note.attributes)
    for name in ATTRIBUTE_NAMES:
        hidden = () if name == "diagnoses" else None
        assert getattr(parsed.attributes, name) == (getattr(shown, name) if name in header else hidden)


@given(tagged_notes())
def test_without_entities_the_body_is_the_text(note: Note) -> None:
    rendered = render(note, (), entities=False)
    assert rendered == f"<|note|><|text|>{note.text}<|end|>"
    assert parse(rendered).entities == ()


@given(tagged_notes())
def test_a_prompt_begins_what_render_writes(note: Note) -> None:
    assert render(note).startswith(prompt(note.attributes))
    behind = render(note).removeprefix(prompt(note.attributes))
    assert parse(behind).entities == note.entities
    assert parse(behind).attributes == Attributes()


def test_prompt_without_attributes_leaves_all_to_the_model() -> None:
    assert prompt() == "<|note|><|text|>"
    assert prompt(Attributes(sex="male"), header=("note_type",)) == "<|note|><|text|>"
    assert prompt(Attributes(sex="male", age_band="90+")) == "<|note|>sex: male\nage: 90+\n<|text|>"


def test_only_asked_for_entity_labels_are_marked() -> None:
    rendered = render(NOTE, (), entity_labels=["PROBLEM"])
    assert "<|TREATMENT|>" not in rendered
    assert parse(rendered).entities == NOTE.entities[:1]


@pytest.mark.parametrize(
    ("note", "error", "says"),
    [
        (Note("n", "Jo came", phi=(Span(0, 2, "NAME"),)), DataError, "0-2 (NAME) is not a tag"),
        (Note("n", "<|NAME|>", phi=(Span(0, 8, "DATE"),)), DataError, "(DATE) is not a tag"),
        (Note("n", "stop <|end|> here"), DataError, "neutralise"),
        (Note("n", "a <|PROBLEM|>b"), DataError, "neutralise"),
        (Note("n", "a <| b"), DataError, "neutralise"),
        (Note("n", "<|NAME|> x", entities=(Span(4, 10, "PROBLEM"),)), DataError, "entities[0]"),
        (Note("n", "pain", entities=(Span(0, 4, "A-B"),)), UsageError, "A-B"),
        (Note("n", "pain", entities=(Span(0, 4, "NAME"),)), UsageError, "NAME"),
    ],
)
def test_what_is_not_tagged_text_is_not_rendered(note: Note, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        render(note)
    assert says in str(caught.value)
    assert "Jo" not in str(caught.value)


def test_tags_without_a_span_are_found_by_parse() -> None:
    assert parse(render(Note("n", "Seen by <|NAME|>"))).phi == (Span(8, 16, "NAME"),)


BODY = [
    # (body as generated, text, entities, problems, repairs)
    ("had<|PROBLEM|> pain<|/|>.", "had pain.", [(4, 8, "PROBLEM")], [], []),
    ("<|PROBLEM|>Pain<|/|>.", "Pain.", [(0, 4, "PROBLEM")], [], []),
    ("had <|PROBLEM|>pain<|/|>.", "had pain.", [(4, 8, "PROBLEM")], [], []),  # mark behind the space
    ("by <|NAME|>, MD", "by <|NAME|>, MD", [], [], []),
    ("<|PROBLEM|>pain<|/|><|TEST|>ECG<|/|>", "painECG", [(0, 4, "PROBLEM"), (4, 7, "TEST")], [], []),
    # a close too many
    ("pain<|/|>.", "pain.", [], [], ["stray_close"]),
    ("<|PROBLEM|>pain<|/|><|/|>", "pain", [(0, 4, "PROBLEM")], [], ["stray_close"]),
    # a close too few: the end of clause, line or text is the one plausible place
    ("<|PROBLEM|>Pain, worse at", "Pain, worse at", [(0, 4, "PROBLEM")], [], ["unclosed_entity"]),
    ("on<|TREATMENT|> ASA\nsee", "on ASA\nsee", [(3, 6, "TREATMENT")], [], ["unclosed_entity"]),
    ("on<|TREATMENT|> ASA", "on ASA", [(3, 6, "TREATMENT")], [], ["unclosed_entity"]),
    ("K<|TEST|> 3.5 mEq; ok", "K 3.5 mEq; ok", [(2, 9, "TEST")], [], ["unclosed_entity"]),
    ("<|PROBLEM|>" + "long " * 20 + "x.", "long " * 20 + "x.", [], ["unclosed_entity"], []),
    (
        "<|PROBLEM|>a; then<|TEST|> b<|/|>", "a; then b",
        [(0, 1, "PROBLEM"), (8, 9, "TEST")], [], ["unclosed_entity"],
    ),
    # nested: no one reading
    ("<|PROBLEM|>a<|TEST|> b<|/|> c<|/|>", "a b c", [(2, 3, "TEST")], ["nested_entity"], []),
    (
        "<|PROBLEM|>a, by<|TEST|> b<|/|><|/|>", "a, by b",
        [(0, 1, "PROBLEM"), (6, 7, "TEST")], ["nested_entity"], ["unclosed_entity"],
    ),
    # marks around nothing
    ("x<|PROBLEM|><|/|>", "x", [], [], ["empty_entity"]),
    ("x<|PROBLEM|> <|/|>y", "x y", [], [], ["empty_entity"]),
    ("x<|PROBLEM|>", "x", [], [], ["unclosed_entity", "empty_entity"]),
    ("<|PROBLEM|><|PROBLEM|>pain<|/|>", "pain", [(0, 4, "PROBLEM")], [], ["doubled_open"]),
    # tokens that do not belong into a body
    ("a<|pad|>b<|reserved_3|>", "ab", [], [], ["dropped_control", "dropped_control"]),
    ("a<|note|>b", "a‹|note|>b", [], ["control_in_body"], ["neutralised"]),
    ("a<|text|>b", "a‹|text|>b", [], ["control_in_body"], ["neutralised"]),
    ("a<|DRUG|>b<|/|>", "a‹|DRUG|>b", [], ["unknown_tag"], ["stray_close", "neutralised"]),
    ("a<|name|>", "a‹|name|>", [], ["unknown_tag"], ["neutralised"]),
    ("BP <| 120", "BP ‹| 120", [], [], ["neutralised"]),
    # marks between the halves of something that looks like a tag must not make it one
    ("<<|PROBLEM|>|NAME|><|/|>", "‹|NAME|>", [(1, 8, "PROBLEM")], [], ["neutralised"]),
    ("", "", [], ["empty"], []),
    (" \n", " \n", [], ["empty"], []),
]  # fmt: skip


@pytest.mark.parametrize(("body", "text", "entities", "problems", "repairs"), BODY)
@pytest.mark.parametrize(
    "start", ["", "<|note|><|text|>", "<|note|>sex: male\n<|text|>", "sex: male\n<|text|>"]
)
def test_bodies(
    start: str,
    body: str,
    text: str,
    entities: list[tuple[int, int, str]],
    problems: list[str],
    repairs: list[str],
) -> None:
    if body == "a<|text|>b" or (body == "a<|note|>b" and not start):
        start = "<|note|><|text|>"  # without the prompt these read as headers; see test_frames
    parsed = parse(f"{start}{body}<|end|>")
    assert parsed.text == text
    assert [(s.start, s.end, s.label) for s in parsed.entities] == entities
    assert list(parsed.problems) == problems
    assert list(parsed.repairs) == repairs


FRAMES = [
    # (generated, text, attributes, problems, repairs)
    ("<|note|>sex: male\n<|text|>ok<|end|>", "ok", Attributes(sex="male"), [], []),
    ("sex: male\n<|text|>ok<|end|>", "ok", Attributes(sex="male"), [], []),
    ("ok<|end|>", "ok", Attributes(), [], []),
    ("ok<|end|>\n", "ok", Attributes(), [], []),
    ("ok<|end|><|note|>sex: male\n<|text|>more<|end|>", "ok", Attributes(), [], ["text_after_end"]),
    ("ok", "ok", Attributes(), ["truncated"], []),
    ("<|note|>sex: male\n<|text|>ok", "ok", Attributes(sex="male"), ["truncated"], []),
    ("<|note|>sex: male\nok<|end|>", "sex: male\nok", Attributes(), ["no_text_mark"], []),
    ("", "", Attributes(), ["truncated", "empty"], []),
    ("<|note|>", "", Attributes(), ["truncated", "no_text_mark", "empty"], []),
    ("<|note|>sex: robot\n<|text|>ok<|end|>", "ok", Attributes(), [], ["header_value"]),
    ("<|note|>age: 64\n<|text|>ok<|end|>", "ok", Attributes(), [], ["header_value"]),
    ("<|note|>type: \n<|text|>ok<|end|>", "ok", Attributes(), [], ["header_value"]),
    ("<|note|>type: <|NAME|>\n<|text|>ok<|end|>", "ok", Attributes(), [], ["header_value"]),
    ("<|note|>colour: red\nnonsense\n<|text|>ok<|end|>", "ok", Attributes(), [], ["unknown_header"] * 2),
    (
        "<|note|>sex: male\nsex: female\n<|text|>ok<|end|>", "ok",
        Attributes(sex="male"), [], ["repeated_header"],
    ),
    ("<|note|>diagnoses: a;; b \n<|text|>ok<|end|>", "ok", Attributes(diagnoses=("a", "b")), [], []),
    # a body that runs into a second note: nobody can say which is meant
    (
        "one<|note|>sex: male\n<|text|>two<|end|>", "one‹|note|>sex: male\n‹|text|>two",
        Attributes(), ["control_in_body"], ["neutralised"],
    ),
    ("one\n<|text|>two<|end|>", "one\n‹|text|>two", Attributes(), ["control_in_body"], ["neutralised"]),
]  # fmt: skip


@pytest.mark.parametrize(("generated", "text", "attributes", "problems", "repairs"), FRAMES)
def test_frames(
    generated: str, text: str, attributes: Attributes, problems: list[str], repairs: list[str]
) -> None:
    parsed = parse(generated)
    assert (parsed.text, parsed.attributes) == (text, attributes)
    assert (list(parsed.problems), list(parsed.repairs)) == (problems, repairs)


def test_an_entity_cut_by_the_token_limit_is_not_closed_by_guess() -> None:
    parsed = parse("has<|PROBLEM|> chest pa")
    assert parsed.entities == ()
    assert parsed.problems == ("truncated", "unclosed_entity")


def test_finished_says_that_the_stop_token_was_left_out() -> None:
    assert parse("has<|PROBLEM|> pain<|/|>.", finished=True).problems == ()
    assert parse("has<|PROBLEM|> pain<|/|>.").problems == ("truncated",)


def test_a_corpus_has_its_own_entity_labels() -> None:
    assert parse("<|Drug|>ASA<|/|><|end|>", entity_labels=["Drug"]).entities == (Span(0, 3, "Drug"),)
    assert parse("<|PROBLEM|>a<|/|><|end|>", entity_labels=["Drug"]).problems == ("unknown_tag",)


_noise = st.lists(
    st.one_of(
        st.sampled_from(
            [*special_tokens(ENTITY_LABELS)[:30], "<|DRUG|>", "<|", "|>", "<", " ", "\n", ". "]
        ),
        st.text(max_size=6),
        st.sampled_from(["type: ", "sex: male\n", "age: 1\n", "pain", "diagnoses: ;"]),
    ),
    max_size=25,
).map("".join)


@given(_noise, st.booleans())
def test_any_noise_parses_into_a_note_that_renders_again(generated: str, finished: bool) -> None:
    parsed = parse(generated, finished=finished)
    note = parsed.to_note("n")  # checks spans: inside, sorted, not overlapping
    tags = [Span(m.start(), m.end(), m[1]) for m in TOKEN.finditer(parsed.text)]
    assert list(note.phi) == tags
    assert {span.label for span in tags} <= set(PHI_LABELS)
    again = parse(render(note))
    assert (again.text, again.entities, again.phi) == (note.text, note.entities, note.phi)
    assert again.repairs == ()


def test_to_note_prefers_the_attributes_of_the_request() -> None:
    parsed = parse(render(NOTE))
    asked = Attributes(sex="male")
    assert parsed.to_note("s1", {"model": "x"}, asked).attributes == asked
    note = parsed.to_note("s1", {"model": "x"})
    assert dataclasses.replace(note, id="n1", provenance={}) == NOTE
    assert note.provenance == {"model": "x"}


def test_repr_tells_lengths_and_no_text() -> None:
    assert "Admitted" not in repr(parse(render(NOTE)))


def test_sample_header_meets_every_subset_and_is_fixed_by_the_seed() -> None:
    rng = random.Random(0)
    drawn = [sample_header(rng) for _ in range(2_000)]
    assert len(set(drawn)) == 2 ** len(ATTRIBUTE_NAMES)
    assert 0.28 < drawn.count(ALL) / 2_000 < 0.36
    assert 0.08 < drawn.count(frozenset()) / 2_000 < 0.16
    assert drawn == [sample_header(r) for r in [random.Random(0)] for _ in range(2_000)]


def test_tag_of_the_identifier_labels_is_what_deid_writes() -> None:
    deid = pytest.importorskip("clinsynth.deid")
    if not hasattr(deid, "TAG"):
        pytest.skip("clinsynth.deid has no TAG")
    assert all(deid.TAG.fullmatch(tag(label)) for label in PHI_LABELS)
    assert deid.neutralise("<|end|> <|NAME|>") == "‹|end|> ‹|NAME|>"
