"""Presidio's NLP engine, without a model and without a network.

A spaCy model cannot be fetched where notes are kept, and blank spaCy pipelines have blank lemmas, with
which Presidio's context words silently do nothing. Here lower-cased words stand in for lemmas.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from functools import cached_property
from itertools import accumulate
from typing import Any, Final

from clinsynth.deid.presidio import NlpArtifacts, NlpEngine

LANGUAGE: Final = "en"
_TOKEN: Final = re.compile(r"\w+(?:['\u2019-]\w+)*|[^\w\s]")


class Scanner:
    """A pattern that reads whole texts. In a text of ASCII alone it finds the same, a fifth faster."""

    def __init__(self, pattern: str) -> None:
        self._ascii, self._any = re.compile(pattern, re.ASCII), re.compile(pattern)

    def for_(self, text: str) -> re.Pattern[str]:
        """The pattern to use for a text."""
        return self._ascii if text.isascii() else self._any


class CommonWords(Container[str]):
    """The words that stand in lower case somewhere in a text: everyday words, as a rule.

    Most notes are asked for few words, and have none of them: only when one may be there, or many have been
    asked for, the text is read for all.
    """

    def __init__(self, text: str) -> None:
        self._text, self._asked = text, 0
        self._words: frozenset[str] | None = None

    def __contains__(self, word: object) -> bool:
        if self._words is None:
            self._asked += 1
            if self._asked <= _FEW and word not in self._text:  # type: ignore[operator]  # words are strings
                return False
            self._words = frozenset(_COMMON.for_(self._text).findall(" " + self._text))
        return word in self._words


class Tokens(NlpArtifacts):  # type: ignore[misc]
    """What is known of a text before any recogniser looks at it.

    Attributes:
        lower: the text in lower case; as long as the text, so offsets hold.
        written: its words, runs of letters, digits and ``_``, in lower case.
        starts: where each word starts.
        gaps: what stands before each word, and behind the last.
        words: of each word the letters with which it begins, in lower case: ``fax`` of ``Fax617``.
        mixed: numbers of the words that begin with a letter or ``_`` and hold something else than letters.
        common: words that stand in lower case somewhere in the text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.entities: list[Any] = []
        self.scores: list[float] = []
        self.nlp_engine = None
        self.common = CommonWords(text)
        self.lower = lower = lowered(text)
        pieces = _WORD.for_(lower).split(lower)  # gap, word, gap, word, ..., gap
        self.gaps, self.written = pieces[::2], pieces[1::2]
        self.starts = list(accumulate(map(len, pieces)))[:-1:2]
        self.words, self.mixed = self.written.copy(), []
        for i in [i for i, word in enumerate(self.words) if not word.isalpha()]:
            word, self.words[i] = self.words[i], ""
            if not word[0].isdecimal():
                self.mixed.append(i)
                self.words[i] = _LETTERS.match(word)[0]  # type: ignore[index]  # no letter will do

    @cached_property
    def _matches(self) -> list[re.Match[str]]:
        return list(_TOKEN.finditer(self.text))

    @cached_property
    def tokens(self) -> list[str]:
        """Words and punctuation marks."""
        return [match[0] for match in self._matches]

    @cached_property
    def tokens_indices(self) -> list[int]:
        """Where each token starts."""
        return [match.start() for match in self._matches]

    @cached_property
    def lemmas(self) -> list[str]:
        """The tokens in lower case."""
        return [token.lower() for token in self.tokens]

    @property
    def keywords(self) -> list[str]:
        """Candidates for context words: all."""
        return self.lemmas


_WORD: Final = Scanner(r"(\w+)")
_FEW: Final = 64
_LETTERS: Final = re.compile(r"[^\W\d_]*")
_COMMON: Final = Scanner(r"[^\w'\u2019.@/-]([a-zß-ÿ]{3,}+)(?![\w@/])")


def lowered(text: str) -> str:
    """In lower case and as long: a letter that would become two stays."""
    lower = text.lower()
    if len(lower) == len(text):  # no letter grows shorter, so none has grown longer either
        return lower
    return "".join(c if len(low := c.lower()) != 1 else low for c in text)


class TokenEngine(NlpEngine):  # type: ignore[misc]
    """A tokeniser in the place of a language model."""

    def load(self) -> None:
        """Nothing to load."""

    def is_loaded(self) -> bool:
        """Always."""
        return True

    def process_text(self, text: str, language: str) -> Tokens:
        """The text's tokens."""
        return Tokens(text)

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 1, n_process: int = 1, **kwargs: Any
    ) -> Iterator[tuple[str, Tokens]]:
        """Each text with its tokens."""
        return ((text, Tokens(text)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:
        """No word is left out."""
        return False

    def is_punct(self, word: str, language: str) -> bool:
        """Has the token no letter or digit?"""
        return not any(character.isalnum() for character in word)

    def get_supported_entities(self) -> list[str]:
        """None: without a model nothing is found before the recognisers look."""
        return []

    def get_supported_languages(self) -> list[str]:
        """English."""
        return [LANGUAGE]
