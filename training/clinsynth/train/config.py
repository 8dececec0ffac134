"""What a training run is made of: one YAML file, every key checked before any process starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from clinsynth.config import Config
from clinsynth.train.lora.config import LoraConfig
from clinsynth.train.presets import PRESETS

# How many times the smallest learning rate may be below the peak is a share, not a rate.
Share = float


def _fast_precision(given: Any) -> Any:
    """``auto`` -> what this machine computes faster; the resolved config, and so the card, says which."""
    if given != "auto":
        return given
    import torch

    from clinsynth.tagging.tagger import fast_bfloat16

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return "bf16" if fast_bfloat16(device) else "fp32"


Precision = Annotated[Literal["bf16", "fp32"], BeforeValidator(_fast_precision)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ShapeConfig(Config):
    """The shape of a model trained from scratch; the vocabulary comes from the corpus's tokenizer.

    Args:
        architecture: a family of ``clinsynth.train.families`` (``llama``, ``qwen3``, ``gpt2``, ...).
        kv_heads: key and value heads; fewer than ``heads`` is grouped-query attention.
        intermediate_size: width of the MLP; when left out 8/3 of the width, for GPT-2 and GPT-NeoX 4 times.
        tied: the output layer is the embedding.
    """

    architecture: str
    hidden_size: int = Field(ge=1)
    layers: int = Field(ge=1)
    heads: int = Field(ge=1)
    kv_heads: int | None = Field(default=None, ge=1)
    intermediate_size: int | None = Field(default=None, ge=1)
    tied: bool = True
    initializer_range: float = Field(default=0.02, gt=0)

    @model_validator(mode="after")
    def _known_and_divisible(self) -> Self:
        from clinsynth.train.families import names

        if self.architecture not in names():
            raise ValueError(f"architecture is {self.architecture!r}: known are {', '.join(names())}")
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is not a multiple of heads {self.heads}")
        if self.kv_heads and self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")
        return self


class LayoutConfig(Config):
    """Processes by axis; tp * pp * dp of them are started.

    Args:
        tp: tensor parallel: each layer is split over this many processes.
        pp: pipeline stages: the layers are dealt out to this many groups.
        dp: data parallel: copies that share a batch.
        zero: what the copies split among them: 0 nothing, 1 the optimizer's state, 2 the gradients too,
            3 the weights too. Only 1 goes with pp, and goes on from a checkpoint of another layout; 0 goes
            with neither tp nor pp.
        oversubscribe: start more processes than there are cores. For tests of a layout.
    """

    tp: int = Field(default=1, ge=1)
    pp: int = Field(default=1, ge=1)
    dp: int = Field(default=1, ge=1)
    zero: int = Field(default=1, ge=0, le=3)
    oversubscribe: bool = False

    @property
    def processes(self) -> int:
        """How many processes the layout has."""
        return self.tp * self.pp * self.dp

    @property
    def piped(self) -> bool:
        """Whether a pipeline trains it, which goes with ZeRO-1 alone."""
        return self.zero == 1

    @property
    def axes(self) -> dict[str, int]:
        """What a checkpoint's files are dealt out by."""
        return {"tp": self.tp, "pp": self.pp, "dp": self.dp, "zero": self.zero}


class BatchConfig(Config):
    """What one optimizer step sees.

    Args:
        rows: rows of ``context`` tokens a step, over all data-parallel copies.
        micro_rows: rows that go through the model at once on one copy; the rest is accumulated, and fills
            the pipeline.
    """

    rows: int = Field(default=16, ge=1)
    micro_rows: int = Field(default=16, ge=1)


class OptimizerConfig(Config):
    """AdamW with a linear warm-up. Norms and biases are not decayed.

    Args:
        lr: peak learning rate.
        schedule: what follows the warm-up: half a cosine down, ``wsd`` (the peak, then a decay), or the
            peak.
        warmup_steps: steps from 0 to the peak.
        decay_share: share of the steps after the warm-up that ``wsd`` decays over, the last ones.
        decay_shape: of that decay.
        final_lr: share of the peak at the last step; not of a constant schedule.
        clip: largest norm of the gradient over the whole model.
    """

    lr: float = Field(default=1e-3, gt=0)
    schedule: Literal["cosine", "wsd", "constant"] = "cosine"
    warmup_steps: int = Field(default=50, ge=0)
    decay_share: Share = Field(default=0.2, gt=0, le=1)
    decay_shape: Literal["1-sqrt", "linear"] = "1-sqrt"
    final_lr: Share = Field(default=0.1, ge=0, le=1)
    weight_decay: float = Field(default=0.1, ge=0)
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.95, ge=0, lt=1)
    eps: float = Field(default=1e-8, gt=0)
    clip: float = Field(default=1.0, gt=0)


class ValidationConfig(Config):
    """The loss on rows of the corpus's valid split; ``every_steps: 0`` measures it at the end only."""

    every_steps: int = Field(default=100, ge=0)
    rows: int = Field(default=64, ge=1)


class CheckpointConfig(Config):
    """What a run that dies can go on from; whichever of steps and minutes comes first. 0 is never.

    A run that is asked to stop and the last step leave a checkpoint in any case.

    Args:
        keep: how many of the newest to keep.
    """

    every_steps: int = Field(default=200, ge=0)
    every_minutes: float = Field(default=15, ge=0)
    keep: int = Field(default=2, ge=1)


