"""Several forms of one network × this machine → the form to ship: the fastest that loads wherever it must."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mobilenn.bench import BenchConfig, compare
from mobilenn.core import store
from mobilenn.core.errors import ConversionError, MobilennError
from mobilenn.runtime.host import HostSession

NEAR = 1.05  # forms within five per cent of the fastest count as equal, and the smallest of them wins
SAME = 1e-4  # between two runtimes, relative to the largest output; they sum in other orders
SECONDS = 1.0  # of timing each form: thousands of runs of a network that takes tenths of a millisecond
ROUNDS = 8
_APIS = {"Interpreter": "interpreter", "CompiledModel": "compiled_model"}


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One form of the network.

    Args:
        form: its name.
        reason: why it cannot be shipped; empty where it can.
        size_bytes: of the file.
        median_ms, min_ms: on one thread of this machine, in turn with the others; None where there was no choice.
        chosen: whether it is the one that is shipped.
    """

    form: str
    reason: str = ""
    size_bytes: int | None = None
    median_ms: float | None = None
    min_ms: float | None = None
    chosen: bool = False


def choose(
    files: Mapping[str, Path], refused: Mapping[str, str], golden: Mapping[str, np.ndarray]
) -> tuple[Tried, ...]:
    """Loads every form in the runtimes of this machine, times those that load, and picks one.

    Args:
        files: by form, its .tflite.
        refused: by form, why it could not be made.
        golden: raw inputs by name, (N, ...), on which the runtimes have to agree.

    Returns:
        The forms, the chosen one first, then by time; the refused ones last.

    Raises:
        ConversionError: no form loads everywhere.
    """
    rows = {form: Tried(form=form, reason=reason) for form, reason in refused.items()}
    for form, path in files.items():
        rows[form] = Tried(form=form, reason=_fault(path, golden), size_bytes=len(store.read_bytes(path)))
    fit = [form for form, row in rows.items() if not row.reason]
    if not fit:
        reasons = "; ".join(f"{form}: {row.reason}" for form, row in rows.items())
        raise ConversionError(f"No form of the network can be shipped: {reasons}.")
    if len(fit) > 1:
        for form, timed in zip(fit, compare([files[form] for form in fit], _timing(), ROUNDS).files, strict=True):
            rows[form] = replace(rows[form], median_ms=timed.median, min_ms=timed.min)
    chosen = best([rows[form] for form in fit])
    rows[chosen] = replace(rows[chosen], chosen=True)
    return tuple(sorted(rows.values(), key=lambda row: (not row.chosen, bool(row.reason), row.min_ms or 0.0)))


def best(rows: Sequence[Tried]) -> str:
    """The form to ship among those that can be: the smallest of those that take about the least time.

    The least time of each counts, since other work on the machine only ever adds to it.
    """
    fastest = min(row.min_ms or 0.0 for row in rows)
    near = [row for row in rows if (row.min_ms or 0.0) <= fastest * NEAR]
    return min(near, key=lambda row: (row.size_bytes, row.min_ms)).form


def _timing() -> BenchConfig:
    return BenchConfig(threads=(1,), max_seconds=SECONDS, warmup_s=0.1)


def _fault(path: Path, golden: Mapping[str, np.ndarray]) -> str:
    """Why a file cannot be shipped; empty where every runtime loads it and all give the same answers."""
    made = {}
    for name, api in _APIS.items():
        try:
            with HostSession(path, api=api) as session:
                made[name] = session.predict(golden)
        except MobilennError as error:
            return f"{name}: {error.message}"
    first, *others = made
    for other in others:
        for output, values in made[first].items():
            largest = float(np.abs(values).max()) or 1.0
            if float(np.abs(values - made[other][output]).max()) > SAME * largest:
                return f"{first} and {other} disagree on '{output}'"
    return ""
