"""One run from the command line to the page, with the real encoder, detector and index."""

import json
import re
import sys
from html.parser import HTMLParser

import pytest
from tests.measure.handmade import handmade_notes, write_corpus, write_export

from clinsynth.cli.main import main
from clinsynth.corpus import Note
from clinsynth.folders import read_manifest
from clinsynth.measure import read_results
from clinsynth.report import render

CONFIG = """\
tasks: [ner_parity, identifiers, copied_spans, descriptive]
show_notes: 2
parameters:
  ner_parity:
    max_words: 1500
    fine_tuning: {epochs: 2, learning_rate: 1e-3, frozen_layers: 4}
"""


def run(capsys, *arguments):
    """Exit code, standard output and standard error of ``clinsynth``."""
    before = sys.argv
    sys.argv = ["clinsynth", *map(str, arguments)]
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = before
    found = capsys.readouterr()
    return code, found.out, found.err


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_corpus(folder / "corpus", *(handmade_notes(n, n) for n in (50, 12, 10)))
    planted = Note("planted", "Call (617) 555-0143 & ask <b>who</b>.")
    write_export(folder / "export", [planted, *handmade_notes(30, 3)])
    (folder / "eval.yaml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def report(place):
    out = place / "report"
    before, sys.argv = sys.argv, [
        "clinsynth", "eval", "run", "--config", str(place / "eval.yaml"), "--real", str(place / "corpus"),
        "--synthetic", str(place / "export"), "--output_path", str(out), "--seed", "5",
    ]  # fmt: skip
    try:
        main()
    finally:
        sys.argv = before
    return out


@pytest.mark.slow
def test_the_folder_is_whole_and_says_what_was_run(report):
    manifest = read_manifest(report, "report", verify=True)
    assert set(manifest.files) == {"results.json", "report.html"}
    assert manifest.seeds == {"eval": 5}
    assert manifest.config["parameters"]["ner_parity"]["max_words"] == 1500
    assert set(manifest.inputs) == {"real", "synthetic"}


@pytest.mark.slow
def test_results_keep_the_contract(report):
    results = read_results(report)
    tasks = {"ner_parity", "identifiers", "copied_spans", "descriptive"}
    for key in (
        "results",
        "versions",
        "higher_is_better",
        "n-samples",
        "configs",
        "task_hashes",
        "details",
    ):
        assert set(results[key]) == tasks, key
    parity = results["results"]["ner_parity"]
    assert 0 < parity["f1_strict,real"] <= 1
    assert parity["f1_strict_stderr,real"] > 0
    assert results["higher_is_better"]["ner_parity"]["f1_strict"] is True
    interval = results["intervals"]["ner_parity"]["f1_strict_difference,synthetic"]
    assert interval["low"] <= parity["f1_strict_difference,synthetic"] <= interval["high"]
    assert results["n-samples"]["identifiers"] == {"original": 31, "effective": 31}
    assert float(results["total_evaluation_time_seconds"]) > 0
    for task, numbers in results["results"].items():
        promised = {entry["metric"] for entry in results["configs"][task]["metric_list"]}
        found = {k.split(",")[0].removesuffix("_stderr") for k in numbers if k != "alias"}
        assert found <= promised


@pytest.mark.slow
def test_every_key_of_the_results_is_documented(report):
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "results-json.md").read_text()
    results = json.loads((report / "results.json").read_text())
    missing = [key for key in results if f"`{key}`" not in page]
    metrics = {e["metric"] for c in results["configs"].values() for e in c["metric_list"]}
    missing += [metric for metric in metrics if f"`{metric}`" not in page]
    assert not missing


