"""Intervals that hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.runtime.timing import latency, median_interval, relative_interval


def test_the_interval_covers_the_median_about_19_times_in_20():
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(600):
        low, high = median_interval(generator.lognormal(size=61))
        covered += low <= 1.0 <= high  # the median of a standard log-normal is 1
    assert 0.93 <= covered / 600 <= 0.99


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=200))
def test_figures_are_in_order(samples):
    found = latency(np.array(samples), 2)
    assert found.min <= found.interval_low <= found.median <= found.interval_high
    assert found.min <= found.p90 <= max(samples) / 1e6
    assert (found.threads, found.runs) == (2, len(samples))


def test_more_samples_narrow_the_interval():
    generator = np.random.default_rng(1)
    few, many = generator.normal(10, 1, 50), generator.normal(10, 1, 5000)
    assert relative_interval(many) < relative_interval(few) / 5


def test_milliseconds_are_milliseconds():
    assert latency(np.full(9, 2_500_000), 1).median == pytest.approx(2.5)
