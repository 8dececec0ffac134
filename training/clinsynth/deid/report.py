"""What was found, by class of Safe Harbor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clinsynth.corpus import PHI_LABELS, SAFE_HARBOR, Note
from clinsynth.deid.tags import TAG


@dataclass(slots=True)
class Report:
    """Counts over notes.

    Args:
        identifiers: by label.
        notes_with: notes that hold one or more, by label.
        left_as_tags: in surrogates mode, those for which there is no surrogate, by label.
    """

    notes: int = 0
    identifiers: Counter[str] = field(default_factory=Counter)
    notes_with: Counter[str] = field(default_factory=Counter)
    left_as_tags: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, notes: Iterable[Note], *, surrogates: bool) -> Report:
        """Counts of de-identified notes."""
        report = cls()
        for note in notes:
            labels = Counter(span.label for span in note.phi)
            report.notes += 1
            report.identifiers += labels
            report.notes_with.update(labels.keys())
            if surrogates:
                report.left_as_tags.update(match[1] for match in TAG.finditer(note.text))
        return report

    @classmethod
    def from_dict(cls, counts: Mapping[str, Any]) -> Report:
        """The report that gave ``as_dict``."""
        labels = counts["labels"]
        return cls(
            counts["notes"],
            *(
                Counter({label: row[name] for label, row in labels.items()})
                for name in ("identifiers", "notes", "left_as_tags")
            ),
        )

    def add(self, other: Report) -> None:
        """Adds the counts of other notes."""
        self.notes += other.notes
        self.identifiers += other.identifiers
        self.notes_with += other.notes_with
        self.left_as_tags += other.left_as_tags

    def as_dict(self) -> dict[str, Any]:
        """For a manifest, a journal, a file: every label, with its letter of Safe Harbor."""
        return {
            "notes": self.notes,
            "identifiers": self.identifiers.total(),
            "left_as_tags": self.left_as_tags.total(),
            "labels": {
                label: {
                    "safe_harbor": SAFE_HARBOR[label],
                    "identifiers": self.identifiers[label],
                    "notes": self.notes_with[label],
                    "left_as_tags": self.left_as_tags[label],
                }
                for label in PHI_LABELS
            },
        }

    def table(self) -> Iterator[str]:
        """Lines for people."""
        wide = max(map(len, PHI_LABELS))
        left = self.left_as_tags.total() > 0
        yield f"   {'label':<{wide}} identifiers       notes" + ("  left as tags" if left else "")
        for label in PHI_LABELS:
            found = f"{self.identifiers[label]:>11,} {self.notes_with[label]:>11,}"
            tags = f" {self.left_as_tags[label]:>13,}" if left else ""
            yield f"{SAFE_HARBOR[label]}  {label:<{wide}} {found}{tags}"
