"""From files to a corpus folder: what lies in it, what was counted, and what stops it."""

import dataclasses
import gzip
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from clinsynth.config import load_config, parse_config
from clinsynth.corpus import Attributes, Note, Span, to_dict
from clinsynth.corpus.readers import read_notes
from clinsynth.deid import TAG
from clinsynth.errors import DataError, FolderError, UsageError
from clinsynth.folders import file_sha256, read_manifest
from clinsynth.overlap import NEIGHBOURS, NeighbourIndex, NgramIndex
from clinsynth.prepare import PrepareConfig, prepare
from clinsynth.prepare.command import prepare as command
from clinsynth.prepare.cut import PIECE_OF
from clinsynth.simulate import simulate_notes
from clinsynth.tokens.shards import TokenShards
from clinsynth.tokens.template import parse
from clinsynth.tokens.tokenizer import Base, load_tokenizer

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
WORDS = [
    f"{a}{b}" for a in ("cardi", "pulmon", "ren", "hepat", "derm") for b in ("al", "ic", "itis", "oma")
]
QUICK = {"mode": "none"}  # for what is tested here it does not matter, and looking takes long
SPLITS = {"train": 0.55, "valid": 0.15, "test": 0.15, "holdout": 0.15}


def clinic_note(number: int) -> Note:
    """A few paragraphs with a date, a phone number, and an odd code that no rule knows."""
    rng = random.Random(number)
    text = f"Seen on 03/{number % 28 + 1:02}/2019. "
    phi = [Span(8, 18, "DATE")]
    entities = []
    for _ in range(rng.randint(2, 12)):
        text += " ".join(rng.choices(WORDS, k=12)) + ". Has "
        problem = " ".join(rng.sample(WORDS, 2))
        entities.append(Span(len(text), len(text) + len(problem), "PROBLEM"))
        text += f"{problem}.\n\n"
    code = f"locker {WORDS[number % 20]} {number}"
    phi.append(Span(len(text), len(text) + len(code), "OTHER_ID"))
    text += f"{code} Call 617-555-{number % 10000:04} with <|questions|>."
    return Note(f"n{number}", text, entities=tuple(entities), phi=tuple(phi), patient_id=f"p{number // 2}")


def write_source(path: Path, notes: list[Note]) -> Path:
    path.write_text("".join(json.dumps(to_dict(note)) + "\n" for note in notes))
    return path


