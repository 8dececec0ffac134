"""What is planned: a model that reads so many tokens, and a layout of processes that could do it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from clinsynth.errors import UsageError
from clinsynth.train.families import family_of, names
from clinsynth.train.plan.anatomy import Anatomy, anatomy_of

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Layout:
    """How a run is dealt out.

    Args:
        zero: stage of ZeRO: 1 shares out the optimizer, 2 the gradients too, 3 the weights too.
        micro_rows: rows that go through the model at once on one copy.
        checkpointing: only the input of each block is kept; the rest is computed again.
    """

    tp: int
    pp: int
    dp: int
    zero: int = 1
    micro_rows: int = 1
    checkpointing: bool = False

    @property
    def gpus(self) -> int:
        """Processes, each on a GPU of its own."""
        return self.tp * self.pp * self.dp

    @property
    def name(self) -> str:
        """``tp 8, pp 1, dp 70``."""
        return f"tp {self.tp}, pp {self.pp}, dp {self.dp}"


@dataclass(frozen=True, slots=True)
class Job:
    """A run whatever its layout.

    Args:
        rows: rows of ``context`` tokens a step.
        precision: what matrices are multiplied in; weights are float32 in any case.
        divisors: sizes that ``tp`` must divide, by name.
    """

    anatomy: Anatomy
    context: int
    rows: int
    steps: int
    precision: Literal["bf16", "fp32"]
    divisors: tuple[tuple[str, int], ...]

    @property
    def step_tokens(self) -> int:
        """Tokens a step."""
        return self.rows * self.context

    @property
    def tokens(self) -> int:
        """Tokens of the whole run, padding of the rows among them."""
        return self.steps * self.step_tokens

    @property
    def compute_bytes(self) -> int:
        """Bytes of a number that is computed with."""
        return 2 if self.precision == "bf16" else 4

    def micro_tokens(self, layout: Layout) -> int:
        """Tokens of a micro-batch on one copy."""
        return layout.micro_rows * self.context

    def micro_batches(self, layout: Layout) -> int:
        """Micro-batches a step on one copy."""
        return self.rows // (layout.micro_rows * layout.dp)

    def misfit(self, layout: Layout) -> str | None:
        """Why the layout cannot be built for this model and batch; None when it can."""
        for name, size in self.divisors:
            if size % layout.tp:
                return f"tp {layout.tp} does not divide {name} {size:,}"
        if layout.pp > self.anatomy.layers:
            return f"pp {layout.pp} is more than the {self.anatomy.layers} layers"
        if layout.zero != 1 and layout.pp > 1:
            return f"ZeRO-{layout.zero} goes with pp 1 only"
        if self.rows % layout.dp:
            return f"dp {layout.dp} does not divide batch.rows {self.rows:,}"
        if self.rows % (layout.micro_rows * layout.dp):
            return (
                f"dp {layout.dp} x micro_rows {layout.micro_rows} does not divide batch.rows {self.rows:,}"
            )
        return None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How many tokens there are, and who says so."""

    size: int
    source: str


def read_vocabulary(config: TrainConfig, given: int | None) -> Vocabulary:
    """The vocabulary: as given, else the corpus's, else that of the model that is continued.

    Raises:
        UsageError: none of the three is there.
        FolderError: the corpus's tokenizer is damaged.
    """
    if given is not None:
        return Vocabulary(given, "given")
    if (config.corpus / "tokenizer").is_dir():
        from clinsynth.tokens.tokenizer import load_tokenizer

        size = load_tokenizer(config.corpus / "tokenizer").vocabulary_size
        return Vocabulary(size, f"of {config.corpus}")
    if config.init_from is not None:
        return Vocabulary(int(_settings(config.init_from)["vocab_size"]), f"of {config.init_from}")
    raise UsageError(
        f"corpus: {config.corpus} is not there yet: say how many tokens it will have, --vocabulary 50257"
    )


def job_of(config: TrainConfig, vocabulary: int) -> Job:
    """The run of a config.

    Raises:
        UsageError: the architecture is not known, the shape is wrong for it, or its positions are too few.
        FolderError: ``init_from`` has no config.
    """
    if config.lora is not None:
        raise UsageError("lora: a plan counts training of the whole model; adapters are not planned yet")
    if config.layout.zero == 0:
        raise UsageError("layout.zero is 0: a plan counts ZeRO-1, 2 and 3")
    if config.shape is not None:
        architecture = config.shape.architecture
        settings = family_of(architecture).settings(config.shape, vocabulary, config.context)
    else:
        assert config.init_from is not None
        settings = {**_settings(config.init_from), "vocab_size": vocabulary}
        architecture = settings.pop("model_type", "")
        if architecture not in names():
            raise UsageError(
                f"init_from: a plan can count models of type {', '.join(names())}, not {architecture!r}"
            )
    family = family_of(architecture)
    positions = family.positions(settings)
    if positions is not None and config.context > positions:
        raise UsageError(f"context {config.context} is more than the {positions} positions of the model")
    return Job(
        anatomy=anatomy_of(architecture, settings),
        context=config.context,
        rows=config.batch.rows,
        steps=config.steps,
        precision=config.precision,
        divisors=tuple(family.divisors(settings).items()),
    )


def zero_stages(pp: int) -> tuple[int, ...]:
    """Stages of ZeRO that the trainer offers at ``pp`` stages of a pipeline."""
    return (1, 2, 3) if pp == 1 else (1,)


def layout_of(config: TrainConfig) -> Layout:
    """The layout that a config asks for."""
    layout = config.layout
    return Layout(
        tp=layout.tp,
        pp=layout.pp,
        dp=layout.dp,
        zero=layout.zero,
        micro_rows=config.batch.micro_rows,
        checkpointing=config.activation_checkpointing,
    )


def _settings(folder: Path) -> dict[str, Any]:
    from clinsynth.train.settings import existing_settings

    return existing_settings(folder)
