"""Named policies: what the gate does when it is in doubt.

What a preset sets, and what ``balanced``, the defaults, have in its place:

    key                    recall_first   balanced   precision_first
    deid.score_threshold   0.0            0.4        0.6
    on_identifier          reject         repair     repair
    max_identifiers        0              20         50
    max_copied_words       20             30         50
    max_similarity         0.6            0.8        0.9

Rules score a form alone 0.5, a form with a word before it that says what it is 0.7, one that nothing else
has 0.9. ``recall_first``: no note leaves against which anything can be said; many are drawn in vain.
``precision_first``: where a false alarm costs more than a slip, persons in the text being invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from clinsynth.deid import DeidConfig

Preset = Literal["recall_first", "balanced", "precision_first"]

_DEID: Final = "deid"
PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "recall_first": {
        _DEID: {"score_threshold": 0.0},
        "on_identifier": "reject",
        "max_identifiers": 0,
        "max_copied_words": 20,
        "max_similarity": 0.6,
    },
    "balanced": {},
    "precision_first": {
        _DEID: {"score_threshold": 0.6},
        "max_identifiers": 50,
        "max_copied_words": 50,
        "max_similarity": 0.9,
    },
}
"""Preset -> the keys of ``GateConfig`` that it sets, those of ``deid`` inside it. The thresholds of a model
that finds identifiers belong here too."""

_ANY: Final = frozenset(key for keys in PRESETS.values() for key in keys)
_ANY_OF_DEID: Final = frozenset(key for keys in PRESETS.values() for key in keys.get(_DEID, {}))


def with_preset(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a policy: those given, and for those left out, or null, the preset's."""
    preset = PRESETS.get(str(given.get("preset", "balanced")), {})  # the field's check names a wrong one
    keys = {key: value for key, value in given.items() if value is not None or key not in _ANY}
    keys = {**{key: value for key, value in preset.items() if key != _DEID}, **keys}
    return {**keys, _DEID: _deid(keys.get(_DEID, {}), preset.get(_DEID, {}))}


def _deid(given: Any, preset: Mapping[str, Any]) -> Any:
    if isinstance(given, DeidConfig):
        return given.model_copy(update={k: v for k, v in preset.items() if k not in given.model_fields_set})
    if not isinstance(given, Mapping):
        return given  # the field's check names what is wrong
    return {**preset, **{k: v for k, v in given.items() if v is not None or k not in _ANY_OF_DEID}}
