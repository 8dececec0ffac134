"""The plan as text of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from clinsynth.train.plan.build import Plan, Reference
from clinsynth.train.plan.hardware import RESERVE, WIRE_SHARE, Cluster
from clinsynth.train.plan.job import Job
from clinsynth.train.plan.layouts import Candidate
from clinsynth.train.plan.memory import FRAMEWORK, GIB, KINDS
from clinsynth.train.plan.speed import bubble_share, reached_mfu, token_flops, tokens_per_second
from clinsynth.train.plan.traffic import Axis

_COLUMNS: Final = 100
_DAY: Final = 86400


def as_text(plan: Plan, top: int) -> str:
    """The plan for people.

    Args:
        top: layouts to show.
    """
    parts = (
        _heading(plan),
        _parameters(plan.job),
        _memory(plan),
        _time(plan),
        _layouts(plan, top),
        _refused(plan),
        _reference(plan.reference),
        _notes(),
    )
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part)))


def _heading(plan: Plan) -> Iterator[str]:
    job, anatomy = plan.job, plan.job.anatomy
    shape = f"{anatomy.layers} layers, {anatomy.width:,} wide, {anatomy.heads} heads"
    yield f"{plan.name}: {plan.model}, {shape}"
    yield (
        f"{job.rows:,} rows of {job.context:,} tokens a step, {job.steps:,} steps,"
        f" {_count(job.tokens)} tokens; {job.precision}"
    )
    padded = anatomy.padded_vocabulary(plan.own.chosen.layout.tp)
    yield f"vocabulary {plan.vocabulary.size:,} ({plan.vocabulary.source}), {padded:,} rows with padding"


def _parameters(job: Job) -> Iterator[str]:
    anatomy = job.anatomy
    notes = {
        "blocks": f"{anatomy.layers} of {anatomy.block:,}",
        "head": "is the embedding" if anatomy.tied else "",
    }
    yield f"{'PARAMETERS':20} {anatomy.parameters:>16,}"
    for name, count in anatomy.counts().items():
        if count or name == "head":
            note = notes.get(name, "")
            yield f"  {name:18} {count:>16,} {count / anatomy.parameters:>7.1%}  {note}".rstrip()


def _memory(plan: Plan) -> Iterator[str]:
    """Both choices of checkpointing side by side, each at its two heights; the config's is marked."""
    layout = plan.own.chosen.layout
    kept, again = plan.own.moments[False], plan.own.moments[True]
    moments = (*kept, *again)
    yield f"MEMORY of a GPU, GiB: {layout.name}, ZeRO-{layout.zero}, micro-batches of {layout.micro_rows}"
    mark = ("", " *") if layout.checkpointing else (" *", "")
    yield f"  {'activations':14}{f'kept{mark[0]}':>22}{f'computed again{mark[1]}':>22}"
    yield f"  {'':14}" + "".join(f"{memory.moment:>11}" for memory in moments)
    for kind, note in KINDS.items():
        values = [getattr(memory, kind) / GIB for memory in moments]
        if any(values):
            yield f"  {kind:14}" + "".join(f"{value:>11.2f}" for value in values) + f"  {note}"
    yield f"  {'total':14}" + "".join(f"{memory.total / GIB:>11.2f}" for memory in moments)
    yield f"  *: this config, {_verdict(plan.own.chosen, plan.own.cluster)}"
    if layout.pp > 1:
        needs = ", ".join(f"{memory.total / GIB:.1f}" for memory in plan.own.stages)
        blocks = ", ".join(str(memory.stage.blocks) for memory in plan.own.stages)
        yield from _wrap(f"the stage that needs most; by stage: {needs} GiB with {blocks} blocks")


def _verdict(candidate: Candidate, cluster: Cluster) -> str:
    fits = candidate.memory.total <= cluster.usable * GIB
    return (
        f"{candidate.memory.total / GIB:.1f} GiB: {'fits' if fits else 'does not fit'} in"
        f" {cluster.usable:.0f} of {cluster.memory:.0f}"
    )


def _time(plan: Plan) -> Iterator[str]:
    job, own = plan.job, plan.own
    cluster, layout, time = own.cluster, own.chosen.layout, own.chosen.time
    peak, micro_batches = cluster.gpu.peak(job.precision), job.micro_batches(own.chosen.layout)
    rate = tokens_per_second(job, time)
    flat = layout.gpus * peak * cluster.mfu / token_flops(job)
    again = ", a third more for what is computed again" if layout.checkpointing else ""
    yield f"TIME of a step on {_gpus(layout.gpus, cluster)}"
    yield _line(
        "compute", time.compute, f"{cluster.mfu:.0%} (assumed) of {peak / 1e12:,.0f} TFLOP/s{again}"
    )
    share = f"{bubble_share(layout, micro_batches):.1%} of the pipeline's time"
    yield _line("bubble", time.bubble, f"{share}; micro-batches a step: {micro_batches}")
    for (name, axis), seconds in zip(axes(plan), (time.tensor, time.pipeline, time.data)):
        yield _line(name, seconds, _sent(axis, micro_batches))
    yield _line("step", time.total, f"MFU of the whole step {_mfu(job, own.chosen, cluster)}")
    yield f"  {'tokens/s':18} {rate:>12,.0f}     {_days(job, rate)}"
    alone = f"if computing were all; {token_flops(job) / 1e9:,.1f} GFLOP a token"
    yield f"  {'at best':18} {flat:>12,.0f}     {_days(job, flat)} {alone}"


