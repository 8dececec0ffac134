"""A detector for all tests, and how a table's row is checked against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from clinsynth.deid import Detector

Row = tuple[str, Sequence[tuple[str, str]]]
"""A text, and the words in it with their labels, in order; none for a row that must stay as it is."""

Finds = Callable[[str], list[tuple[str, str]]]


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="session")
def finds(detector: Detector) -> Finds:
    """Words found in a text, with their labels."""

    def find(text: str) -> list[tuple[str, str]]:
        return [(text[s.start : s.end], s.label) for s in detector.detect(text)]

    return find
