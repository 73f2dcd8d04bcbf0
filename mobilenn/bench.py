"""TfliteModel × device → BenchReport: latency with an interval, memory, operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mobilenn.core import store
from mobilenn.core.artifacts import Signature
from mobilenn.core.errors import RecipeError
from mobilenn.core.records import to_dict
from mobilenn.runtime.machine import OtherWork
from mobilenn.runtime.profiler import OperatorTime
from mobilenn.runtime.timing import Latency, latency

Event = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """How a file is timed.

    Args:
        threads: thread counts to time, one after the other.
        warmup_s: seconds of runs before the clock counts.
        min_runs: runs at the least.
        max_seconds: seconds at the most, per thread count.
        interval: half-width of the median's 95 % interval, as a share of it, at which timing stops.
        api: `interpreter` or `compiled_model`.
    """

    threads: tuple[int, ...] = (1, 2)
    warmup_s: float = 0.3
    min_runs: int = 100
    max_seconds: float = 5.0
    interval: float = 0.01
    api: Literal["interpreter", "compiled_model"] = "interpreter"

    def __post_init__(self) -> None:
        if not self.threads or min(self.threads) < 1:
            raise RecipeError(f"[bench] threads is {list(self.threads)}.", "Allowed: one or more counts from 1 up.")
        if self.min_runs < 1 or self.max_seconds <= 0 or self.warmup_s < 0 or not 0 < self.interval < 1:
            allowed = "Allowed: min_runs ≥ 1, max_seconds > 0, warmup_s ≥ 0, 0 < interval < 1."
            raise RecipeError("[bench] holds a value out of range.", allowed)

    def job(self) -> dict[str, Any]:
        """The worker's arguments."""
        keys = ("warmup_s", "min_runs", "max_seconds", "interval")
        return {**{key: getattr(self, key) for key in keys}, "chunk": 10}


@dataclass(frozen=True, kw_only=True)
class BenchReport:
    """What was measured.

    Args:
        path, sha256: the file.
        api: the runtime's interface.
        latency_ms: one entry per thread count.
        peak_memory_bytes: at the first thread count, above what the worker held before loading.
        other_load: cores that other work kept busy meanwhile, which disturbs the figures; None where
            the system does not tell.
        profile: where the time goes, slowest operator first; empty where the runtime gives none.
    """

    path: str
    sha256: str
    api: str
    latency_ms: tuple[Latency, ...]
    peak_memory_bytes: int
    other_load: float | None
    profile: tuple[OperatorTime, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns plain, JSON-ready values."""
        return to_dict(self)


@dataclass(frozen=True, kw_only=True)
class TrainingCalls:
    """What it takes to train a file where it runs.

    Args:
        batch_size: samples that a call of `train` takes.
        weights: shapes of what learns, by name, first layer first.
        signatures: those for training, in the order in which an app meets them.
        calls_ms: by signature, of whole calls on one thread, the copying of inputs and outputs included.
    """

    batch_size: int
    weights: Mapping[str, tuple[int, ...]]
    signatures: tuple[Signature, ...]
    calls_ms: Mapping[str, Latency]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One file's figures in a comparison: milliseconds over all rounds."""

    path: str
    median: float
    min: float
    p90: float
    runs: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several files, timed in turn in one run."""

    files: tuple[Compared, ...]
    rounds: int
    threads: int

    def to_dict(self) -> dict[str, Any]:
        """Returns plain, JSON-ready values."""
        return to_dict(self)


def bench(path: Path, config: BenchConfig = BenchConfig(), on_event: Event = lambda _: None) -> BenchReport:
    """Times a file on this machine, in a worker process of its own, made ready anew for each thread count.

    The clock runs around the invocation alone, on one random input with a fixed seed; of a sequence file,
    around the greedy transcript of its first golden pair, every step and the loop between them. Timing goes
    on until the median is known to within `config.interval`, or `config.max_seconds` are over.

    Raises:
        ArtifactError: the file is missing, or the runtime refuses it.
        WorkerError: the file killed its worker.
    """
    from mobilenn.runtime.host import HostSession

    others = OtherWork()
    found, memory = [], 0
    with HostSession(path, threads=config.threads[0], api=config.api) as session:
        for threads in config.threads:
            session.use_threads(threads)
            found.append(latency(session.measure(config.job()), threads))
            memory = memory or session.peak_memory_bytes()
            on_event({"stage": "bench", "threads": threads, "median_ms": found[-1].median})
        operators = session.profile()
    return BenchReport(
        path=str(path),
        sha256=store.sha256_file(path),
        api=config.api,
        latency_ms=tuple(found),
        peak_memory_bytes=memory,
        other_load=others.cores(),
        profile=operators,
    )


def bench_training(path: Path, config: BenchConfig = BenchConfig()) -> TrainingCalls | None:
    """Times the signatures with which a file is trained, a full batch each; None where it has none.

    Args:
        path: the file.
        config: how long; one thread, whatever it says of threads.

    Raises:
        ArtifactError: the file is missing, or the runtime refuses it.
        WorkerError: the file killed its worker.
    """
    from mobilenn.runtime import training
    from mobilenn.runtime.host import HostSession
    from mobilenn.runtime.training_calls import SIGNATURES, example_calls

    with HostSession(path, threads=1, api=config.api) as session:
        if training.TRAIN not in session.signatures:
            return None
        file = training.trainable(session.signatures, session.runner)
        given = example_calls(file, session.example())
        calls = {key: latency(session.measure_calls(key, config.job(), given[key]), 1) for key in SIGNATURES}
        order = (training.INITIAL_WEIGHTS, *SIGNATURES)
        return TrainingCalls(
            batch_size=file.batch_size,
            weights={name: given[training.INFER][name].shape for name in file.weights},
            signatures=tuple(session.signatures[key] for key in order),
            calls_ms=calls,
        )


def compare(paths: Sequence[Path], config: BenchConfig = BenchConfig(threads=(1,)), rounds: int = 10) -> Comparison:
    """Times several files in turn, A B C A B C …, so that a change of the machine meets all alike.

    Args:
        paths: the files; all stay loaded, each in its own worker.
        config: `threads[0]` and `max_seconds` (per file, over all rounds) count.
        rounds: turns.
    """
    from contextlib import ExitStack

    from mobilenn.runtime.host import HostSession

    threads = config.threads[0]
    job = {**config.job(), "min_runs": 1 << 30, "max_seconds": config.max_seconds / rounds, "chunk": 1}
    samples: list[list[np.ndarray]] = [[] for _ in paths]
    with ExitStack() as stack:
        sessions = [stack.enter_context(HostSession(path, threads=threads, api=config.api)) for path in paths]
        for turn in range(rounds):
            for kept, session in zip(samples, sessions, strict=True):
                kept.append(session.measure({**job, "warmup_s": config.warmup_s if turn == 0 else 0.02}))
    rows = [latency(np.concatenate(kept), threads) for kept in samples]
    files = tuple(
        Compared(path=str(path), median=row.median, min=row.min, p90=row.p90, runs=row.runs)
        for path, row in zip(paths, rows, strict=True)
    )
    return Comparison(files=files, rounds=rounds, threads=threads)
