"""How probable the tokens of a choice were: told only of a text that left as it was generated."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from clinsynth.corpus import PHI_LABELS
from clinsynth.engine import TokenLogprob
from clinsynth.gate import Released
from clinsynth.serve.wire_completions import Logprobs
from clinsynth.tokens.special import TOKEN, tag
from clinsynth.tokens.template import parse

_IN_TEXT = frozenset(map(tag, PHI_LABELS))  # of the special tokens


def logprobs_of(
    tokens: Sequence[TokenLogprob], wanted: int, text: str, released: Released, labels: Collection[str]
) -> Logprobs | None:
    """OpenAI's form; None where the gate changed or withheld the text.

    Args:
        tokens: of the answer, in order.
        wanted: how many others beside each.
        text: the answer as generated.
        labels: of entities, those that the model has marks for.
    """
    as_generated = parse(text, entity_labels=labels, finished=True).text
    if released.note is None or released.note.text != as_generated:
        return None
    offsets, at = list[int](), 0
    for token in tokens:
        offsets.append(min(at, len(as_generated)))
        if not TOKEN.fullmatch(token.text) or token.text in _IN_TEXT:
            at += len(token.text)
    return Logprobs(
        tokens=[token.text for token in tokens],
        token_logprobs=[token.logprob for token in tokens],
        top_logprobs=[dict(token.top) for token in tokens] if wanted else None,
        text_offset=offsets,
    )
