import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinsynth.checkpoint.tensors import INDEX, SINGLE, ShardWriter, TensorFolder, finish_shards
from clinsynth.errors import FolderError


def write(folder, tensors, writers=1, max_bytes=10**9):
    shards = []
    for number in range(writers):
        writer = ShardWriter(folder, f"stage-{number:04}", max_bytes)
        for i, (name, tensor) in enumerate(tensors.items()):
            if i % writers == number:
                writer.add(name, tensor)
        writer.flush()
        shards += writer.shards
    finish_shards(folder, shards)


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=12),
    writers=st.integers(1, 3),
    max_bytes=st.sampled_from([1, 100, 10**9]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path_factory, sizes, writers, max_bytes):
    folder = tmp_path_factory.mktemp("model")
    tensors = {f"layer.{i}": torch.arange(size * 2.0).view(size, 2) + i for i, size in enumerate(sizes)}
    write(folder, tensors, writers, max_bytes)
    found = TensorFolder(folder)
    assert set(found) == set(tensors)
    assert len(found) == len(tensors)
    for name, tensor in tensors.items():
        assert torch.equal(found.get(name), tensor)
        assert torch.equal(found.get(name, slice(0, 1)), tensor[:1])
    files = list(folder.glob("*.safetensors"))
    assert all(file.stat().st_mode & 0o777 == 0o644 for file in files)
    assert (folder / SINGLE).exists() == (len(files) == 1) != (folder / INDEX).exists()
    assert not list(folder.glob(".*")), "temporary names are gone"


def test_a_transposed_tensor_is_written_as_it_reads(tmp_path):
    tensor = torch.arange(6.0).view(2, 3).t()
    write(tmp_path, {"weight": tensor})
    assert torch.equal(TensorFolder(tmp_path).get("weight"), tensor)


def test_a_missing_tensor_is_named(tmp_path):
    write(tmp_path, {"a": torch.ones(1)})
    assert "a" in TensorFolder(tmp_path)
    assert "b" not in TensorFolder(tmp_path)
    with pytest.raises(FolderError, match="has no tensor b"):
        TensorFolder(tmp_path).get("b")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "has neither model.safetensors nor"),
        ({SINGLE: "not tensors"}, "is damaged"),
        ({INDEX: "{"}, "is damaged"),
        ({INDEX: "{}"}, "is damaged"),
        ({INDEX: '{"weight_map": {"a": "model-00001-of-00002.safetensors"}}'}, "is missing"),
    ],
)
def test_a_damaged_folder_is_named(tmp_path, files, problem):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(FolderError, match=problem):
        TensorFolder(tmp_path)
