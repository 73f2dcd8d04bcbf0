"""Latency figures with an interval: order statistics, no assumption about the distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Z95 = 1.959964  # two-sided 95 %


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Milliseconds of one thread count.

    Args:
        median, p90, min: over all runs after the warm-up.
        interval_low, interval_high: 95 % confidence interval of the median.
        threads: CPU threads.
        runs: number of runs.
    """

    median: float
    p90: float
    min: float
    interval_low: float
    interval_high: float
    threads: int
    runs: int


def latency(samples_ns: np.ndarray, threads: int) -> Latency:
    """Sums up nanoseconds of single runs.

    Args:
        samples_ns: (runs,) int64.
        threads: CPU threads that were used.
    """
    ms = samples_ns / 1e6
    low, high = median_interval(ms)
    return Latency(
        median=float(np.median(ms)),
        p90=float(np.quantile(ms, 0.9)),
        min=float(ms.min()),
        interval_low=low,
        interval_high=high,
        threads=threads,
        runs=len(ms),
    )


def median_interval(samples: np.ndarray) -> tuple[float, float]:
    """95 % confidence interval of the median from order statistics.

    The number of samples below the median is binomial (n, ½), so the samples of rank
    n/2 ± 1.96·√n/2 enclose it with 95 % confidence, whatever the distribution.

    Reference:
        Conover, Practical Nonparametric Statistics (3rd edition), section 3.2.
    """
    ordered = np.sort(samples)
    count = len(ordered)
    reach = Z95 * math.sqrt(count) / 2
    low = max(math.floor(count / 2 - reach), 0)
    high = min(math.ceil(count / 2 + reach), count - 1)
    return float(ordered[low]), float(ordered[high])


def relative_interval(samples: np.ndarray) -> float:
    """Half the width of the median's interval, as a share of the median."""
    low, high = median_interval(samples)
    return (high - low) / 2 / float(np.median(samples))
