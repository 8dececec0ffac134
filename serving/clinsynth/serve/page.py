"""The web page: files of the package, with nothing in them that a key should guard."""

from __future__ import annotations

from importlib.resources import files
from typing import Final, Literal

from fastapi import APIRouter, Response

router = APIRouter(include_in_schema=False)
_FILES: Final = files("clinsynth.serve").joinpath("page")
_KINDS: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
# everything from this server, nothing inline, no frames, no forms sent elsewhere
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@router.get("/")
async def page() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/page/{name}")
async def part(name: Literal["page.css", "page.js"]) -> Response:
    """A file of it."""
    return _file(name)


def _file(name: str) -> Response:
    content = _FILES.joinpath(name).read_bytes()
    kind = _KINDS[name.rpartition(".")[2]]
    return Response(content, media_type=kind, headers={"content-security-policy": _POLICY})
