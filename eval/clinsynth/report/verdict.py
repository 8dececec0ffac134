"""What was found, in plain words: one card a question, the figure, its interval, its limit.

A card judges nothing beyond what its interval says. Thresholds of what is acceptable are a policy, and none
is applied here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clinsynth.measure.results import ResultsJson
from clinsynth.report.words import count, interval_of, percent, points, value_of

Tone = Literal["good", "look", "bad"]


@dataclass(frozen=True, slots=True)
class Card:
    """An answer.

    Args:
        tone: ``good``: nothing found that speaks against the release. ``look``: a figure to weigh. ``bad``:
            something was found.
        figure: the one number to remember.
        answer: what it says, in a few words.
        sentence: the number with its control and interval.
        limit: what the reader must not conclude.
    """

    title: str
    tone: Tone
    figure: str
    answer: str
    sentence: str
    limit: str


def cards(results: ResultsJson) -> list[Card]:
    """The cards that this run's tasks allow: utility, identifiers, copying, de-identification."""
    made = (_utility(results), _identifiers(results), _copying(results), _deid(results))
    return [card for card in made if card is not None]


def _utility(results: ResultsJson) -> Card | None:
    key = "f1_strict_difference,synthetic"
    task = _task_of(results, "ner_parity")
    difference, kept = value_of(results, task, key), value_of(results, task, "f1_strict_kept,synthetic")
    real, synthetic = (value_of(results, task, f"f1_strict,{arm}") for arm in ("real", "synthetic"))
    if difference is None or real is None or synthetic is None:
        return None
    interval = interval_of(results, task, key)
    between = ""
    tone: Tone = "look"
    answer = "of the real model's F1 is kept"
    if interval is not None:
        between = (
            f" ({interval['level']:.0%} interval {points(interval['low'])} to {points(interval['high'])})"
        )
        if interval["high"] < 0:
            answer += "; the gap is beyond chance"
        elif interval["low"] > 0:
            tone, answer = "good", "of the real model's F1: better than real"
        else:
            answer += "; no gap could be shown"
    documents = results["details"][task]["test"]["documents"]
    return Card(
        title="Utility",
        tone=tone,
        figure="-" if kept is None else percent(kept, 0),
        answer=answer,
        sentence=(
            f"Trained on synthetic notes, a model finds entities in {documents:,} unseen real documents "
            f"with an F1 of {percent(synthetic)}; trained on real notes, {percent(real)}. "
            f"Difference {points(difference)} points{between}."
        ),
        limit="One encoder, strict spans. An interval that includes zero does not prove equality.",
    )


def _identifiers(results: ResultsJson) -> Card | None:
    task = _task_of(results, "identifiers")
    found = value_of(results, task, "undeclared,synthetic")
    rate = value_of(results, task, "notes_with_undeclared_per_1000,synthetic")
    if found is None or rate is None:
        return None
    notes = results["n-samples"][task]["effective"]
    interval = interval_of(results, task, "notes_with_undeclared_per_1000,synthetic")
    control = value_of(results, task, "notes_with_undeclared_per_1000,holdout")
    sentence = f"{rate:,.1f} of 1,000 notes hold one"
    if interval is not None:
        sentence += f" ({interval['level']:.0%} interval {interval['low']:,.1f} to {interval['high']:,.1f})"
    answer = f"undeclared identifiers in {notes:,} notes"
    tone: Tone = "bad" if found else "good"
    if control is not None:
        sentence += f"; in de-identified real notes the same search finds {control:,.1f}"
        # The detector's false alarms are in both rates: what lies above the control is the generator's.
        if found and interval is not None and interval["low"] <= control:
            tone, answer = "look", f"{answer}; no more often than in de-identified real notes"
    return Card(
        title="Identifiers",
        tone=tone,
        figure=count(found),
        answer=answer,
        sentence=sentence + ".",
        limit="Counts what the detector sees; it may miss some, and a value it finds may be invented.",
    )