class Tags(HTMLParser):
    """Open elements, ids, and attributes that could fetch something."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.seen = [], [], [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [v for k, v in attrs if k == "id"]
        self.links += [v for k, v in attrs if k in ("href", "src", "srcset", "action", "data", "poster")]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.slow
def test_the_page_fetches_nothing_and_is_well_formed(report):
    page = (report / "report.html").read_text("utf-8")
    parsed = Tags()
    parsed.feed(page)
    assert parsed.open == []
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert parsed.links
    assert all(link.startswith("#") for link in parsed.links)
    assert {link[1:] for link in parsed.links} <= set(parsed.ids)
    assert not parsed.seen & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"https?:|//[a-z]|@import|@font-face", page)
    assert re.findall(r"url\(([^)]*)\)", page) == [
        u for u in re.findall(r"url\(([^)]*)\)", page) if u[0] == "#"
    ]
    # every colour is the page's own: a literal one would vanish in the dark
    svgs = " ".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert svgs.count("<svg") >= 6
    assert set(re.findall(r"(?:fill|stroke): (#\w+)", svgs)) <= {"#ffffff", "#000000"}


@pytest.mark.slow
def test_the_verdict_comes_first_with_its_interval_and_limits(report):
    page = (report / "report.html").read_text("utf-8")
    top = page[page.index("<main>") : page.index("<nav>")]
    for words in ("Utility", "Identifiers", "Copied text", "95% interval", "does not prove equality"):
        assert words in top
    results = read_results(report)["results"]
    assert f"{100 * results['ner_parity']['f1_strict,synthetic']:.1f} %" in top
    assert f">{results['identifiers']['undeclared,synthetic']:.0f}<" in top


@pytest.mark.slow
def test_note_text_is_shown_only_when_asked_and_escaped(report):
    page = (report / "report.html").read_text("utf-8")
    assert "Call (617) 555-0143 &amp; ask &lt;b&gt;who&lt;/b&gt;." in page
    plain = render(read_results(report))
    assert "555-0143" not in plain
    assert 'id="notes"' not in plain
    results = (report / "results.json").read_text()
    assert "555-0143" not in results
    assert not any(note.text[:40] in results + plain for note in handmade_notes(30, 3))


@pytest.mark.slow
def test_the_same_results_make_the_same_page(report):
    results = read_results(report)
    assert render(results) == render(results)


@pytest.mark.slow
def test_compare(report, place, capsys, tmp_path):
    code, out, _ = run(capsys, "eval", "compare", report, report / "results.json")
    assert code == 0
    assert "| ner_parity | f1_strict | real |" in out
    assert "*" not in out
    changed = read_results(report)
    changed["task_hashes"]["copied_spans"] = "other"
    del changed["results"]["descriptive"]
    (tmp_path / "results.json").write_text(json.dumps(changed))
    code, out, _ = run(capsys, "eval", "compare", report, tmp_path)
    assert code == 0
    assert "| copied_spans* | copied_word_share | synthetic |" in out
    assert re.search(r"\| descriptive \| words_per_note \| real \| [\d.]+ \| - \| - \|", out)
    assert "these are two questions" in out


def test_ls_and_validate(capsys, place):
    code, out, _ = run(capsys, "eval", "ls")
    assert code == 0
    assert "| ner_parity | 1 | utility | Is a model" in out
    code, out, _ = run(capsys, "eval", "validate", "--config", place / "eval.yaml")
    assert code == 0
    assert out.count("fine") == 4


@pytest.mark.parametrize("name", ["demo", "mtsamples"])
def test_the_configs_of_the_repository_are_valid(capsys, name):
    from pathlib import Path

    config = Path(__file__).parents[2] / "configs" / "eval" / f"{name}.yaml"
    code, out, err = run(capsys, "eval", "validate", "--config", config)
    assert (code, err) == (0, "")
    assert "ner_parity version 1: fine" in out


BAD = {
    "no real": (["--synthetic", "{export}", "--output_path", "{out}"], 2, "--real is missing"),
    "no such folder": (
        ["--real", "{export}/nowhere", "--synthetic", "{export}", "--output_path", "{out}"],
        2,
        "no such file or folder",
    ),
    "unknown task": (["--tasks", "ner_parity,copied_span"], 2, "did you mean copied_spans"),
    "task twice": (["--tasks", "identifiers,identifiers"], 2, "a task is named twice"),
    "unknown key": (["--config", "{yaml}", "taks=1"], 2, "unknown key taks: did you mean tasks"),
    "parameters of no task": (
        ["--config", "{yaml}", "parameters.ner_party={{seeds: 1}}"],
        2,
        "parameters.ner_party: no such task: copied_spans",
    ),
    "override of no key": (["sed=3"], 2, "sed"),
    "output taken": (
        ["--real", "{corpus}", "--synthetic", "{export}", "--output_path", "{corpus}"],
        4,
        "exists: choose another place or pass --overwrite",
    ),
    "a corpus as export": (
        ["--real", "{corpus}", "--synthetic", "{corpus}", "--output_path", "{out}"],
        4,
        "is a corpus folder, not",
    ),
    "gold without entities": (
        ["--real", "{corpus}", "--synthetic", "{export}", "--output_path", "{out}", "--tasks", "ner_parity",
         "--test", "{plain}"],
        3,
        "has entities: the gold notes must be labelled",
    ),
    "compare nothing": (None, 4, "no such file"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_line_and_leaves_nothing(capsys, place, tmp_path, case):
    arguments, code, message = BAD[case]
    plain = place / "plain.jsonl"
    plain.write_text('{"id": "a", "text": "No labels here."}\n')
    names = {
        "corpus": place / "corpus", "export": place / "export", "out": tmp_path / "out",
        "yaml": place / "eval.yaml", "plain": plain,
    }  # fmt: skip
    if arguments is None:
        found, _, err = run(capsys, "eval", "compare", tmp_path, tmp_path)
    else:
        found, _, err = run(capsys, "eval", "run", *(a.format(**names) for a in arguments))
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert found == code
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
