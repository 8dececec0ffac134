"""Presidio's NLP engine, without a model and without a network.

A spaCy model cannot be fetched where notes are kept, and blank spaCy pipelines have blank lemmas, with
which Presidio's context words silently do nothing. Here lower-cased words stand in for lemmas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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


class Tokens(NlpArtifacts):  # type: ignore[misc]
    """What is known of a text before any recogniser looks at it; made only as far as it is asked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.entities: list[Any] = []
        self.scores: list[float] = []
        self.nlp_engine = None

    @cached_property
    def lower(self) -> str:
        """The text in lower case; as long as the text, so offsets hold."""
        lower = self.text.lower()
        if len(lower) == len(self.text):  # no letter grows shorter, so none has grown longer either
            return lower
        return "".join(c if len(low := c.lower()) != 1 else low for c in self.text)

    @cached_property
    def _pieces(self) -> list[str]:
        """Gap, word, gap, word, ..., gap: all of the text in small letters."""
        return _WORD.for_(self.lower).split(self.lower)

    @cached_property
    def written(self) -> list[str]:
        """The words: runs of letters, digits and ``_``, in small letters."""
        return self._pieces[1::2]

    @cached_property
    def gaps(self) -> list[str]:
        """What stands before each word, and behind the last."""
        return self._pieces[::2]

    @cached_property
    def starts(self) -> list[int]:
        """Where each word starts."""
        return list(accumulate(map(len, self._pieces)))[:-1:2]

    @cached_property
    def _not_letters(self) -> list[int]:
        return [i for i, word in enumerate(self.written) if not word.isalpha()]

    @cached_property
    def mixed(self) -> list[int]:
        """Which words begin with a letter or ``_`` and hold something else than letters."""
        return [i for i in self._not_letters if not self.written[i][0].isdecimal()]

    @cached_property
    def words(self) -> list[str]:
        """Of each word the letters with which it begins, in small letters: ``fax`` of ``Fax617``."""
        words = self.written.copy()
        for i in self._not_letters:
            words[i] = _LETTERS.match(words[i])[0]  # type: ignore[index]  # it matches without a letter, too
        return words

    @cached_property
    def common(self) -> frozenset[str]:
        """The words that stand in lower case somewhere in the text: everyday words, as a rule."""
        return frozenset(_COMMON.for_(self.text).findall(" " + self.text))

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
_LETTERS: Final = re.compile(r"[^\W\d_]*")
_COMMON: Final = Scanner(r"[^\w'\u2019.@/-]([a-zß-ÿ]{3,}+)(?![\w@/])")


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
