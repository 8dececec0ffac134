"""Entities inside the body of a note, written and read: ``had <|PROBLEM|> chest pain<|/|> for``.

Byte for byte the body is the note's text with marks put in. One rule keeps a word the same token whether it
is marked or not: a mark stands *before* the space that precedes its span, and reading moves that one space
out again. A span that itself begins with a space has its opening mark doubled and is read as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from clinsynth.corpus import PHI_LABELS, Note, Span
from clinsynth.errors import DataError
from clinsynth.tokens.special import CLOSE, NOTE, PAD, TEXT, TOKEN, check_entity_labels, tag

MAX_REPAIRED_CHARACTERS: Final = 60
"""An unclosed entity is closed for the generator only when it comes out no longer than this."""

_CLAUSE_END: Final = re.compile(r"\n|[.;,:](?=\s)")
_TAG_NAMES: Final = frozenset(PHI_LABELS)


def write_body(note: Note, *, entities: bool, labels: Collection[str] | None) -> str:
    """The text of a tagged note, with the entities whose label is in ``labels`` (None: all) marked.

    Raises:
        DataError: the text holds ``<|`` outside the tags of identifiers, an identifier that is not a tag,
            or an entity that begins or ends within a tag.
    """
    tags = _checked_tags(note)
    if not entities:
        return note.text
    spans = [span for span in note.entities if labels is None or span.label in labels]
    check_entity_labels({span.label for span in spans})
    parts, done = [], 0
    for i, span in enumerate(spans):
        if any(t.start < edge < t.end for edge in (span.start, span.end) for t in tags):
            raise DataError(f"note {note.id}: entities[{i}] begins or ends within the tag of an identifier")
        literal = note.text[span.start] == " "
        hops = not literal and span.start > done and note.text[span.start - 1] == " "
        start = span.start - hops
        parts += [
            note.text[done:start],
            tag(span.label) * (1 + literal),
            note.text[start : span.end],
            CLOSE,
        ]
        done = span.end
    return "".join(parts) + note.text[done:]


def _checked_tags(note: Note) -> list[Span]:
    tags = _tags(note.text)
    if len(tags) != note.text.count("<|"):
        raise DataError(f"note {note.id}: the text holds <| outside the tags of identifiers: neutralise it")
    lost = set(note.phi).difference(tags)
    if lost:
        span = min(lost)
        raise DataError(
            f"note {note.id}: the identifier at {span.start}-{span.end} ({span.label}) is not a tag: "
            "de-identify the note before it becomes training text"
        )
    return tags


def _tags(text: str) -> list[Span]:
    return [
        Span(match.start(), match.end(), match[1])
        for match in TOKEN.finditer(text)
        if match[1] in _TAG_NAMES
    ]


@dataclass(slots=True)
class _Open:
    """An entity whose end is not read yet."""

    start: int
    label: str
    literal: bool = False


@dataclass(slots=True)
class BodyReader:
    """Reads a body token by token. Feed it once with ``read``; the results stand in its fields.

    Args:
        labels: entity labels that the generator knows; a mark with another is a problem.
        ended: the body has an end; without one, an entity open at the end of the text was cut.
    """

    labels: Collection[str]
    ended: bool = True
    text: str = ""
    entities: list[Span] = field(default_factory=list)
    phi: list[Span] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    _here: int = 0  # characters of the text that are read
    _open: _Open | None = None
    _nested: bool = False  # the last open entity was closed by guess when another one opened

    def read(self, body: str) -> None:
        """Reads ``body``, which holds no ``<|end|>``."""
        parts: list[str] = []
        tokens: list[tuple[int, str, str]] = []
        done = length = 0
        for match in TOKEN.finditer(body):
            parts.append(body[done : match.start()])
            length += match.start() - done
            tokens.append((length, match[0], match[1]))
            if self._is_text(match[0], match[1]):
                parts.append(match[0])
                length += len(match[0])
            done = match.end()
        self.text = "".join([*parts, body[done:]])
        for self._here, token, name in tokens:
            self._token(token, name)
        self._here = len(self.text)
        if self._open is not None:
            self._guess_end(whole=self.ended, otherwise="unclosed_entity")
        self._neutralise()
        if not self.text.strip():
            self.problems.append("empty")

    def _is_text(self, token: str, name: str) -> bool:
        """Does the token stay in the text? Tags do, and what no note may hold, for all to see."""
        return name in _TAG_NAMES or not (token == CLOSE or name in self.labels or _is_control(token, name))

    def _token(self, token: str, name: str) -> None:
        if name in _TAG_NAMES:
            self.phi.append(Span(self._here, self._here + len(token), name))
        elif token == CLOSE:
            self._closing()
        elif name in self.labels:
            self._opening(name)
        elif _is_control(token, name):
            self.repairs.append("dropped_control")
        else:
            self.problems.append("control_in_body" if token in (NOTE, TEXT) else "unknown_tag")

    def _opening(self, label: str) -> None:
        here, before = self._here, self._open
        if before is not None and (before.start, before.label) == (here, label) and not before.literal:
            before.literal = True
            return
        if before is not None:
            self._guess_end(whole=False, otherwise="nested_entity")
        self._nested = before is not None
        self._open = _Open(here, label)

    def _closing(self) -> None:
        if self._open is None:
            # A second close after a guess: the entities were meant to nest, and the guess was wrong.
            (self.problems if self._nested else self.repairs).append(
                "nested_entity" if self._nested else "stray_close"
            )
            self._nested = False
            return
        opened, self._open = self._open, None
        self._add(opened, self._here)

    def _add(self, opened: _Open, end: int) -> None:
        start = opened.start
        spaced = self.text.startswith(" ", start, self._here)
        if opened.literal and not spaced:
            self.repairs.append("doubled_open")
        elif spaced and not opened.literal:
            start += 1
        if start < end:
            self.entities.append(Span(start, end, opened.label))
        else:
            self.repairs.append("empty_entity")

    def _guess_end(self, *, whole: bool, otherwise: str) -> None:
        """Closes the open entity at the end of its clause or line, or of the text if ``whole``."""
        opened, self._open = self._open, None
        assert opened is not None
        content = self.text[opened.start : self._here]
        end_of_clause = _CLAUSE_END.search(content)
        if end_of_clause is not None:
            content = content[: end_of_clause.start()]
        content = content.rstrip()
        if (end_of_clause is None and not whole) or len(content.strip()) > MAX_REPAIRED_CHARACTERS:
            self.problems.append(otherwise)
            return
        self.repairs.append("unclosed_entity")
        self._add(opened, opened.start + len(content))

    def _neutralise(self) -> None:
        """Leaves no ``<|`` but those of tags, so that whoever reads on can trust what looks like one."""
        tags = {span.start for span in self.phi}
        stray = [m.start() for m in re.finditer(r"<\|", self.text) if m.start() not in tags]
        if stray:
            characters = list(self.text)
            for i in stray:
                characters[i] = "‹"  # noqa: RUF001 - what deid writes too
            self.text = "".join(characters)
            self.repairs.append("neutralised")


def _is_control(token: str, name: str) -> bool:
    return token == PAD or name.startswith("reserved_")
