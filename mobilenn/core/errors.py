"""Every error that a user can meet: one root, one exit code per kind, one next command."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MobilennError(Exception):
    """The root of every error that mobilenn raises on purpose; the CLI catches it once.

    Args:
        message: what is wrong and what was received, in one line.
        hint: what is allowed, or the next command to type; printed on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class RecipeError(MobilennError):
    """A recipe, a setting or a name that cannot be used as it stands."""

    exit_code = 3


class DataError(MobilennError):
    """Data that cannot be trained on; `faults` lists each place (file, row, reason)."""

    exit_code = 4

    def __init__(self, message: str, hint: str = "", *, faults: Iterable[str] = ()) -> None:
        super().__init__(message, hint)
        self.faults = tuple(faults)


class ArtifactError(MobilennError):
    """A model file or a manifest that is missing, damaged or not what its hash says."""

    exit_code = 5


class ConversionError(MobilennError):
    """A conversion, compression or quantization that the libraries refused or died on."""

    exit_code = 6


class WorkerError(MobilennError):
    """A worker process that died or ran past its time; its log is named in the message."""

    exit_code = 7


class VerificationError(MobilennError):
    """No variant stays within the recipe's drop, or a file does not compute what was trained."""

    exit_code = 8


class MissingExtraError(MobilennError):
    """A part of mobilenn that the base install leaves out, such as TensorFlow."""

    exit_code = 9


class StorageError(MobilennError):
    """The disk is full, a folder cannot be written, or another run holds it."""

    exit_code = 10


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Says what is allowed, and which allowed name is nearest to the one received.

    Args:
        name: the unknown name.
        allowed: the names that would have been accepted.

    Returns:
        A hint such as `Did you mean 'alexnet'? Allowed: alexnet, c3d, vgg.`
    """
    names = sorted(allowed)
    close = get_close_matches(name, names, n=1)
    guess = f"Did you mean '{close[0]}'? " if close else ""
    return f"{guess}Allowed: {', '.join(names) if names else '(nothing)'}."
