"""What can go wrong, as a tree. The command line prints each as one line and leaves with its exit code.

ClinsynthError (1)
├── UsageError (2, ValueError)      an option or a config key: the message names the field to change
├── DataError (3, ValueError)       an input file: the message names the file, and the row or field
├── FolderError (4)                 a folder is not what its manifest says, or would be overwritten
├── MissingExtraError (5, ImportError)  an optional part is not installed: the message names the extra
├── EngineError (6)                 the generation engine refused a request or died
├── GateError (7)                   a check of the gate could not run: the note is withheld
├── DivergedError (8)               training's loss is no number, or stays far above what was usual
└── StoppedError (85)               a run was asked to stop and can go on: start it again

No message may hold note text, identifiers or prompts: name the file, the row, the field, the length.
"""

from __future__ import annotations


class ClinsynthError(Exception):
    """Base of every error that the project raises on purpose."""

    exit_code = 1
    label = "error"


class UsageError(ClinsynthError, ValueError):
    """An option or a config key is wrong; the message names it and says what would fix it."""

    exit_code = 2


class DataError(ClinsynthError, ValueError):
    """An input file is wrong; the message names the file and the row or field."""

    exit_code = 3

    @classmethod
    def at(cls, path: object, row: int | None, problem: str) -> DataError:
        """An error at a place: ``notes.jsonl, line 12: spans[0].end 90 is past the text (71)``."""
        place = f"{path}" if row is None else f"{path}, line {row}"
        return cls(f"{place}: {problem}")


class FolderError(ClinsynthError):
    """A folder is missing, incomplete, damaged, of the wrong kind, or in the way."""

    exit_code = 4


class MissingExtraError(ClinsynthError, ImportError):
    """An optional dependency is not installed."""

    exit_code = 5

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: pip install 'clinsynth[{extra}]'")


class EngineError(ClinsynthError):
    """The generation engine refused a request or is gone."""

    exit_code = 6


class GateError(ClinsynthError):
    """A check of the gate could not run."""

    exit_code = 7


class DivergedError(ClinsynthError):
    """Training's loss is no number, or stays far above what was usual; the last good checkpoint stands."""

    exit_code = 8


class StoppedError(ClinsynthError):
    """A run was asked to stop, by a signal or a file, and did; the same command goes on from where it was.

    The exit code is one that nothing else uses, so that a scheduler can tell "start me again" from
    "failed".
    """

    exit_code = 85
    label = "stopped"