def make(**keys: Any) -> PrepareConfig:
    given = {"splits": SPLITS, "tokenizer": {"vocabulary": 600}, "max_characters": 600, **keys}
    return parse_config(given, PrepareConfig, source="test.yaml")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 labelled notes of 150 patients, 20 of them twice, and 60 pages of language."""
    folder = tmp_path_factory.mktemp("prepare")
    notes = [clinic_note(i) for i in range(300)]
    again = [Note(f"again{i}", notes[i].text, patient_id="someone") for i in range(20)]
    pages = [Note(f"t{i}", clinic_note(1000 + i).text) for i in range(60)]
    config = make(
        sources=[
            {"path": write_source(folder / "clinic.jsonl", notes + again), "renderings": 2},
            {"path": write_source(folder / "pages.jsonl", pages), "role": "language"},
        ],
        deid={"workers": 2},
        entity_plain_share=1.0,
    )
    prepare(config, folder / "corpus")
    return folder / "corpus"


def test_the_folder_holds_what_the_architecture_says(corpus: Path) -> None:
    manifest = read_manifest(corpus, "corpus", verify=True)
    assert sorted(manifest.files) == [
        "holdout.parquet",
        "overlap/neighbours.npy",
        "overlap/ngrams.npy",
        "test.parquet",
        "tokenizer/clinsynth_tokens.json",
        "tokenizer/special_tokens_map.json",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "tokens/train/clinic/documents.npy",
        "tokens/train/clinic/tokens.bin",
        "tokens/train/pages/documents.npy",
        "tokens/train/pages/tokens.bin",
        "tokens/valid/clinic/documents.npy",
        "tokens/valid/clinic/tokens.bin",
        "tokens/valid/pages/documents.npy",
        "tokens/valid/pages/tokens.bin",
        "train.parquet",
        "valid.parquet",
    ]
    assert [p.name for p in corpus.parent.iterdir() if p.name.startswith(".")] == []
    assert sorted(Path(name).name for name in manifest.inputs) == ["clinic.jsonl", "pages.jsonl"]


def test_no_identifier_is_left_and_spans_lie_on_tags(corpus: Path) -> None:
    for note in read_notes(corpus):
        assert "617" not in note.text
        if note.provenance["source"] == "clinic":
            assert "locker" not in note.text  # only the source knew
        assert "2019" not in note.text
        assert note.text.count("<|") == len(note.phi)
        assert [note.text[s.start : s.end] for s in note.phi] == [f"<|{s.label}|>" for s in note.phi]
        assert [m.start() for m in TAG.finditer(note.text)] == [s.start for s in note.phi]
        assert all(set(note.text[s.start : s.end].split()) <= set(WORDS) for s in note.entities)


def test_the_manifest_counts_what_happened(corpus: Path) -> None:
    counts = read_manifest(corpus, "corpus").counts
    assert counts["sources"]["clinic"]["kept"] == 320
    assert counts["sources"]["pages"]["spans_dropped"] == {}
    assert counts["dropped"]["exact_duplicate"] == 20
    assert counts["groups"] == 150 + 60
    gold = counts["deid"]["gold"]
    assert gold["DATE"] == {"marked": 300, "found": 300, "recall": 1.0}
    assert gold["OTHER_ID"]["marked"] == 300
    assert gold["OTHER_ID"]["found"] == 0
    assert counts["deid"]["tags"]["PHONE"] == 360
    notes = {name: list(read_notes(corpus / f"{name}.parquet")) for name in SPLITS}
    for name, found in notes.items():
        assert counts["splits"][name]["notes"] == len(found)
        assert counts["splits"][name]["entities"]["PROBLEM"] == sum(len(n.entities) for n in found)
    whole = {note.provenance.get(PIECE_OF, note.id) for found in notes.values() for note in found}
    assert len(whole) == 360
    pieces = [note for found in notes.values() for note in found if PIECE_OF in note.provenance]
    assert counts["cut"]["pieces"] == len(pieces) + counts["dropped"]["too_short"]


def test_patients_are_in_one_split_and_language_is_not_gold(corpus: Path) -> None:
    splits: dict[str, set[str]] = {}
    for name in SPLITS:
        for note in read_notes(corpus / f"{name}.parquet"):
            splits.setdefault(note.patient_id or note.provenance.get(PIECE_OF, note.id), set()).add(name)
    assert {len(found) for found in splits.values()} == {1}
    gold = list(read_notes(corpus / "test.parquet"))
    assert {note.provenance["source"] for note in gold} == {"clinic"}
    train = Counter(note.provenance["source"] for note in read_notes(corpus / "train.parquet"))
    assert train["pages"] > 0
    assert all(
        not n.entities for n in read_notes(corpus / "train.parquet") if n.provenance["source"] == "pages"
    )


def test_tokens_are_the_rendered_notes(corpus: Path) -> None:
    tokenizer = load_tokenizer(corpus / "tokenizer")
    assert tokenizer.entity_labels == ("PROBLEM",)
    train = {note.text: note for note in read_notes(corpus / "train.parquet")}
    counts = read_manifest(corpus, "corpus").counts["tokens"]["train"]
    shown: Counter[tuple[str, bool]] = Counter()
    for source in ("clinic", "pages"):
        shards = TokenShards(corpus / "tokens" / "train" / source, tokenizer.vocabulary_size)
        assert counts["sources"][source]["tokens"] == len(shards)
        assert counts["sources"][source]["documents"] == shards.documents.size - 1
        for i in range(shards.documents.size - 1):
            text = tokenizer.decode(shards.document(i).tolist())
            parsed = parse(text, entity_labels=tokenizer.entity_labels)
            assert not parsed.problems
            note = train[parsed.text]
            assert note.provenance["source"] == source
            assert parsed.phi == note.phi
            assert parsed.entities in ((), note.entities)
            shown[note.id, bool(parsed.entities)] += 1
    assert counts["documents"] == shown.total()
    for note in train.values():
        if note.provenance["source"] == "clinic" and note.entities:
            assert (shown[note.id, True], shown[note.id, False]) == (
                2,
                2,
            )  # two renderings, each once without marks
        else:
            assert shown[note.id, False] == (2 if note.provenance["source"] == "clinic" else 1)
    valid = Counter(note.provenance["source"] for note in read_notes(corpus / "valid.parquet"))
    for source, notes in valid.items():
        assert TokenShards(corpus / "tokens" / "valid" / source).documents.size - 1 == notes


def test_renderings_of_a_note_show_different_parts_of_its_header(tmp_path: Path) -> None:
    attributes = Attributes("letter", "cardiology", "female", "60-69")
    notes = [dataclasses.replace(clinic_note(i), attributes=attributes) for i in range(60)]
    source = {"path": write_source(tmp_path / "n.jsonl", notes), "renderings": 6}
    prepare(make(sources=[source], deid=QUICK, entity_plain_share=0.0), tmp_path / "out")
    tokenizer = load_tokenizer(tmp_path / "out" / "tokenizer")
    shards = TokenShards(tmp_path / "out" / "tokens" / "train" / "n")
    texts = [tokenizer.decode(shards.document(i).tolist()) for i in range(shards.documents.size - 1)]
    headers: dict[str, set[str]] = {}
    for text in texts:
        header, _, body = text.partition("<|text|>")
        headers.setdefault(body, set()).add(header)
    assert len(texts) == 6 * len(headers)
    assert sum(map(len, headers.values())) > 3 * len(headers)


def test_the_index_knows_the_training_text_and_no_other(corpus: Path) -> None:
    index = NgramIndex.load(corpus / "overlap" / "ngrams.npy")
    for note in read_notes(corpus / "train.parquet"):
        if len(note.text.split()) > 30:
            assert index.copied(note.text)
    assert not any(index.copied(note.text) for note in read_notes(corpus / "holdout.parquet"))


def test_the_index_of_neighbours_knows_each_training_note(corpus: Path) -> None:
    index = NeighbourIndex.load(corpus / NEIGHBOURS)
    notes = list(read_notes(corpus / "train.parquet"))
    assert len(index) == len(notes) == read_manifest(corpus, "corpus").counts["overlap"]["notes"]
    assert all(index.similarity(note.text) == 1 for note in notes)


def test_several_corpora_share_one_vocabulary(corpus: Path, tmp_path: Path) -> None:
    pages = write_source(tmp_path / "more.jsonl", [Note(f"m{i}", clinic_note(i).text) for i in range(60)])
    config = make(sources=[{"path": pages}], tokenizer={"from": corpus}, deid=QUICK)
    manifest = prepare(config, tmp_path / "out")
    for path in (corpus / "tokenizer").iterdir():
        assert (tmp_path / "out" / "tokenizer" / path.name).read_bytes() == path.read_bytes()
    file = corpus / "tokenizer" / "tokenizer.json"
    assert manifest.inputs[str(file)] == file_sha256(file)
    assert manifest.config["tokenizer"] == {"from": str(corpus), "vocabulary": None}
    other = [
        dataclasses.replace(n, entities=tuple(Span(s.start, s.end, "Drug") for s in n.entities))
        for n in map(clinic_note, range(60))
    ]
    drugs = write_source(tmp_path / "drugs.jsonl", other)
    labelled = make(sources=[{"path": drugs}], tokenizer={"from": corpus}, deid=QUICK)
    with pytest.raises(UsageError, match="has no mark for the entity label Drug; it knows PROBLEM"):
        prepare(labelled, tmp_path / "drugs")
    assert not (tmp_path / "drugs").exists()


def test_the_vocabulary_of_an_open_model_carries_the_notes(tmp_path: Path) -> None:
    base = tmp_path / "open-model"
    base.mkdir()
    open_tokenizer = Tokenizer(models.BPE())
    open_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    open_tokenizer.decoder, open_tokenizer.normalizer = decoders.ByteLevel(), normalizers.NFC()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    open_tokenizer.train_from_iterator([clinic_note(i).text for i in range(60)], trainer)
    open_tokenizer.save(str(base / "tokenizer.json"))
    size = open_tokenizer.get_vocab_size()
    source = {"path": write_source(tmp_path / "n.jsonl", [clinic_note(i) for i in range(60)])}
    manifest = prepare(make(sources=[source], tokenizer={"from": base}, deid=QUICK), tmp_path / "out")
    assert manifest.counts["tokens"]["vocabulary"] == size + 96
    tokenizer = load_tokenizer(tmp_path / "out" / "tokenizer")
    assert tokenizer.base == Base(size, file_sha256(base / "tokenizer.json"))
    shards = TokenShards(tmp_path / "out" / "tokens" / "train" / "n", size + 96)
    notes = {note.text: note for note in read_notes(tmp_path / "out" / "train.parquet")}
    for i in range(shards.documents.size - 1):
        ids = shards.document(i).tolist()
        assert (ids[0], ids[-1]) == (tokenizer.note_id, tokenizer.end_id)
        parsed = parse(tokenizer.decode(ids), entity_labels=["PROBLEM"])
        assert not parsed.problems
        assert parsed.entities in ((), notes[parsed.text].entities)


def test_words_to_deny_do_not_enter_the_manifest(tmp_path: Path) -> None:
    notes = [clinic_note(i) for i in range(60)]
    source = write_source(tmp_path / "n.jsonl", notes)
    deid = {"detector": {"deny": {"NAME": ["Zebulon"]}}}
    manifest = prepare(make(sources=[{"path": source}], deid=deid), tmp_path / "out")
    assert "Zebulon" not in (tmp_path / "out" / "manifest.json").read_text()
    assert manifest.config["deid"]["mode"] == "tags"
    assert manifest.config["deid"]["detector"]["denied_words"] == {"NAME": 1}
    assert manifest.config["deid"]["detector"]["version"]


def test_the_same_config_gives_the_same_bytes_with_any_number_of_processes(
    corpus: Path, tmp_path: Path
) -> None:
    config = described_as_in(corpus)
    assert config.deid.workers == 2
    alone = config.model_copy(update={"deid": config.deid.model_copy(update={"workers": 1})})
    assert prepare(alone, tmp_path / "again").files == read_manifest(corpus, "corpus").files


def described_as_in(corpus: Path) -> PrepareConfig:
    """The config of a corpus from its manifest; only the detector's is told in other words there."""
    described = read_manifest(corpus, "corpus").config
    return parse_config({**described, "deid": {"workers": 2}}, PrepareConfig, source="manifest")