class GuardConfig(Config):
    """Stops the run when its loss stays far above what was usual (see ``clinsynth.train.guard``).

    A loss or a gradient that is no number stops the run in any case.

    Args:
        spike: robust standard deviations of the loss's logarithm that make a spike; None lets every loss
            pass.
        window: how many of the last losses say what is usual.
        patience: spikes in a row that stop the run.
    """

    spike: float | None = Field(default=6.0, gt=0)
    window: int = Field(default=128, ge=8)
    patience: int = Field(default=8, ge=1)


class TrainConfig(Config):
    """A training run.

    Args:
        name: what the model is called in its card.
        corpus: corpus folder, as ``clinsynth prepare`` writes it.
        out: model folder to write.
        run: where checkpoints, metrics and logs go; ``train`` beside ``out`` when left out.
        model: a preset's name, or a shape of your own.
        init_from: a Hugging Face folder to continue instead of starting from scratch.
        mixture: weight of each source of the corpus: its share of the rows of every step. Every source is
            named, 0 leaves one out. None: by their tokens, so that all are seen equally often.
        lora: train an adapter of ``init_from``, which itself stays as it is.
        context: tokens a row.
        steps: optimizer steps.
        dropout: probability at every place where the architecture has dropout: attention, and for GPT-2 and
            GPT-NeoX embeddings and what adds to the residual stream.
        precision: ``bf16`` computes in bfloat16 and keeps weights, gradients and optimizer in float32;
            ``auto`` is that where the machine has instructions for it, else ``fp32``.
        activation_checkpointing: keep only the input of each block and compute the rest again: less memory,
            a third more time.
        trackers: what shows the run's numbers besides ``metrics.jsonl``.
        resume: ``auto`` goes on from the newest checkpoint of the run, a checkpoint's name from that one;
            ``never`` starts anew. Checkpoints after the one that the run goes on from are removed.
        seed: of the weights and of the order of the rows.
    """

    name: str = Field(min_length=1)
    corpus: Path
    out: Path
    run: Path | None = None
    model: ShapeConfig | str | None = None
    init_from: Path | None = None
    mixture: dict[str, Weight] | None = None
    lora: LoraConfig | None = None
    context: int = Field(default=512, ge=8)
    steps: int = Field(ge=1)
    layout: LayoutConfig = LayoutConfig()
    batch: BatchConfig = BatchConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    dropout: float = Field(default=0.0, ge=0, lt=1)
    precision: Precision = "bf16"
    activation_checkpointing: bool = False
    validation: ValidationConfig = ValidationConfig()
    checkpoints: CheckpointConfig = CheckpointConfig()
    guard: GuardConfig = GuardConfig()
    trackers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ("tensorboard",)
    resume: str = "auto"
    seed: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.model is None) == (self.init_from is None):
            raise ValueError("give model (from scratch) or init_from (continue a model), one of the two")
        if isinstance(self.model, str) and self.model not in PRESETS:
            raise ValueError(f"model is {self.model!r}: presets are {', '.join(PRESETS)}; or give a shape")
        return self

    @model_validator(mode="after")
    def _adapts_a_model(self) -> Self:
        if self.lora is None:
            for axis in {0: ("tp", "pp"), 1: ()}.get(self.layout.zero, ("pp",)):
                if (size := getattr(self.layout, axis)) > 1:
                    raise ValueError(
                        f"layout.{axis} is {size}, but layout.zero {self.layout.zero} goes with 1 only"
                    )
            return self
        if self.init_from is None:
            raise ValueError(
                "lora adapts an existing model: name its folder in init_from, and leave model out"
            )
        for axis in ("tp", "pp"):
            if (size := getattr(self.layout, axis)) > 1:
                raise ValueError(
                    f"layout.{axis} is {size}: lora goes with tp 1 and pp 1; share the model out over "
                    "layout.dp copies with layout.zero=3 instead"
                )
        return self

    @model_validator(mode="after")
    def _batch_divides(self) -> Self:
        rows, micro, dp = self.batch.rows, self.batch.micro_rows, self.layout.dp
        if rows % (micro * dp):
            raise ValueError(
                f"batch.rows {rows} is not a multiple of batch.micro_rows x layout.dp ({micro} x {dp})"
            )
        return self

    @property
    def shape(self) -> ShapeConfig | None:
        """The shape to train from scratch, with a preset's name looked up; None when continuing a model."""
        return ShapeConfig(**PRESETS[self.model]) if isinstance(self.model, str) else self.model

    @property
    def folder(self) -> Path:
        """Where checkpoints, metrics and logs go."""
        return self.run if self.run is not None else self.out.parent / "train"

    @property
    def micro_batches(self) -> int:
        """Micro-batches a step on one data-parallel copy: the steps of gradient accumulation."""
        return self.batch.rows // (self.batch.micro_rows * self.layout.dp)

    def must_match(self) -> dict[str, Any]:
        """What has to be the same for a checkpoint to be of this run, by key."""
        shape = self.shape
        return {
            "model": None if shape is None else shape.model_dump(),
            "init_from": None if self.init_from is None else str(self.init_from),
            "mixture": self.mixture,
            "lora": None if self.lora is None else self.lora.model_dump(mode="json", exclude={"merge"}),
            "context": self.context,
            "batch.rows": self.batch.rows,
            "seed": self.seed,
        }
