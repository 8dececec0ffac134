"""Invented generated texts through the gate: decision, reasons, and the text that comes out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.gate.gate_texts import CLEAN, TRAINED, RuleDetector

from clinsynth.corpus import Note, Span
from clinsynth.gate import Gate, GateConfig, Released
from clinsynth.overlap import NeighbourIndex
from clinsynth.tokens.template import parse

REWORDED = f"{TRAINED.replace('sat up', 'stood up')}<|end|>"
SHORT_COPY = f"{' '.join(TRAINED.split()[:25])} and that was all of it, as far as anybody knows."
MORE = (
    "He went home with his daughter after lunch, ate and drank well, wants to be seen again in two weeks, "
    "takes his own tablets, needs no dressing, may drive a car again when the wound has closed, and will "
    "ring the ward by himself if there is fever, redness, new pain, or anything else that worries him.<|end|>"
)

MakeGate = Callable[..., Gate]


def release(gate: Gate, text: str, **options: object) -> Released:
    return gate.release(parse(text), **options)  # type: ignore[arg-type]


PASSED = {
    "plain": CLEAN,
    "tags": "Dr. <|NAME|> saw him on <|DATE|>; call <|PHONE|> with questions about the dose.<|end|>",
    "numbers that are nobody's": "BP 120/80, pain 7/10, strength 5/5, potassium 4.1, weight 81 kg.<|end|>",
    "a heading that comes back": "Plan: rest.\nDry cough.\nPlan: fluids and review.\nNo fever.<|end|>",
    "a short stretch of training text": f"{' '.join(TRAINED.split()[:20])} and that was all of it.<|end|>",
    "markup": "Known <|PROBLEM|>asthma<|/|>, on <|TREATMENT|>salbutamol<|/|> twice a day as needed.<|end|>",
}


@pytest.mark.parametrize("text", PASSED.values(), ids=PASSED.keys())
def test_passes(make_gate: MakeGate, text: str) -> None:
    released = release(make_gate(), text)
    assert released.verdict.decision == "pass"
    assert released.verdict.reasons == ()
    assert released.note is not None
    assert released.note.text == parse(text).text


REPAIRED = {
    "phone": (
        "He can be reached at 555-010-0199 until Friday, he says.<|end|>",
        "He can be reached at <|PHONE|> until Friday, he says.",
        {"identifier:PHONE"},
    ),
    "beside a tag": (
        "Seen by <|NAME|> and Zebulon Quist, as planned last week.<|end|>",
        "Seen by <|NAME|> and <|NAME|>, as planned last week.",
        {"identifier:NAME"},
    ),
    "two, and the second moves": (
        "Write to a.b@c.example or call 555-010-0199, any day of the week.<|end|>",
        "Write to <|EMAIL|> or call <|PHONE|>, any day of the week.",
        {"identifier:EMAIL", "identifier:PHONE"},
    ),
    "stray mark": (
        "No fever<|/|> today, and the cough is better than before.<|end|>",
        "No fever today, and the cough is better than before.",
        {"markup:stray_close"},
    ),
}


@pytest.mark.parametrize(("text", "expected", "keys"), REPAIRED.values(), ids=REPAIRED.keys())
def test_repairs(make_gate: MakeGate, text: str, expected: str, keys: set[str]) -> None:
    gate = make_gate()
    released = release(gate, text)
    assert released.verdict.decision == "repair"
    assert {reason.key for reason in released.verdict.reasons} == keys
    assert released.note is not None
    assert released.note.text == expected
    for span in released.note.phi:
        assert expected[span.start : span.end] == f"<|{span.label}|>"
    assert gate.counts == {"checked": 1, "repair": 1} | dict.fromkeys(keys, 1)


REJECTED = {
    "training text": (f"{TRAINED}<|end|>", {"copied", "near_neighbour"}),
    "training text with a word changed in the middle": (REWORDED, {"near_neighbour"}),
    "training text in the middle": (
        f"Day two. {TRAINED.upper()} He went home afterwards.<|end|>",
        {"copied", "near_neighbour"},
    ),
    "training text with nothing to be seen in its words": (
        f"{TRAINED.replace('t', chr(0x200B) + 't')}<|end|>",
        {"copied", "near_neighbour"},
    ),
    "loop": ("Rest and fluids. " + "Pain in the knee and then " * 9 + "<|end|>", {"repeated_ngrams"}),
    "lines": ("\n".join(["Vitals stable."] * 8) + "\nHome.<|end|>", {"repeated_lines", "repeated_ngrams"}),
    "short": ("Doing well.<|end|>", {"too_short"}),
    "few words": ("Electroencephalography unremarkable.<|end|>", {"too_short"}),
    "empty": ("<|end|>", {"markup:empty"}),
    "cut off": ("He came in with a cough and went home with", {"markup:truncated"}),
    "entity left open": (
        f"Known <|PROBLEM|>asthma {'and so on ' * 9}<|end|>",
        {"markup:unclosed_entity"},
    ),
    "a tag that no model was taught": (
        "Seen by <|BADGE|> in the clinic this morning, as planned.<|end|>",
        {"markup:unknown_tag"},
    ),
}


@pytest.mark.parametrize(("text", "keys"), REJECTED.values(), ids=REJECTED.keys())
def test_rejects(make_gate: MakeGate, text: str, keys: set[str]) -> None:
    gate = make_gate()
    released = release(gate, text)
    assert released.note is None
    assert released.verdict.decision == "reject"
    assert {reason.key for reason in released.verdict.reasons if reason.rejects} == keys
    assert gate.counts["reject"] == 1


def test_a_near_neighbour_is_told_of_as_a_number(make_gate: MakeGate) -> None:
    [reason] = release(make_gate(), REWORDED).verdict.reasons
    assert (reason.code, reason.start, reason.end, reason.key) == ("near_neighbour", 0, 0, "near_neighbour")
    assert 0.7 < float(reason.detail) < 0.95


def test_a_note_is_compared_as_it_would_leave(make_gate: MakeGate) -> None:
    """Identifiers in the place of the tags of the training note make it no other note."""
    tagged = " ".join(f"{word} <|NAME|>" if i % 4 == 0 else word for i, word in enumerate(TRAINED.split()))
    gate = Gate(
        GateConfig(copied=False, max_identifiers=50), RuleDetector(), None, NeighbourIndex.build([tagged])
    )
    written = tagged.replace("<|NAME|>", "Zebulon")
    keys = [r.key for r in release(gate, f"{written}<|end|>").verdict.reasons]
    assert "near_neighbour" in keys
    assert NeighbourIndex.build([tagged]).similarity(written) < 0.5


def test_reasons_name_places_and_never_text(make_gate: MakeGate) -> None:
    text = f"Zebulon Quist, 555-010-0199. {TRAINED}<|end|>"
    released = release(make_gate(), text)
    by_key = {reason.key: reason for reason in released.verdict.reasons}
    assert text[by_key["identifier:NAME"].start : by_key["identifier:NAME"].end] == "Zebulon Quist"
    assert text[by_key["copied"].start : by_key["copied"].end] == TRAINED.rstrip(".")
    shown = repr(released.verdict) + repr(released) + str([r.to_dict() for r in released.verdict.reasons])
    assert not any(word in shown for word in ("Zebulon", "0199", "nurses"))


@pytest.mark.parametrize(
    ("policy", "text", "decision"),
    [
        ({"on_identifier": "reject"}, "Please call 555-010-0199 on any day of the week.<|end|>", "reject"),
        ({"max_identifiers": 1}, "Ring 555-010-0199 or 555-010-0198 on any day.<|end|>", "reject"),
        ({"max_copied_words": 100}, f"Day two. {TRAINED} {MORE}", "pass"),
        ({"copied": False}, f"Day two. {TRAINED} {MORE}", "pass"),
        ({"copied": False}, f"{TRAINED}<|end|>", "reject"),
        ({"copied": False, "neighbours": False}, f"{TRAINED}<|end|>", "pass"),
        ({"max_similarity": 0.95}, REWORDED, "pass"),
        ({"neighbours": False}, REWORDED, "pass"),
        ({"preset": "recall_first"}, f"{SHORT_COPY}<|end|>", "reject"),
        ({"preset": "recall_first", "max_copied_words": 30}, f"{SHORT_COPY}<|end|>", "pass"),
        ({"preset": "recall_first"}, "Please call 555-010-0199 on any day of the week.<|end|>", "reject"),
        ({"preset": "precision_first"}, f"Day two. {' '.join(TRAINED.split()[:40])} {MORE}", "pass"),
        ({"allowed_problems": ["truncated"]}, "He came in with a cough and went home with", "pass"),
        ({"min_characters": 1, "min_words": 1}, "Well.<|end|>", "pass"),
        ({"max_characters": 20}, CLEAN, "reject"),
        ({"min_entities": 1}, CLEAN, "reject"),
        ({"min_entities": 1}, PASSED["markup"], "pass"),
    ],
)
def test_policy_decides(make_gate: MakeGate, policy: dict[str, object], text: str, decision: str) -> None:
    assert release(make_gate(**policy), text).verdict.decision == decision


def test_entities_move_with_a_repair(make_gate: MakeGate) -> None:
    released = release(
        make_gate(),
        "Zebulon Quist has <|PROBLEM|>asthma<|/|>; call 555-010-0199 with <|TEST|>results<|/|>.<|end|>",
    )
    note = released.note
    assert note is not None
    assert [(note.text[e.start : e.end], e.label) for e in note.entities] == [
        ("asthma", "PROBLEM"),
        ("results", "TEST"),
    ]


def test_what_was_asked_for_takes_the_place_of_what_was_written(make_gate: MakeGate) -> None:
    from clinsynth.corpus import Attributes

    asked = Attributes(sex="female")
    text = f"<|note|>sex: male\ntype: clinic letter\n<|text|>{CLEAN}"
    assert release(make_gate(), text, attributes=asked).note.attributes == asked  # type: ignore[union-attr]
    assert release(make_gate(), text).note.attributes.note_type == "clinic letter"  # type: ignore[union-attr]


def test_a_name_that_the_model_writes_into_the_header_is_left_out(make_gate: MakeGate) -> None:
    text = f"<|note|>type: letter to Zebulon Quist\nsex: male\n<|text|>{CLEAN}"
    released = release(make_gate(), text)
    assert released.note is not None
    assert released.note.attributes.note_type is None
    assert released.note.attributes.sex == "male"
    assert [reason.key for reason in released.verdict.reasons] == ["identifier_in_header:note_type"]


def test_check_says_what_release_would_do(make_gate: MakeGate) -> None:
    gate = make_gate()
    note = Note("a", "Ring 555-010-0199 about <|NAME|> on any day.", phi=(Span(24, 32, "NAME"),))
    verdict = gate.check(note)
    assert verdict.decision == "repair"
    assert [(r.code, r.start, r.end, r.detail) for r in verdict.reasons] == [("identifier", 5, 17, "PHONE")]
    assert gate.check(Note("b", f"{TRAINED} So much for that.")).decision == "reject"