def test_identifiers_stay_when_that_is_spelled_out(tmp_path: Path) -> None:
    source = write_source(tmp_path / "n.jsonl", [clinic_note(i) for i in range(60)])
    prepare(make(sources=[{"path": source}], deid={"mode": "none"}), tmp_path / "out")
    notes = list(read_notes(tmp_path / "out"))
    assert any("locker" in note.text for note in notes)
    assert not any("<|" in note.text for note in notes)  # what looks like a tag is neutralised even so
    manifest = read_manifest(tmp_path / "out", "corpus")
    assert manifest.config["deid"]["mode"] == "none"
    assert manifest.config["deid"]["detector"] is None
    assert manifest.counts["sources"]["n"]["deid"] == "none"


def test_gold_identifiers_can_be_left_to_the_detector(tmp_path: Path) -> None:
    source = write_source(tmp_path / "n.jsonl", [clinic_note(i) for i in range(60)])
    prepare(make(sources=[{"path": source}], deid={"use_gold_phi": False}), tmp_path / "out")
    assert any("locker" in note.text for note in read_notes(tmp_path / "out"))
    assert not any("617-555" in note.text for note in read_notes(tmp_path / "out"))


def test_tagged_text_keeps_its_tags(tmp_path: Path) -> None:
    notes = [Note(f"n{i}", f"Seen by <|NAME|> for {' '.join(WORDS[i % 10 :])} {i}.") for i in range(60)]
    source = write_source(tmp_path / "n.jsonl", notes)
    prepare(make(sources=[{"path": source, "deid": "tagged"}], dedup={"near": False}), tmp_path / "out")
    assert all([s.label for s in n.phi] == ["NAME"] for n in read_notes(tmp_path / "out"))


