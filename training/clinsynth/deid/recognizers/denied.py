"""Words that a site knows to be identifiers: staff, wards, places nearby."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from clinsynth.deid.recognizers.anchors import Hint
from clinsynth.deid.recognizers.rules import SURE, Rule, RuleRecognizer


class DeniedWordRecognizer(RuleRecognizer):
    """Finds the words of a list, whole, in any case; a blank stands for any white space.

    Args:
        deny: label -> its words.
    """

    def __init__(self, deny: Mapping[str, Sequence[str]]) -> None:
        # An instance has its own rules: the lists are the site's.
        self.RULES = tuple(_rule(label, words) for label, words in deny.items() if words)  # type: ignore[misc]
        super().__init__()


def _rule(label: str, words: Sequence[str]) -> Rule:
    longest_first = sorted(words, key=len, reverse=True)
    either = "|".join(r"\s+".join(map(re.escape, word.split())) for word in longest_first)
    return Rule(
        label, re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE), SURE, anchor=Hint(re.compile(""))
    )
