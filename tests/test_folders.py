"""Folders appear whole or not at all, and say what is in them."""

import json
from pathlib import Path

import pytest

from clinsynth import folders
from clinsynth.errors import FolderError
from clinsynth.folders import FORMATS, Manifest, input_sha256, new_folder, read_manifest


def make_folder(path: Path, text: str = "one", *, overwrite: bool = False) -> None:
    with new_folder(path, Manifest("corpus", seeds={"a": 1}), overwrite=overwrite) as inside:
        (inside / "sub").mkdir()
        (inside / "sub" / "file.txt").write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_folder_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "out"
    manifest = Manifest("corpus")
    with new_folder(path, manifest) as inside:
        (inside / "file.txt").write_text("x")
        manifest.counts["notes"] = 1
        assert not path.exists()
        assert inside.parent == path.parent  # the same disk: renaming is atomic
    assert names(path) == ["file.txt", "manifest.json"]
    assert names(path.parent) == ["out"]
    read = read_manifest(path, "corpus", verify=True)
    assert read.counts == {"notes": 1}
    assert list(read.files) == ["file.txt"]
    assert read.libraries["python"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_when_the_work_fails(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "runs" / "new" / "out", Manifest("corpus")) as inside:
            (inside / "file.txt").write_text("x")
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == []


def test_an_old_folder_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    make_folder(tmp_path / "out")

    def fail() -> None:
        with new_folder(tmp_path / "out", Manifest("corpus"), overwrite=True):
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert (tmp_path / "out" / "sub" / "file.txt").read_text() == "one"
    make_folder(tmp_path / "out", "two", overwrite=True)
    assert (tmp_path / "out" / "sub" / "file.txt").read_text() == "two"
    assert names(tmp_path) == ["out"]


def test_what_stands_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    make_folder(tmp_path / "out")
    with pytest.raises(FolderError, match="out exists: choose another place or pass --overwrite"):
        make_folder(tmp_path / "out")
    (tmp_path / "empty").mkdir()
    make_folder(tmp_path / "empty")


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_overwriting_spares_what_is_not_ours(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "home"
    if kind == "folder":
        path.mkdir()
        (path / "thesis.txt").write_text("x")
    else:
        path.write_text("x")
    with pytest.raises(FolderError, match=r"has no manifest\.json, so it is not overwritten"):
        make_folder(path, overwrite=True)
    assert (path / "thesis.txt" if kind == "folder" else path).read_text() == "x"


def test_a_link_is_replaced_and_not_what_it_points_to(tmp_path: Path) -> None:
    make_folder(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    make_folder(tmp_path / "link", "two", overwrite=True)
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "sub" / "file.txt").read_text() == "one"


def change(path: Path, **values: object) -> None:
    raw = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**raw, **values}))


def test_what_is_wrong_with_a_folder_is_told(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(FolderError, match="out: no such folder"):
        read_manifest(path, "corpus")
    path.mkdir()
    with pytest.raises(FolderError, match=r"out has no manifest\.json: it is not a corpus folder"):
        read_manifest(path, "corpus")
    make_folder(path)
    with pytest.raises(FolderError, match="is a corpus folder, not a model folder"):
        read_manifest(path, "model")
    change(path, format_version=99)
    with pytest.raises(FolderError, match="has format version 99"):
        read_manifest(path, "corpus")
    change(path, format_version=1)
    with pytest.raises(
        FolderError, match="out was written by an older release: run clinsynth prepare again"
    ):
        read_manifest(path, "corpus")
    change(path, format_version=FORMATS["corpus"][0], surprise=1)
    with pytest.raises(FolderError, match="damaged: it has other keys"):
        read_manifest(path, "corpus")
    (path / "manifest.json").write_text("{")
    with pytest.raises(FolderError, match="is not JSON: the folder is damaged"):
        read_manifest(path, "corpus")
    (path / "manifest.json").write_text("[]")
    with pytest.raises(FolderError, match="is a None folder"):
        read_manifest(path, "corpus")


def test_changed_and_missing_files_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "out"
    make_folder(path)
    (path / "sub" / "file.txt").write_text("two")
    read_manifest(path, "corpus")  # without verify only the names are looked at
    with pytest.raises(FolderError, match=r"file\.txt does not match its checksum"):
        read_manifest(path, "corpus", verify=True)
    (path / "sub" / "file.txt").unlink()
    with pytest.raises(FolderError, match=r"file\.txt is missing: the manifest lists it"):
        read_manifest(path, "corpus")


def test_hashes_of_inputs_change_with_content_and_name(tmp_path: Path) -> None:
    for folder, name, text in (("a", "f", "x"), ("b", "f", "x"), ("c", "f", "y"), ("d", "g", "x")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    a, b, c, d = (input_sha256(tmp_path / name) for name in "abcd")
    assert a == b
    assert len({a, c, d, input_sha256(tmp_path / "a" / "f")}) == 4
    make_folder(tmp_path / "out")
    assert input_sha256(tmp_path / "out") == folders.file_sha256(tmp_path / "out" / "manifest.json")


def test_json_is_for_people_and_refuses_numbers_that_are_none(tmp_path: Path) -> None:
    folders.write_json(tmp_path / "a.json", {"ä": 1})
    assert (tmp_path / "a.json").read_text("utf-8") == '{\n  "ä": 1\n}\n'
    with pytest.raises(ValueError):
        folders.write_json(tmp_path / "b.json", {"loss": float("nan")})
