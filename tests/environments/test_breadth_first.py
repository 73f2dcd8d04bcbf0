"""Breadth-first search against relaxation, which knows nothing of queues."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.environments._breadth_first import MOVES, distances

grids = st.integers(1, 6).flatmap(
    lambda width: st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=6)
)


def relaxed(free, goal):
    """Bellman and Ford: a cell is one step farther than the nearest cell beside it, until nothing changes."""
    steps = {goal: 0}
    cells = set(zip(*np.nonzero(free), strict=True))
    for _ in range(len(cells)):
        for row, column in cells:
            beside = [(row + down, column + right) for down, right in MOVES]
            known = [steps[to] + 1 for to in beside if to in steps]
            if known:
                steps[row, column] = min(*known, steps.get((row, column), free.size))
    return steps


@given(grids, st.data())
def test_distances_are_those_that_relaxation_finds(rows, data):
    free = np.array(rows, bool)
    goal = data.draw(st.sampled_from([(r, c) for r in range(free.shape[0]) for c in range(free.shape[1])]))
    free[goal] = True
    expected = np.full(free.shape, -1)
    for place, steps in relaxed(free, goal).items():
        expected[place] = steps
    np.testing.assert_array_equal(distances(free, goal), expected)
