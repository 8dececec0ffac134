"""What judges the model shares no long passage with what it learned from, unless it is boilerplate."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.prepare.test_selection import AUTO, choose, random_note

from clinsynth.corpus import Note, to_dict
from clinsynth.corpus.readers import read_notes
from clinsynth.errors import UsageError
from clinsynth.prepare.config import SPLITS, Source
from clinsynth.prepare.selection import DROPPED

WORDS, MOST = 12, 4
PASSAGES = {"words": WORDS, "max_documents": MOST}
LANGUAGE = Source(path=Path("l"), role="language")
GOLD = Source(path=Path("g"), split="test")
TAUGHT = Source(path=Path("t"), split="train")


def runs(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)}


def passage(number: int, words: int = 20) -> str:
    return " ".join(f"p{number}x{i}" for i in range(words))


def with_passage(note: Note, number: int) -> Note:
    return Note(note.id, f"{note.text} {passage(number)} {note.text[:40]}", patient_id=note.patient_id)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(1, 30))
def test_no_passage_straddles_what_is_learned_and_what_judges(
    tmp_path: Path, seed: int, pasted: int, passages: int
) -> None:
    rng = random.Random(seed)
    kinds = [AUTO, AUTO, AUTO, LANGUAGE, LANGUAGE, TAUGHT]
    notes = [(random_note(i, seed=seed), rng.choice(kinds)) for i in range(100)]
    notes += [(random_note(200 + i, seed=seed), GOLD) for i in range(5)]
    for _ in range(pasted):
        place = rng.randrange(len(notes))
        notes[place] = with_passage(notes[place][0], rng.randrange(passages)), notes[place][1]
    result = choose(tmp_path, notes, passages=PASSAGES, dedup={"near": False})
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for (note, _), split in zip(notes, result.splits.tolist()):
        for run in runs(note.text):
            holders[run].append(split)
    straddling = [held for held in holders.values() if len(set(held) - {DROPPED}) > 1]
    assert all(len(held) > MOST for held in straddling), "boilerplate alone may stand in two splits"
    assert result.passages["boilerplate"] == sum(len(held) > MOST for held in holders.values())


def test_language_that_holds_gold_leaves_and_is_counted(tmp_path: Path) -> None:
    notes = [(random_note(i), AUTO) for i in range(60)]
    gold = [(with_passage(random_note(100 + i), i), GOLD) for i in range(3)]
    overlapping = [
        (with_passage(random_note(200), 0), LANGUAGE),
        (with_passage(random_note(201), 1), TAUGHT),
        (with_passage(random_note(202), 2), AUTO),
        (random_note(203), LANGUAGE),
    ]
    result = choose(tmp_path, notes + gold + overlapping, passages=PASSAGES)
    names = [SPLITS[s] if s != DROPPED else None for s in result.splits[60:].tolist()]
    assert names[:3] == ["test"] * 3
    assert names[3:6] == [None, None, "test"]
    assert names[6] in ("train", "valid", "holdout")
    assert result.dropped["passage_in_other_split"] == 2
    assert result.dropped["patient_in_other_split"] == 0
    assert result.passages == {"groups": 3, "notes": 6, "largest": 2, "boilerplate": 0}
    without = choose(tmp_path, notes + gold + overlapping, passages={"words": None})
    assert without.dropped["passage_in_other_split"] == 0
    assert without.passages == {}


def test_patients_stay_apart_and_a_note_without_one_follows(tmp_path: Path) -> None:
    alone = [random_note(i, f"p{i}") for i in range(60)]
    sharing = [with_passage(n, i // 2) for i, n in enumerate(alone)]
    before = choose(tmp_path, [(n, AUTO) for n in alone]).splits.tolist()
    assert choose(tmp_path, [(n, AUTO) for n in sharing], passages=PASSAGES).splits.tolist() == before
    others = [with_passage(random_note(100 + i), 1000 + i) for i in range(30)]
    sharing = [with_passage(n, 1000 + i) for i, n in enumerate(alone[:30])]
    result = choose(tmp_path, [(n, AUTO) for n in [*others, *sharing, *alone[30:]]], passages=PASSAGES)
    assert result.splits[30:].tolist() == before
    assert result.splits[:30].tolist() == before[:30]


def test_the_order_of_the_notes_changes_nothing(tmp_path: Path) -> None:
    notes = [(with_passage(random_note(i), i % 40), AUTO) for i in range(120)]
    forwards = choose(tmp_path, notes, passages=PASSAGES)
    backwards = choose(tmp_path, notes[::-1], passages=PASSAGES)
    assert forwards.splits.tolist() == backwards.splits.tolist()[::-1]
    assert forwards.passages == {"groups": 40, "notes": 120, "largest": 3, "boilerplate": 0}


def test_notes_that_all_hang_together_are_an_error(tmp_path: Path) -> None:
    chain = [Note(f"n{i}", f"{passage(i)} {random_note(i).text} {passage(i + 1)}") for i in range(60)]
    with pytest.raises(UsageError, match=r"passages\.words is 12: 60 of 60 notes hang together"):
        choose(tmp_path, [(n, AUTO) for n in chain], passages=PASSAGES)


def test_the_corpus_folder_holds_to_it(tmp_path: Path) -> None:
    """From files to files, with identifiers removed and notes cut."""
    import json

    from clinsynth.config import parse_config
    from clinsynth.prepare import PrepareConfig, prepare

    notes = [with_passage(random_note(i), i // 2) for i in range(160)]
    notes += [Note(f"b{i}", f"{passage(500)} {random_note(300 + i).text}") for i in range(MOST + 20)]
    path = tmp_path / "n.jsonl"
    path.write_text("".join(json.dumps(to_dict(note)) + "\n" for note in notes))
    keys: dict[str, Any] = {
        "sources": [{"path": path}],
        "splits": {"train": 0.4, "valid": 0.2, "test": 0.2, "holdout": 0.2},
        "tokenizer": {"vocabulary": 600},
        "passages": PASSAGES,
        "deid": {"workers": 1},
    }
    manifest = prepare(parse_config(keys, PrepareConfig, source="test"), tmp_path / "corpus")
    counts = manifest.counts["passages"]
    assert counts == {"groups": 80, "notes": 160, "largest": 2, "boilerplate": 20 - WORDS + 1}
    held = {
        name: set().union(*(runs(n.text) for n in read_notes(tmp_path / "corpus" / f"{name}.parquet")))
        for name in SPLITS
    }
    stock = runs(passage(500))
    assert stock <= held["train"], "so many notes: each split has some"
    for name in ("valid", "test", "holdout"):
        assert held["train"] & held[name] == stock