def test_a_source_can_say_what_kind_of_text_it_is(tmp_path: Path) -> None:
    source = write_source(tmp_path / "n.jsonl", [clinic_note(i) for i in range(60)])
    config = make(sources=[{"path": source, "attributes": {"note_type": "letter"}}], header_dropout=False)
    prepare(config, tmp_path / "out")
    tokenizer = load_tokenizer(tmp_path / "out" / "tokenizer")
    first = TokenShards(tmp_path / "out" / "tokens" / "train" / "n").document(0)
    assert tokenizer.decode(first.tolist()).startswith("<|note|>type: letter\n<|text|>")


@pytest.mark.parametrize(
    ("keys", "error", "problem"),
    [
        ({"sources": []}, UsageError, "key sources"),
        ({"sources": [{}]}, UsageError, "key sources.0: give either path or simulate"),
        (
            {"sources": [{"path": "a", "simulate": {"notes": 1}}]},
            UsageError,
            "give either path or simulate",
        ),
        (
            {"sources": [{"path": "a"}, {"path": "b/a.csv"}]},
            UsageError,
            "two are called a; give each a name",
        ),
        (
            {"sources": [{"path": "a"}, {"path": "b/A.csv"}]},
            UsageError,
            "two are called A; give each a name",
        ),
        (
            {"sources": [{"path": "b/my notes.csv"}]},
            UsageError,
            "sources: 'my notes' is no name for a folder: give the source a name",
        ),
        ({"sources": [{"path": "a", "name": "../a"}]}, UsageError, r"'\.\./a' is no name for a folder"),
        ({"sources": [{"path": ".hidden"}]}, UsageError, "'' is no name for a folder"),
        ({"tokenizer": {"from": "$NO_SUCH/m"}}, UsageError, "variable NO_SUCH is not set"),
        ({"tokenizer": {"from": "m", "vocabulary": 400}}, UsageError, "key tokenizer: give vocabulary"),
        ({"tokenizer": {"form": "m"}}, UsageError, "unknown key tokenizer.form: did you mean from?"),
        (
            {"tokenizer": {"from": "no-such"}},
            UsageError,
            r"tokenizer\.from: no-such has no tokenizer\.json",
        ),
        ({"sources": [{"path": "$NO_SUCH/a"}]}, UsageError, "variable NO_SUCH is not set"),
        ({"sources": [{"path": "a", "role": "language", "split": "test"}]}, UsageError, "test is gold"),
        ({"sources": [{"path": "a", "lables": {}}]}, UsageError, "did you mean labels"),
        (
            {"sources": [{"path": "missing.jsonl"}]},
            UsageError,
            r"sources\.0\.path: missing\.jsonl: no such",
        ),
        ({"splits": {"train": 0.5}}, UsageError, r"key splits: .* add up to 0\.7, not to 1"),
        ({"deid": None}, UsageError, "key deid: identifiers are left in by mode: none, spelled out"),
        ({"deid": False}, UsageError, "key deid: identifiers are left in"),
        ({"deid": {"detector": {"labels": ["NAMES"]}}}, UsageError, "NAMES is no label of identifiers"),
        ({"max_characters": 200, "min_characters": 150}, UsageError, "more than twice min_characters"),
        ({"tokenizer": {"vocabulary": 100}}, UsageError, r"key tokenizer\.vocabulary"),
        ({"min_characters": 299}, UsageError, r"splits\.\w+ is 0\.\d+: none of"),
    ],
)
def test_what_is_wrong_in_a_config_names_the_key(
    tmp_path: Path, keys: dict[str, Any], error: type[Exception], problem: str
) -> None:
    notes = [
        Note(f"n{i}", f"short note about {WORDS[i % 20]} number {i} and nothing else") for i in range(60)
    ]
    sources = [{"path": write_source(tmp_path / "n.jsonl", notes)}]
    with pytest.raises(error, match=problem):
        prepare(make(**{"sources": sources, **keys}), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["n.jsonl"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", r"n\.jsonl: holds no notes"),
        ('{"id": "a", "text": "x"}\n{"id":', r"n\.jsonl, line 2: not JSON"),
        (
            '{"id": "a", "text": "x", "entities": [{"start": 0, "end": 9, "label": "X"}]}',
            r"line 1: .*past the",
        ),
        ('{"id": "a", "text": "x", "entities": [{"start": 0, "end": 1, "label": "NAME"}]}', "splits"),
    ],
)
def test_what_is_wrong_in_a_file_leaves_nothing(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "n.jsonl").write_text(content)
    with pytest.raises((DataError, UsageError), match=problem):
        prepare(make(sources=[{"path": tmp_path / "n.jsonl"}]), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["n.jsonl"]


def test_an_entity_label_that_is_an_identifiers_is_refused(tmp_path: Path) -> None:
    notes = [clinic_note(i) for i in range(60)]
    bad = [
        Note(n.id, n.text, entities=tuple(Span(s.start, s.end, "NAME") for s in n.entities)) for n in notes
    ]
    source = write_source(tmp_path / "n.jsonl", bad)
    with pytest.raises(UsageError, match="NAME is the label of an identifier"):
        prepare(make(sources=[{"path": source}]), tmp_path / "out")


def test_sources_may_not_share_ids(tmp_path: Path) -> None:
    notes = [clinic_note(i) for i in range(80)]
    paths = [write_source(tmp_path / f"{name}.jsonl", notes) for name in ("a", "b")]
    with pytest.raises(DataError, match="source b has an id that another source has too"):
        prepare(make(sources=[{"path": path} for path in paths]), tmp_path / "out")
    prefixed = [{"path": path, "id_prefix": f"{path.stem}-"} for path in paths]
    manifest = prepare(make(sources=prefixed), tmp_path / "out")
    assert manifest.counts["dropped"]["exact_duplicate"] == 80


def test_paths_expand_variables_and_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTES", "/data/notes")
    monkeypatch.setenv("HOME", "/home/x")
    config = make(sources=[{"path": "$NOTES/a.csv"}, {"path": "~/${NOTES}/b.csv"}])
    assert [str(s.path) for s in config.sources] == [
        "/data/notes/a.csv",
        "/home/x//data/notes/b.csv".replace("//", "/"),
    ]


def write_config(folder: Path) -> Path:
    write_source(folder / "n.jsonl", [clinic_note(i) for i in range(60)])
    path = folder / "small.yaml"
    config = {"sources": [{"path": "n.jsonl"}], "splits": SPLITS, "tokenizer": {"vocabulary": 500}}
    path.write_text(yaml.safe_dump(config))
    return path


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(tmp_path)
    monkeypatch.chdir(tmp_path)
    dry = CliRunner().invoke(command, ["small.yaml", "--dry-run"])
    assert dry.exit_code == 0
    assert dry.stdout.startswith("n: 60 of 60 notes, ")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["n.jsonl", "small.yaml"]
    run = CliRunner().invoke(command, ["small.yaml", "sources.0.limit=50"])
    assert run.exit_code == 0
    assert run.stdout.endswith(f"corpus: {Path('runs/small/corpus')}\n")
    assert "found 50.0% of the 100 identifiers that the sources mark" in run.stdout
    read_manifest(tmp_path / "runs" / "small" / "corpus", "corpus", verify=True)
    again = CliRunner().invoke(command, ["small.yaml"])
    assert isinstance(again.exception, FolderError)
    over = CliRunner().invoke(command, ["small.yaml", "--overwrite", "deid.mode=none"])
    assert over.exit_code == 0
    assert "source n: deid is none, identifiers stay in the corpus" in over.stderr


def clinsynth(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clinsynth.cli", "prepare", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_wrong_input_is_one_line(tmp_path: Path) -> None:
    write_config(tmp_path)
    for arguments, code, line in (
        (["none.yaml"], 2, "error: none.yaml: No such file or directory"),
        (["small.yaml", "sorces=[]"], 2, "error: small.yaml: unknown key sorces: did you mean sources?"),
        (
            ["small.yaml", "sources.0.path=x.jsonl"],
            2,
            "error: sources.0.path: x.jsonl: no such file or folder",
        ),
        (
            ["small.yaml", "sources.0.fields={sex: gender}"],
            3,
            "error: n.jsonl: no row has gender (fields.sex)",
        ),
    ):
        run = clinsynth(tmp_path, *arguments)
        assert run.returncode == code
        assert run.stderr.strip().splitlines()[-1] == line
        assert "Traceback" not in run.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["n.jsonl", "small.yaml"]


@pytest.mark.parametrize("name", ["demo", "mtsamples"])
def test_our_configs_explain_every_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ROOT / "configs" / "corpus" / f"{name}.yaml"
    monkeypatch.chdir(ROOT)
    config = load_config(path, PrepareConfig)
    assert config.out == Path(f"runs/{name}/corpus")
    explained = [key for key in PrepareConfig.model_fields if f"\n{key}:" in path.read_text()]
    assert explained == list(PrepareConfig.model_fields)


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there: public data")
def test_public_notes_go_the_whole_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    small = [f"sources.{i}.limit={n}" for i, n in enumerate((20, 10, 60, 60))]
    path = ROOT / "configs" / "corpus" / "mtsamples.yaml"
    # Its model takes a quarter of an hour to train: tests/deid/ner has models.
    small += ["deid.workers=1", "deid.detector.ner=null"]
    manifest = prepare(load_config(path, PrepareConfig, small), tmp_path / "out")
    assert manifest.counts["splits"]["test"]["labelled"] > 10
    assert manifest.counts["tokens"]["entity_labels"] == ["PROBLEM", "TEST", "TREATMENT"]
    assert set(manifest.counts["splits"]["test"]["sources"]) == {"maccrobat-dev"}
    for name in ("train", "valid", "holdout"):
        assert manifest.counts["splits"][name]["notes"] > 0
    for note in read_notes(tmp_path / "out"):
        assert len(note.text) <= 1300 or len(note.entities) + len(note.phi) > 0


def test_gzipped_sources_have_the_hash_of_their_file(tmp_path: Path) -> None:
    lines = "".join(json.dumps(to_dict(clinic_note(i))) + "\n" for i in range(60))
    (tmp_path / "n.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    manifest = prepare(make(sources=[{"path": tmp_path / "n.jsonl.gz"}]), tmp_path / "out")
    assert list(manifest.counts["sources"]) == ["n"]
    assert len(manifest.inputs[str(tmp_path / "n.jsonl.gz")]) == 64


def test_simulated_notes_need_no_file(tmp_path: Path) -> None:
    config = load_config(
        ROOT / "configs" / "corpus" / "demo.yaml", PrepareConfig, ["sources.0.simulate.notes=150", "seed=3"]
    )
    manifest = prepare(config, tmp_path / "out")
    assert manifest.inputs == {}
    assert manifest.seeds == {"prepare": 3, "simulate.simulated": 3}
    assert manifest.counts["sources"]["simulated"]["labelled"] == 150
    raw = {note.id: note for note in simulate_notes(150, 3)}
    planted = found = 0
    for note in read_notes(tmp_path / "out"):
        original = raw[note.provenance.get(PIECE_OF, note.id)]
        for span in original.phi:
            planted += 1
            # Long values only: the letters of a short one stand in other words too.
            value = original.text[span.start : span.end]
            found += len(value) > 9 and value in note.text
    assert planted > 1_000
    assert found == 0
