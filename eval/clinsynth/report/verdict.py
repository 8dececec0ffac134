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
    """The cards that this run's tasks allow, in the order utility, identifiers, copying."""
    made = (_utility(results), _identifiers(results), _copying(results))
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
            tone, answer = "good", f"{answer}: no more than in unseen real notes"
    details = results["details"][task]
    longest = details["sides"]["synthetic"]["longest_words"]["max"]
    long = _long_copies(results, task)
    if long:
        tone, answer = "bad", f"of words lie in copied stretches; {long}"
    return Card(
        title="Copied text",
        tone=tone,
        figure=percent(share),
        answer=answer,
        sentence=(
            f"Control: real notes the generator never saw, {percent(control)}. Difference "
            f"{points(difference)} points{between}. Longest copied stretch: {longest:,.0f} words."
        ),
        limit=f"Verbatim copies of {details['n']} words or more; reworded ones are not seen.",
    )


def _long_copies(results: ResultsJson, task: str) -> str:
    """What to say when long passages are copied more often than in the control; else nothing."""
    sides = results["details"][task]["sides"]
    copies = {
        a: value_of(results, task, f"notes_with_long_copy,{a}") or 0.0 for a in ("synthetic", "holdout")
    }
    rates = {arm: found / sides[arm]["notes"] for arm, found in copies.items()}
    if rates["synthetic"] <= rates["holdout"]:
        return ""
    many = copies["synthetic"]
    words = results["details"][task]["long_words"]
    return f"{many:,.0f} note{'s hold' if many > 1 else ' holds'} a passage of {words} words or more"


def _task_of(results: ResultsJson, measure: str) -> str:
    """The first task of this run that used ``measure``: a task file of the user's has a name of its own."""
    return next((t for t, c in results["configs"].items() if c["measure"] == measure), measure)
