"""What the profiler says adds up, and what it cannot read it passes over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.runtime.profiler import summed

EVENTS = st.lists(st.tuples(st.sampled_from(["CONV_2D", "WHILE", "Softmax (NC, F32)"]), st.integers(0, 10**6)))


@given(EVENTS, st.integers(1, 50))
def test_shares_are_of_the_whole_and_loops_count_through_what_is_inside(events, runs):
    rows = summed(events, runs)
    times = [elapsed for tag, elapsed in events if tag != "WHILE"]
    assert sum(row.ms for row in rows) == pytest.approx(sum(times) / runs / 1000)
    assert sum(row.share for row in rows) == pytest.approx(1.0 if sum(times) else 0.0)
    assert [row.ms for row in rows] == sorted((row.ms for row in rows), reverse=True)


def test_counts_are_a_run():
    rows = summed([("Add (ND)", 3), ("Add (ND)", 5)] * 10, runs=10)
    assert [(row.operator, row.count, row.ms) for row in rows] == [("Add (ND)", 2, 0.008)]
