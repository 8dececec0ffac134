"""Which attributes are asked for: exact shares, common combinations only, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.corpus import Attributes, Note
from clinsynth.corpus.writers import NoteWriter
from clinsynth.errors import DataError, FolderError
from clinsynth.export import Conditions
from clinsynth.export.conditions import apportion, common_attributes, make_cells
from clinsynth.folders import Manifest, new_folder


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=30), st.integers(0, 10_000))
def test_apportioned_numbers_sum_up_and_stay_close(shares: list[float], total: int) -> None:
    counts = apportion(shares, total)
    assert sum(counts) == total
    for share, count in zip(shares, counts):
        assert abs(count - total * share / sum(shares)) < 1 + 1e-6


def test_uniform_means_every_combination_equally_often() -> None:
    values = {"sex": ("female", "male"), "diagnoses": ("asthma", "gout", "anemia")}
    cells = make_cells(Conditions(source="uniform", values=values), 60, seed=1)
    assert set(Counter(cells[i] for i in range(60)).values()) == {10}
    assert Attributes(sex="male", diagnoses=("gout",)) in cells.kinds
    again = make_cells(Conditions(source="uniform", values=values), 60, seed=1)
    other = make_cells(Conditions(source="uniform", values=values), 60, seed=2)
    assert list(again.of_note) == list(cells.of_note) != list(other.of_note)


def test_without_conditions_the_header_is_the_models_or_empty() -> None:
    assert make_cells(Conditions(), 3, 0)[2] is None
    assert make_cells(Conditions(source="none"), 3, 0)[2] == Attributes()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Training notes: ten alike, six with different second diagnoses, one rare patient."""
    common = Attributes(note_type="progress note", sex="male", diagnoses=("asthma",))
    rows = [common] * 10
    rows += [Attributes(sex="female", diagnoses=("gout", f"finding {i}")) for i in range(6)]
    rows += [Attributes(sex="female", age_band="90+", diagnoses=("kuru",))]
    folder = tmp_path / "corpus"
    with new_folder(folder, Manifest(kind="corpus")) as inside, NoteWriter(inside / "train.parquet") as out:
        for i, attributes in enumerate(rows):
            out.write(Note(f"n{i}", "Text.", attributes=attributes))
    return folder


NAMES = ("note_type", "sex", "age_band", "diagnoses")


def test_only_what_many_notes_share_is_asked_for(corpus: Path) -> None:
    assert common_attributes(corpus, NAMES, 5) == {
        Attributes(note_type="progress note", sex="male", diagnoses=("asthma",)): 10,
        Attributes(sex="female", diagnoses=("gout",)): 6,
    }
    assert sum(common_attributes(corpus, NAMES, 1).values()) == 17
    assert common_attributes(corpus, ("sex",), 5) == {
        Attributes(sex="female"): 7,
        Attributes(sex="male"): 10,
    }


def test_cells_follow_the_corpus(corpus: Path) -> None:
    cells = make_cells(Conditions(source="corpus", corpus=corpus), 1600, seed=5)
    counts = Counter(cells[i].sex for i in range(1600))  # type: ignore[union-attr]
    assert counts["male"] == pytest.approx(1000, abs=100)


def test_nothing_common_and_no_corpus_are_clear_errors(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"smaller conditions\.min_count"):
        common_attributes(corpus, NAMES, 50)
    with pytest.raises(FolderError, match="no such folder"):
        common_attributes(tmp_path / "nowhere", NAMES, 5)
