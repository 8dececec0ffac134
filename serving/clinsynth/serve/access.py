"""Which key opens which route. A path that no rule names needs a key that may do everything."""

from __future__ import annotations

from typing import Final

from clinsynth.serve.store.keys import SCOPES, Key

PROBES: Final = frozenset({"/livez", "/readyz"})
"""They say nothing but whether the server lives."""

OPEN: Final = PROBES | {"/", "/page/page.css", "/page/page.js"}
"""What answers without a key: probes, and the page's files, which are everybody's. What the page shows it
asks for with a key."""

UPLOAD: Final = "/v1/files"
"""Where bodies may be large and take their time."""

_PAGE: Final = "/page/"
_ANY_KEY: Final = frozenset({"/v1/models", "/openapi.json"})
_SCOPES: Final = {
    "/v1/notes": "generate",
    "/v1/completions": "generate",
    "/v1/files": "batches",
    "/v1/batches": "batches",
    "/metrics": "metrics",
}


def scopes_for(path: str) -> frozenset[str]:
    """The scopes that a key needs for a path; none are needed where any key in force will do."""
    if path in _ANY_KEY or path.startswith(_PAGE):
        return frozenset()
    for start, scope in _SCOPES.items():
        if path == start or path.startswith(f"{start}/"):
            return frozenset({scope})
    return frozenset(SCOPES)


def may_enter(key: Key, path: str) -> bool:
    """Whether a key in force opens the path."""
    return scopes_for(path) <= key.scopes
