"""What was measured on one .tflite, part by part: the pieces of a variant's row in report.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mobilenn.core.artifacts import Signature


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Time of one run of a file, in milliseconds, with the interval of its median."""

    median: float
    p90: float
    min: float
    threads: int
    runs: int
    interval_low: float
    interval_high: float
    mean: float | None = None
    std: float | None = None


@dataclass(frozen=True, kw_only=True)
class OperatorTime:
    """Time spent in one kind of operator: `ms` per run and `share` of the total (0..1)."""

    operator: str
    count: int
    ms: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form of a recurrent network that was tried: `reason` says why it cannot be shipped, else its time."""

    form: str
    reason: str = ""
    size_bytes: int | None = None
    median_ms: float | None = None
    min_ms: float | None = None
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class OutputParity:
    """Error of one output, in its own unit: on the test split and on the golden pairs."""

    max_abs: float | None
    mean_abs: float | None
    golden_max_abs: float | None


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Losses of a file's golden lesson before each step: Keras' (of k-means numpy's), and the file's own.

    Args:
        error: their largest difference, relative to the largest loss where that is above 1.
    """

    expected: tuple[float | None, ...]
    found: tuple[float | None, ...]
    error: float | None


@dataclass(frozen=True, kw_only=True)
class OnDevice:
    """What it takes to train a file where it runs.

    Args:
        batch_size: samples that a call of `train` takes.
        weights: shapes of what learns, by name.
        signatures: those for training.
        calls_ms: by signature, the time of a whole call on one thread.
    """

    batch_size: int
    weights: Mapping[str, tuple[int, ...]]
    signatures: tuple[Signature, ...]
    calls_ms: Mapping[str, Latency]