def _line(name: str, seconds: float, note: str) -> str:
    return f"  {name:18} {seconds:>12.3f} s   {note}"


def _days(job: Job, rate: float) -> str:
    return f"{job.tokens / rate / _DAY:,.1f} days"


def _mfu(job: Job, candidate: Candidate, cluster: Cluster) -> str:
    return f"{reached_mfu(job, candidate.layout, cluster, candidate.time):.1%}"


def axes(plan: Plan) -> tuple[tuple[str, Axis], ...]:
    """What travels, by name."""
    sent = plan.own.traffic
    return ("tensor parallel", sent.tensor), ("pipeline", sent.pipeline), ("data parallel", sent.data)


def _sent(axis: Axis, micro_batches: int) -> str:
    if not axis.wire:
        return "nothing is sent"
    size = axis.total(micro_batches)
    amount = f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
    return f"{amount} from a GPU over {axis.wire} at {axis.bandwidth / 1e9:,.0f} GB/s"


def _layouts(plan: Plan, top: int) -> Iterator[str]:
    job, cluster, fitting = plan.job, plan.cluster, plan.found.fitting
    shown = f"{min(top, len(fitting))} of {len(fitting)} that fit, best first"
    yield f"LAYOUTS of {_gpus(cluster.gpus, cluster)}: {shown}"
    if not fitting:
        yield "  none: take more nodes, or other batch.rows"
        return
    yield "   tp   pp   dp  ZeRO  rows  again     GiB   step s  bubble   sent    tokens/s    MFU      days"
    own, shown_layouts = plan.own.chosen, [each.layout for each in fitting[:top]]
    for each in fitting[:top]:
        yield _row(job, each, cluster) + ("  *" if each.layout == own.layout else "")
    if own.layout.gpus == cluster.gpus and own.layout not in shown_layouts:
        yield _row(job, own, cluster) + "  *"
    yield from _wrap(
        "rows: of a micro-batch, the most whose step is within 1% of the shortest; again: activations"
        " computed again; bubble, sent: shares of the step; *: this config"
    )


def _row(job: Job, candidate: Candidate, cluster: Cluster) -> str:
    layout, time = candidate.layout, candidate.time
    rate = tokens_per_second(job, time)
    sent = (time.tensor + time.pipeline + time.data) / time.total
    grid = f" {layout.tp:>4} {layout.pp:>4} {layout.dp:>4} {layout.zero:>5} {layout.micro_rows:>5}"
    needs = f"  {'yes' if layout.checkpointing else 'no':>5} {candidate.memory.total / GIB:>7.1f}"
    step = f" {time.total:>8.3f} {time.bubble / time.total:>7.1%} {sent:>6.1%}"
    days = job.tokens / rate / _DAY
    return f"{grid}{needs}{step} {rate:>11,.0f} {_mfu(job, candidate, cluster):>6} {days:>9,.1f}"


def _refused(plan: Plan) -> Iterator[str]:
    if plan.found.refused:
        yield "LEFT OUT"
    for what, why in plan.found.refused.items():
        yield from _wrap(f"{what}: {why}")


def _reference(reference: Reference | None) -> Iterator[str]:
    if reference is None:
        return
    published, candidate, cluster = reference.published, reference.candidate, reference.cluster
    job, layout = reference.job, candidate.layout
    yield f"PUBLISHED: {published.what} on {_gpus(layout.gpus, cluster)}, Megatron-LM, fp16"
    again = "computed again" if layout.checkpointing else "kept"
    yield (
        f"  {layout.name}, micro-batches of {layout.micro_rows}, activations {again},"
        f" {published.rows:,} rows of {published.context:,} tokens"
    )
    yield from _wrap(published.source)
    rate = tokens_per_second(job, candidate.time)
    yield (
        f"  the same here: {_verdict(candidate, cluster)}; {candidate.time.total:.2f} s a step,"
        f" {rate:,.0f} tokens/s, MFU {_mfu(job, candidate, cluster)}"
    )


def _notes() -> Iterator[str]:
    yield "ASSUMED, not measured"
    yield from _wrap(
        f"{WIRE_SHARE:.0%} of a wire's figure is reached, and nothing that travels is hidden behind"
        f" computing; {FRAMEWORK / GIB:.0f} GiB go to the framework, {RESERVE:.0%} of memory to fragments;"
        " small matrices are as fast as large ones. Attention counts in full, its causal half too. GB are"
        " 10^9 bytes, GiB 2^30. Formulas: docs/decisions/031."
    )


def _gpus(count: int, cluster: Cluster) -> str:
    name = f"{cluster.gpu.name.upper()} ({cluster.memory:.0f} GiB)"
    return f"{count} {name}, " + (
        "one node" if cluster.nodes == 1 else f"{cluster.nodes} nodes of {cluster.gpus_per_node}"
    )


def _count(number: float) -> str:
    for unit, size in (("T", 1e12), ("B", 1e9), ("M", 1e6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number:,.0f}"


def _wrap(text: str) -> Sequence[str]:
    return textwrap.wrap(
        text,
        _COLUMNS,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
