"""Bytes that autograd saves for the gradient of one micro-batch, by the trainer's own layers in one process.

    python saved_bytes.py RUN.yaml...

Prints a JSON list, an entry a run. Each storage is counted once; parameters are not counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.update(RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", GLOO_SOCKET_IFNAME="lo", DS_ACCELERATOR="cpu")


def main():
    from clinsynth.config import load_config
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import RENDEZVOUS, Place, joined

    with tempfile.TemporaryDirectory() as folder:
        os.environ[RENDEZVOUS] = str(Path(folder) / "rendezvous")
        with joined(Place(0, 1, 0)):
            found = [saved_bytes(load_config(Path(path), TrainConfig)) for path in sys.argv[1:]]
    print(json.dumps(found))


def saved_bytes(config):
    import torch

    from clinsynth.train.data import open_batches
    from clinsynth.train.pipeline import build
    from clinsynth.train.settings import model_settings

    family, settings = model_settings(config)
    network = build(config, family, family.config(settings))
    ((ids, segments), target), *_ = open_batches(config, 0).step(0)[0]
    # One document a row: on a CPU each is filled up to whole tiles, which a plan cannot know.
    inputs = (ids, torch.zeros_like(segments))
    parameters = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    saved = {}

    def pack(tensor):
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16"),
    ):
        loss = network.loss_fn(network(inputs), target)
    assert loss.requires_grad
    return sum(storage.nbytes() for place, storage in saved.items() if place not in parameters)


if __name__ == "__main__":
    main()
