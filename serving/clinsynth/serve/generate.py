"""``clinsynth generate``: a few notes for a person or a script, from a server or from a model folder."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from clinsynth.corpus import AGE_BANDS, SEXES
from clinsynth.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from clinsynth.serve.wire_notes import NoteOut, NotesRequest, NotesResponse

_AT_ONCE: Final = 16  # notes of one request: soon enough to see, many enough to keep an engine busy
Ask = Callable[["NotesRequest"], Any]


@click.command()
@click.option("--model", type=click.Path(path_type=Path), metavar="DIR", help="Model folder, run here.")
@click.option("--url", metavar="URL", help="Server to ask instead; its key comes by CLINSYNTH_API_KEY.")
@click.option("-n", "--notes", default=1, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Repeats the same notes.  [default: drawn]")
@click.option("--note-type", help="Such as 'discharge summary'.")
@click.option("--specialty", help="Such as cardiology.")
@click.option("--sex", type=click.Choice(SEXES))
@click.option("--age-band", type=click.Choice(AGE_BANDS), metavar="BAND", help="Such as 60-69.")
@click.option("--diagnosis", "diagnoses", multiple=True, help="As often as needed.")
@click.option("--section", "sections", multiple=True, help="Must begin a line; as often as needed.")
@click.option(
    "--mode",
    default="surrogates",
    show_default=True,
    type=click.Choice(["tags", "surrogates"]),
    help="What stands for a person's data.",
)
@click.option("--temperature", type=click.FloatRange(0, 2), help="[default: the server's]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Notes with entities as .jsonl, .jsonl.gz or .parquet. Left out: texts on the terminal.",
)
def generate(
    model: Path | None, url: str | None, notes: int, seed: int | None, out: Path | None, **wish: Any
) -> None:
    """Generate notes by conditions, each through the gate.

    From a model folder, whose engine starts here, or from a running server. What the gate withholds, after
    several draws, is counted at the end. For a corpus use `clinsynth export`, which goes on after a kill.

    \b
      clinsynth generate --model runs/demo/model -n 3 --sex female --age-band 60-69
      clinsynth generate --url http://localhost:8000 -n 200 --seed 7 --out notes.jsonl
    """
    if (model is None) == (url is None):
        raise UsageError("give --model DIR or --url URL, one of the two")
    try:
        import httpx  # noqa: F401
        import pydantic  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "httpx", "client") from None
    from clinsynth.serve.client import request_of

    wanted = {name: list(value) if isinstance(value, tuple) else value for name, value in wish.items()}
    request = request_of({**wanted, "seed": secrets.randbits(31) if seed is None else seed})
    asyncio.run(_generate(request, notes, _server(url) if url is not None else _here(model), out))


async def _generate(request: NotesRequest, count: int, place: Any, out: Path | None) -> None:
    from clinsynth.corpus.writers import NoteWriter
    from clinsynth.progress import Progress

    withheld = 0
    with contextlib.ExitStack() as files:
        writer = None if out is None else files.enter_context(NoteWriter(out, patient_id=False))
        async with place as ask:
            with Progress("generating", total=count, unit="notes") as progress:
                for start in range(0, count, _AT_ONCE):
                    page = request.model_copy(update={"start": start, "n": min(_AT_ONCE, count - start)})
                    answer: NotesResponse = await ask(page)
                    for note in answer.notes:
                        progress.advance()
                        if note.text is None:
                            withheld += 1
                        elif writer is None:
                            click.echo(f"{note.text}\n")
                        else:
                            writer.write(_as_note(note, answer.seed))
    where = "" if out is None else f" in {out}"
    lost = f", {withheld} withheld by the gate" if withheld else ""
    click.echo(f"{count - withheld} notes{where}, seed {request.seed}{lost}", err=True)


@contextlib.asynccontextmanager
async def _server(url: str) -> AsyncIterator[Ask]:
    from clinsynth.serve.client import AsyncClient

    async with AsyncClient(url) as client:
        yield lambda page: client.notes(**page.model_dump(exclude_unset=True))


@contextlib.asynccontextmanager
async def _here(model: Path | None) -> AsyncIterator[Ask]:
    from clinsynth.engine.vllm_setup import set_environment

    assert model is not None
    set_environment()
    from clinsynth.serve.metrics import Metrics
    from clinsynth.serve.notes import answer_notes
    from clinsynth.serve.service import running
    from clinsynth.serve.settings import Settings
    from clinsynth.serve.tally import Tally

    async with running(Settings(model), Metrics()) as service:
        yield lambda page: answer_notes(service, page, Tally())


def _as_note(note: NoteOut, seed: int) -> Any:
    from clinsynth.corpus import Attributes, Note, Span

    assert note.text is not None
    made, a = note.provenance, note.attributes
    return Note(
        id=f"generated-{seed}-{note.index}",
        text=note.text,
        attributes=Attributes(a.note_type, a.specialty, a.sex, a.age_band, tuple(a.diagnoses)),
        entities=tuple(Span(s.start, s.end, s.label) for s in note.entities),
        phi=tuple(Span(s.start, s.end, s.label) for s in note.phi),
        provenance={
            "model": made.model,
            "card_sha256": made.card_sha256,
            "engine": made.engine,
            "seed": str(made.seed),
            "mode": made.mode,
            "verdict": note.verdict.decision,
        },
    )
