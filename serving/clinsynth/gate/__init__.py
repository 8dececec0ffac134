"""The last look on the way out: no text leaves before it has passed."""

from clinsynth.gate.config import GateConfig
from clinsynth.gate.gate import VERSION, Gate, Mode
from clinsynth.gate.load import check_index, load_detector, load_gate
from clinsynth.gate.presets import PRESETS, Preset
from clinsynth.gate.stream import StreamGate
from clinsynth.gate.verdict import Decision, Reason, Released, Verdict

__all__ = [
    "PRESETS",
    "VERSION",
    "Decision",
    "Gate",
    "GateConfig",
    "Mode",
    "Preset",
    "Reason",
    "Released",
    "StreamGate",
    "Verdict",
    "check_index",
    "load_detector",
    "load_gate",
]