def _copying(results: ResultsJson) -> Card | None:
    task = _task_of(results, "copied_spans")
    share, control = (value_of(results, task, f"copied_word_share,{a}") for a in ("synthetic", "holdout"))
    difference = value_of(results, task, "copied_word_share_difference,synthetic")
    if share is None or control is None or difference is None:
        return None
    interval = interval_of(results, task, "copied_word_share_difference,synthetic")
    tone: Tone = "look"
    answer, between = "of words lie in copied stretches", ""
    if interval is not None:
        between = (
            f" ({interval['level']:.0%} interval {points(interval['low'])} to {points(interval['high'])})"
        )
        if interval["low"] > 0:
            tone, answer = "bad", f"{answer}: more than in unseen real notes"
        elif interval["high"] < 0:
            tone, answer = "good", f"{answer}: less than in unseen real notes"
        else:
            tone, answer = "good", f"{answer}: not shown to be more than in unseen real notes"
    details = results["details"][task]
    longest, usual = (details["sides"][arm]["longest_words"]["max"] for arm in ("synthetic", "holdout"))
    long = _long_copies(results, task)
    if long is not None:
        tone = "bad" if "bad" in (tone, long[0]) else long[0]
        answer = f"of words lie in copied stretches; {long[1]}"
    return Card(
        title="Copied text",
        tone=tone,
        figure=percent(share),
        answer=answer,
        sentence=(
            f"Control: real notes the generator never saw, {percent(control)}. Difference "
            f"{points(difference)} points{between}. Longest copied stretch: {longest:,.0f} words; in the "
            f"control, {usual:,.0f}."
        ),
        limit=f"Verbatim copies of {details['n']} words or more; reworded ones are not seen.",
    )


def _deid(results: ResultsJson) -> Card | None:
    task = _task_of(results, "deid")
    recall, precision = (value_of(results, task, f"{name},all") for name in ("recall", "precision"))
    leaks = value_of(results, task, "leaks_per_1000,all")
    if recall is None or precision is None or leaks is None:
        return None
    interval = interval_of(results, task, "recall,all")
    chance = ""
    if interval is not None:
        low, high = percent(interval["low"]), percent(interval["high"])
        chance = f"{interval['level']:.0%} interval {low} to {high}. "
    identifiers = sum(found["gold"] for found in results["details"][task]["classes"])
    places = 0 if leaks >= 10 else 1
    return Card(
        title="De-identification",
        tone="look",
        figure=percent(recall),
        answer=f"of {identifiers:,} identifiers are found, with no word left",
        sentence=(
            f"{chance}In 1,000 such notes {leaks:,.{places}f} would stay, whole or in part. "
            f"{percent(precision)} of what is found touches an identifier."
        ),
        limit="On these notes. People write names and numbers in ways that no list foresees.",
    )


def _long_copies(results: ResultsJson, task: str) -> tuple[Tone, str] | None:
    """What to say of long copied passages; nothing when there are none.

    They are never called good: that a passage is no more than what two real notes share can't be shown of
    one passage.
    """
    many, far = (
        value_of(results, task, f"{metric},synthetic") or 0.0
        for metric in ("notes_with_long_copy", "notes_copied_beyond_control")
    )
    if not many:
        return None
    details = results["details"][task]
    notes = "1 note holds" if many == 1 else f"{many:,.0f} notes hold"
    hold = f"{notes} a copied passage of {details['long_words']} words or more"
    interval = interval_of(results, task, "long_copy_note_share_difference,synthetic")
    if interval is not None and interval["low"] > 0:
        return "bad", f"{hold}, more often than unseen real notes"
    if far:
        some = "" if far == many else f"{far:,.0f} of them "
        return "bad", f"{hold}, {some}far longer than any in unseen real notes"
    return "look", f"{hold}: not shown to be harmless, so read them"


def _task_of(results: ResultsJson, measure: str) -> str:
    """The first task of this run that used ``measure``: a task file of the user's has a name of its own."""
    return next((t for t, c in results["configs"].items() if c["measure"] == measure), measure)
