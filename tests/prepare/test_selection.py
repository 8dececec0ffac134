"""Duplicates go with a count, no patient is in two splits, and adding notes moves nobody."""

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from clinsynth.config import parse_config
from clinsynth.corpus import Note
from clinsynth.errors import UsageError
from clinsynth.prepare.config import SPLITS, PrepareConfig, Source
from clinsynth.prepare.selection import DROPPED, Candidates, Selection, select
from clinsynth.prepare.spool import Spool

EQUAL = {"train": 0.4, "valid": 0.2, "test": 0.2, "holdout": 0.2}
AUTO = Source(path=Path("notes.jsonl"))


def make_config(**keys: Any) -> PrepareConfig:
    given = {"sources": [{"path": "notes.jsonl"}], "splits": EQUAL, **keys}
    return parse_config(given, PrepareConfig, source="test")


def choose(tmp_path: Path, notes: list[tuple[Note, Source]], **keys: Any) -> Selection:
    spool, candidates = Spool(tmp_path), Candidates()
    for note, source in notes:
        spool.add(note)
        candidates.add(note, source)
    return select(spool, candidates, make_config(**keys), tmp_path)


def random_note(number: int, patient: str | None = None, seed: int = 0) -> Note:
    rng = random.Random(f"{seed} {number}")
    return Note(f"n{number}", " ".join(f"w{rng.randrange(3000)}" for _ in range(60)), patient_id=patient)


def test_no_patient_is_in_two_splits_and_shares_are_about_right(tmp_path: Path) -> None:
    notes = [random_note(i, f"p{i % 500}") for i in range(2_000)]
    splits = choose(tmp_path, [(n, AUTO) for n in notes]).splits.tolist()
    of_patient = defaultdict(set)
    for note, split in zip(notes, splits):
        of_patient[note.patient_id].add(split)
    assert all(len(found) == 1 for found in of_patient.values())
    shares = {name: splits.count(i) / 2_000 for i, name in enumerate(SPLITS)}
    assert all(abs(shares[name] - EQUAL[name]) < 0.06 for name in SPLITS)


def test_a_split_depends_on_the_seed_and_the_patient_alone(tmp_path: Path) -> None:
    notes = [random_note(i, f"p{i // 2}") for i in range(400)]
    whole = choose(tmp_path, [(n, AUTO) for n in notes]).splits.tolist()
    backwards = choose(tmp_path, [(n, AUTO) for n in notes[300::-1]]).splits.tolist()
    assert backwards[::-1] == whole[:301]
    other = choose(tmp_path, [(n, AUTO) for n in notes], seed=1).splits.tolist()
    assert other != whole


@pytest.mark.parametrize("near", [True, False])
def test_notes_without_patient_are_split_by_near_duplicates(tmp_path: Path, near: bool) -> None:
    originals = [random_note(i) for i in range(100)]
    changed = [Note(f"c{i}", f"{n.text} more", patient_id=None) for i, n in enumerate(originals)]
    result = choose(tmp_path, [(n, AUTO) for n in originals + changed], dedup={"near": near})
    first, second = result.splits[:100].tolist(), result.splits[100:].tolist()
    assert result.dropped["near_duplicate"] == (100 if near else 0)
    assert second == ([DROPPED] * 100 if near else first)
    assert result.groups == 100


def test_exact_duplicates_go_whatever_their_case_and_white_space(tmp_path: Path) -> None:
    notes = [random_note(i, f"p{i}") for i in range(60)]
    again = [Note(f"a{i}", f" {n.text.upper()}\n".replace(" ", "  ")) for i, n in enumerate(notes)]
    result = choose(tmp_path, [(n, AUTO) for n in notes + again], dedup={"near": False})
    assert {reason: n for reason, n in result.dropped.items() if n} == {"exact_duplicate": 60}
    assert set(result.splits[60:].tolist()) == {DROPPED}
    kept = choose(tmp_path, [(n, AUTO) for n in notes + again], dedup={"near": False, "exact": False})
    assert set(kept.dropped.values()) == {0}


def test_sources_can_name_their_split(tmp_path: Path) -> None:
    notes = [(random_note(i, f"p{i}"), AUTO) for i in range(100)]
    gold = [(random_note(i, f"g{i}"), Source(path=Path("g"), split="test")) for i in range(100, 110)]
    assert choose(tmp_path, notes + gold).splits[100:].tolist() == [SPLITS.index("test")] * 10


def test_a_patient_in_two_named_splits_stays_where_nothing_is_trained(tmp_path: Path) -> None:
    notes = [(random_note(i, f"p{i}"), AUTO) for i in range(100)]
    train = [(random_note(200 + i, f"x{i}"), Source(path=Path("t"), split="train")) for i in range(5)]
    test = [(random_note(300 + i, f"x{i}"), Source(path=Path("e"), split="test")) for i in range(3)]
    follows = [(random_note(400 + i, f"x{i}"), AUTO) for i in range(5)]
    language = [(random_note(500, "x0"), Source(path=Path("l"), role="language"))]
    result = choose(tmp_path, notes + train + test + follows + language)
    names = [SPLITS[s] if s != DROPPED else None for s in result.splits[100:].tolist()]
    assert names[:5] == [None, None, None, "train", "train"]
    assert names[5:8] == ["test"] * 3
    assert names[8:13] == ["test"] * 3 + ["train"] * 2  # dealt out, so it follows its patient
    assert names[13] is None  # language is never gold
    assert result.dropped["patient_in_other_split"] == 4


def test_language_is_never_gold(tmp_path: Path) -> None:
    language = Source(path=Path("l"), role="language")
    notes = [(random_note(i), language) for i in range(500)]
    gold = [(random_note(i), Source(path=Path("g"), split="test")) for i in range(500, 505)]
    splits = choose(tmp_path, notes + gold).splits[:500].tolist()
    assert [splits.count(i) for i in range(4)][2] == 0
    assert 200 < splits.count(0) < 300  # 0.4 of 0.8
    assert DROPPED not in splits


def test_a_split_without_notes_names_its_key(tmp_path: Path) -> None:
    notes = [(random_note(i, "one patient"), AUTO) for i in range(20)]
    with pytest.raises(UsageError, match=r"splits\.\w+ is 0\.\d: none of 1 patients or groups"):
        choose(tmp_path, notes)
    many = [(random_note(i), AUTO) for i in range(200)]
    with pytest.raises(UsageError, match=r"splits\.test is 0: none of 200"):
        choose(tmp_path, many, splits={"train": 0.6, "valid": 0.2, "test": 0, "holdout": 0.2})
