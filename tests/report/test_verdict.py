"""The cards say no more than the numbers do."""

import pytest

from clinsynth.report.verdict import cards


def results(**changes):
    """Made-up results: what the cards read, nothing else."""
    numbers = {
        "real": 0.8, "synthetic": 0.72, "difference": (-0.08, -0.1, -0.06), "undeclared": 0,
        "share": 0.01, "control": 0.02, "copied": (-0.01, -0.02, 0.005),
        "long": 0, "far": 0, "oftener": (0, -0.01, 0.01),
        "rate": (0, 0.0, 3.7),
    } | changes  # fmt: skip

    def interval(triple):
        return {"low": triple[1], "high": triple[2], "level": 0.95, "method": "bootstrap"}

    n = numbers
    return {
        "configs": {t: {"measure": t} for t in ("ner_parity", "identifiers", "copied_spans")},
        "results": {
            "ner_parity": {
                "f1_strict,real": n["real"],
                "f1_strict,synthetic": n["synthetic"],
                "f1_strict_difference,synthetic": n["difference"][0],
                "f1_strict_kept,synthetic": n["synthetic"] / n["real"],
            },
            "identifiers": {
                "undeclared,synthetic": n["undeclared"],
                "notes_with_undeclared_per_1000,synthetic": float(n["undeclared"]),
                "notes_with_undeclared_per_1000,holdout": 2.0,
            },
            "copied_spans": {
                "copied_word_share,synthetic": n["share"],
                "copied_word_share,holdout": n["control"],
                "copied_word_share_difference,synthetic": n["copied"][0],
                "notes_with_long_copy,synthetic": n["long"],
                "notes_copied_beyond_control,synthetic": n["far"],
                "long_copy_note_share_difference,synthetic": n["oftener"][0],
            },
        },
        "intervals": {
            "ner_parity": {"f1_strict_difference,synthetic": interval(n["difference"])},
            "identifiers": {"notes_with_undeclared_per_1000,synthetic": interval(n["rate"])},
            "copied_spans": {
                "copied_word_share_difference,synthetic": interval(n["copied"]),
                "long_copy_note_share_difference,synthetic": interval(n["oftener"]),
            },
        },
        "n-samples": {"identifiers": {"original": 1000, "effective": 1000}},
        "details": {
            "ner_parity": {"test": {"documents": 60}},
            "copied_spans": {
                "n": 13,
                "long_words": 50,
                "sides": {
                    a: {"notes": 500, "longest_words": {"max": 20.0}} for a in ("synthetic", "holdout")
                },
            },
        },
    }


@pytest.mark.parametrize(
    ("index", "changes", "tone", "words"),
    [
        (0, {}, "look", "the gap is beyond chance"),
        (0, {"difference": (-0.01, -0.03, 0.01)}, "look", "no gap could be shown"),
        (0, {"difference": (0.02, 0.01, 0.03)}, "good", "better than real"),
        (1, {}, "good", "undeclared identifiers in 1,000 notes"),
        (1, {"undeclared": 1}, "look", "no more often than in de-identified real notes"),
        (1, {"undeclared": 9, "rate": (9, 4.7, 17.0)}, "bad", "undeclared identifiers in 1,000 notes"),
        (2, {}, "good", "not shown to be more than in unseen real notes"),
        (2, {"copied": (-0.02, -0.03, -0.01)}, "good", "less than in unseen real notes"),
        (2, {"copied": (0.02, 0.01, 0.03)}, "bad", "more than in unseen real notes"),
        (
            2,
            {"long": 1},
            "look",
            "1 note holds a copied passage of 50 words or more: not shown to be harmless",
        ),
        (
            2,
            {"long": 3},
            "look",
            "3 notes hold a copied passage of 50 words or more: not shown to be harmless",
        ),
        (2, {"long": 3, "copied": (-0.02, -0.03, -0.01)}, "look", "not shown to be harmless"),
        (2, {"long": 1, "oftener": (-0.02, -0.04, -0.01)}, "look", "not shown to be harmless"),
        (
            2,
            {"long": 9, "oftener": (0.02, 0.01, 0.03)},
            "bad",
            "9 notes hold a copied passage of 50 words or more, more often than",
        ),
        (
            2,
            {"long": 1, "far": 1},
            "bad",
            "1 note holds a copied passage of 50 words or more, far longer than any",
        ),
        (2, {"long": 3, "far": 1}, "bad", "or more, 1 of them far longer than any in unseen real notes"),
        (2, {"long": 3, "copied": (0.02, 0.01, 0.03)}, "bad", "not shown to be harmless"),
    ],
)
def test_tone_and_words_follow_the_interval(index, changes, tone, words):
    card = cards(results(**changes))[index]
    assert card.tone == tone
    assert words in card.answer
    assert card.limit


def test_figures_and_intervals_are_the_runs_own():
    utility, identifiers, copied = cards(results())
    assert utility.figure == "90 %"
    assert "60 unseen real documents" in utility.sentence
    assert "95% interval" in utility.sentence
    assert identifiers.figure == "0"
    assert "0.0 to 3.7" in identifiers.sentence
    assert copied.figure == "1.0 %"
    assert "never saw, 2.0 %" in copied.sentence


def test_without_a_control_every_identifier_alarms():
    some = results(undeclared=1)
    del some["results"]["identifiers"]["notes_with_undeclared_per_1000,holdout"]
    assert cards(some)[1].tone == "bad"


def test_a_run_without_a_task_has_no_card_for_it():
    some = results()
    for part in ("results", "intervals", "configs"):
        some[part] = {"copied_spans": some[part]["copied_spans"]}
    assert [card.title for card in cards(some)] == ["Copied text"]
