"""The one template, shared by training and serving: a tagged note as text, and generated text as a note.

    <|note|>type: discharge summary
    sex: female
    age: 60-69
    diagnoses: heart failure; type 2 diabetes
    <|text|>Admitted with <|PROBLEM|>dyspnea<|/|> on <|DATE|>.<|end|>

Header lines are optional. The body is the note's text byte for byte, with marks put in (see ``markup``).
``parse(render(note))`` gives text, entities and identifiers back exactly. Generated text is seldom perfect:
``parse`` never raises, it repairs what has one plausible reading and reports the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from clinsynth.corpus import Attributes, Note, Span
from clinsynth.tokens.header import ALL, is_header, read_header, sample_header, write_header
from clinsynth.tokens.markup import BodyReader, write_body
from clinsynth.tokens.special import END, ENTITY_LABELS, NOTE, TEXT

__all__ = ["ALL", "END", "NOTE", "TEXT", "Parsed", "parse", "prompt", "render", "sample_header"]


def render(
    note: Note,
    header: Collection[str] = ALL,
    entities: bool = True,
    *,
    entity_labels: Collection[str] | None = None,
) -> str:
    """A tagged note as training text, from ``<|note|>`` to ``<|end|>``.

    Args:
        header: attribute names to write, where known; see ``sample_header``.
        entities: mark the entities.
        entity_labels: mark only these (None: all of the note's).

    Raises:
        DataError: the note is not tagged text: an identifier that is not a tag, or a ``<|`` in the source.
        UsageError: an entity's label cannot have a token.
    """
    body = write_body(note, entities=entities, labels=entity_labels)
    return f"{prompt(note.attributes, header)}{body}{END}"


_UNKNOWN = Attributes()


def prompt(attributes: Attributes = _UNKNOWN, header: Collection[str] = ALL) -> str:
    """All up to and with ``<|text|>``; what is not known is left to the model."""
    return f"{NOTE}{write_header(attributes, header)}{TEXT}"


@dataclass(frozen=True, slots=True, repr=False)
class Parsed:
    """Generated text, read.

    Args:
        attributes: what the header says; empty when the text began behind the prompt.
        text: tagged text, without marks.
        entities: sorted, not overlapping.
        phi: spans of the tags of identifiers in ``text``.
        problems: why the note should be rejected, each reason once: ``truncated`` (no ``<|end|>``),
            ``empty``, ``no_text_mark``, ``control_in_body``, ``unknown_tag``, ``unclosed_entity``,
            ``nested_entity``.
        repairs: what was mended, once for each place: ``stray_close``, ``unclosed_entity``,
            ``empty_entity``, ``doubled_open``, ``dropped_control``, ``neutralised``, ``text_after_end``,
            ``unknown_header``, ``repeated_header``, ``header_value``.
    """

    attributes: Attributes
    text: str
    entities: tuple[Span, ...] = ()
    phi: tuple[Span, ...] = ()
    problems: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()

    def to_note(
        self,
        id: str,  # noqa: A002 - Note's own name for it
        provenance: Mapping[str, str] | None = None,
        attributes: Attributes | None = None,
    ) -> Note:
        """A tagged note; ``attributes`` of the request take the place of those read."""
        return Note(
            id=id,
            text=self.text,
            attributes=self.attributes if attributes is None else attributes,
            entities=self.entities,
            phi=self.phi,
            provenance=dict(provenance or {}),
        )

    def __repr__(self) -> str:
        """Lengths and reasons, never text."""
        return (
            f"Parsed(characters={len(self.text)}, entities={len(self.entities)}, phi={len(self.phi)}, "
            f"problems={list(self.problems)}, repairs={list(self.repairs)})"
        )


def parse(text: str, *, entity_labels: Collection[str] = ENTITY_LABELS, finished: bool = False) -> Parsed:
    """Generated training text back into a tagged note. Never raises.

    Args:
        text: from ``<|note|>``, or from behind it, or from behind the prompt.
        entity_labels: those of the model's tokenizer (``NoteTokenizer.entity_labels``).
        finished: the generator stopped on ``<|end|>`` of its own accord and its output leaves that out, as
            vLLM's does for a stop token. Otherwise text without ``<|end|>`` counts as ``truncated``.
    """
    whole, end, rest = text.partition(END)
    ended = bool(end) or finished
    problems = [] if ended else ["truncated"]
    repairs = ["text_after_end"] if rest.strip() else []
    head, body = _split(whole)
    if head is None:
        problems.append("no_text_mark")
    attributes, header_repairs = read_header(head or "")
    reader = BodyReader(labels=frozenset(entity_labels), ended=ended)
    reader.read(body)
    return Parsed(
        attributes,
        reader.text,
        tuple(sorted(reader.entities)),
        tuple(reader.phi),
        tuple(dict.fromkeys([*problems, *reader.problems])),
        (*repairs, *header_repairs, *reader.repairs),
    )


def _split(whole: str) -> tuple[str | None, str]:
    """Header (None: it has no end) and body of what stands before ``<|end|>``."""
    head, mark, body = whole.partition(TEXT)
    before, note, header = head.partition(NOTE)
    if mark and note and not before.strip():
        return header, body
    if mark and not note and is_header(head):
        return head, body
    if not mark and whole.startswith(NOTE):
        return None, whole.removeprefix(NOTE)
    return "", whole
