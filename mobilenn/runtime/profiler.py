"""Where a .tflite spends its time: LiteRT's own profiler, which sees inside XNNPACK."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# What the runtime calls an operator, where that says little.
_NAMES = {"Invalid Unary Op": "Lookup table (NC, S8)"}
_CONTROL = ("WHILE", "IF", "CALL_ONCE")  # their time is that of the operators inside


@dataclass(frozen=True, kw_only=True)
class OperatorTime:
    """Time in one kind of operator.

    Args:
        operator: the runtime's name of it: XNNPACK's with layout and types, such as
            `Convolution (NHWC, QC8) IGEMM`, or a TFLite operator that no delegate took.
        count: invocations a run.
        ms: milliseconds a run, the mean over the runs. Single invocations are counted in whole
            microseconds, rounded down, so an operator under one is 0.
        share: of the sum over all operators, 0..1.
    """

    operator: str
    count: int
    ms: float
    share: float


def summed(events: Iterable[tuple[str, int]], runs: int) -> tuple[OperatorTime, ...]:
    """Sums up single invocations by kind of operator.

    Args:
        events: name and microseconds of each invocation, over all runs.
        runs: number of runs.
    """
    times: dict[str, list[int]] = {}
    for tag, elapsed_us in events:
        if tag not in _CONTROL:
            times.setdefault(_NAMES.get(tag, tag), []).append(elapsed_us)
    total = sum(sum(values) for values in times.values()) or 1
    rows = [
        OperatorTime(
            operator=name,
            count=round(len(values) / runs),
            ms=sum(values) / runs / 1000,
            share=sum(values) / total,
        )
        for name, values in times.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.ms, row.operator)))
