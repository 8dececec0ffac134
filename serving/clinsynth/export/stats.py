"""Counts of a run, flat (``rejected:copied``) while it goes on, nested in the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from clinsynth.corpus import SAFE_HARBOR, Note
from clinsynth.export.journal import Entry
from clinsynth.gate import Verdict

_BY_VALUE = ("note_type", "sex", "age_band")


def reason_stats(verdict: Verdict) -> Counter[str]:
    """The decision, and each reason once a draw."""
    stats = Counter({f"decision:{verdict.decision}": 1})
    kept = [r for r in verdict.reasons if r.rejects or verdict.decision == "repair"]
    stats.update({f"{'rejected' if r.rejects else 'repaired'}:{r.key}" for r in kept})
    return stats


def note_stats(note: Note) -> Counter[str]:
    """What a released note holds: identifiers (tags or surrogates), entities, attributes."""
    stats = Counter({"characters": len(note.text), "words": len(note.text.split())})
    stats.update(f"identifiers:{span.label}" for span in note.phi)
    stats.update(f"entities:{span.label}" for span in note.entities)
    for name in _BY_VALUE:
        stats[f"attributes:{name}:{getattr(note.attributes, name) or 'unknown'}"] += 1
    lower = note.text.lower()
    for diagnosis in note.attributes.diagnoses:
        stats["diagnoses:asked"] += 1
        stats["diagnoses:mentioned"] += diagnosis.lower() in lower
    return stats


def top_reasons(stats: Mapping[str, int], most: int = 3) -> str:
    """``copied (120), markup:truncated (31)``: why draws were withheld, most frequent first."""
    found = Counter(_under(stats, "rejected"))
    return ", ".join(f"{key} ({count})" for key, count in found.most_common(most)) or "no reason"


def counts(entries: Iterable[Entry], requested: int, seconds: float) -> dict[str, Any]:
    """What the manifest records.

    Args:
        seconds: of work besides drawing: starting the engine and the gate, sealing.
    """
    total: Counter[str] = Counter()
    accepted = short = 0
    drawing = 0.0
    for entry in entries:
        total.update(entry.stats)
        accepted, short, drawing = accepted + entry.notes, short + entry.short, drawing + entry.seconds
    identifiers = _under(total, "identifiers")
    letters: Counter[str] = Counter()
    for label, count in identifiers.items():
        letters[SAFE_HARBOR[label]] += count
    return {
        "requested": requested,
        "accepted": accepted,
        "short": short,
        "draws": total["draws"],
        "rejected": total["decision:reject"],
        "rejected_by_reason": _under(total, "rejected"),
        "repaired": total["decision:repair"],
        "repaired_by_reason": _under(total, "repaired"),
        "identifiers": identifiers,
        "identifiers_by_safe_harbor_class": dict(sorted(letters.items())),
        "entities": _under(total, "entities"),
        "attributes": {name: _under(total, f"attributes:{name}") for name in _BY_VALUE},
        "diagnoses": {"asked": total["diagnoses:asked"], "mentioned": total["diagnoses:mentioned"]},
        "characters": total["characters"],
        "words": total["words"],
        "tokens_generated": total["tokens"],
        "seconds": round(drawing + seconds, 1),
        "seconds_drawing": round(drawing, 3),
    }


def _under(stats: Mapping[str, int], prefix: str) -> dict[str, int]:
    start = f"{prefix}:"
    return {key.removeprefix(start): n for key, n in sorted(stats.items()) if key.startswith(start)}
