"""Mazes: every block can be reached, parts share none, the goal ends an episode and a wall does too."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn import environments
from mobilenn.core.errors import RecipeError
from mobilenn.environments._breadth_first import MOVES, distances
from mobilenn.environments.maze import draw, maze_part


@given(st.integers(3, 8), st.floats(0, 1), st.integers(0, 2**32))
def test_every_free_block_can_be_reached_and_every_cell_is_free(cells, openings, seed):
    free = draw(cells, openings, np.random.default_rng(seed))
    assert free[::2, ::2].all()
    assert not free[1::2, 1::2].any()
    assert (distances(free, (0, 0)) >= 0).sum() == free.sum()


@given(st.integers(3, 8), st.integers(0, 2**32))
def test_without_openings_there_is_one_way_only_and_with_all_there_is_no_wall_left(cells, seed):
    tree = draw(cells, 0.0, np.random.default_rng(seed))
    assert tree.sum() == 2 * cells**2 - 1  # cells, and a passage for each but one: a tree
    every = draw(cells, 1.0, np.random.default_rng(seed))
    assert every.sum() == cells**2 + 2 * cells * (cells - 1)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_mazes_belong_to_the_part_of_their_seed(part):
    environment = environments.make("maze")
    for seed in environments.seeds(part, 10):
        environment.reset(seed)
        assert maze_part(environment.free) == part


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_guide_walks_a_shortest_way_to_the_goal(part):
    environment = environments.make("maze", {"least_steps": 6})
    lengths = []
    for seed in environments.seeds(part, 20):
        observation = environment.reset(seed)
        assert observation.sum((0, 1)).tolist() == [environment.free.sum(), 1, 1]
        lengths.append(environment.shortest())
        for left in range(lengths[-1], 0, -1):
            step = environment.step(environment.guide())
            assert step.done == (left == 1)
            assert step.reward == (left == 1)
        assert environment.score() == environment.optimum() == 1
    assert (min(lengths) >= 6) == (part == "test")


def test_a_step_into_a_wall_ends_the_episode_unsolved():
    environment = environments.make("maze")
    environment.reset(environments.seeds("train", 1)[0])
    row, column = environment.agent
    for action, (down, right) in enumerate(MOVES):
        to = (row + down, column + right)
        if min(to) < 0 or max(to) >= len(environment.free) or not environment.free[to]:
            step = environment.step(action)
            assert (step.done, step.truncated, step.reward) == (True, False, 0.0)
            assert environment.agent == (row, column)
            assert environment.score() == 0
            return
    pytest.fail("a start without a wall beside it")


def test_an_episode_that_takes_too_long_is_cut_off():
    environment = environments.make("maze", {"max_steps": 3, "least_steps": 8})
    environment.reset(environments.seeds("test", 1)[0])
    assert environment.optimum() == 0
    steps = [environment.step(environment.guide()) for _ in range(3)]
    assert [(step.done, step.truncated) for step in steps] == [(False, False), (False, False), (True, True)]


def test_pictures_show_walls_goal_agent_and_where_it_has_been():
    environment = environments.make("maze")
    environment.reset(environments.seeds("test", 1)[0])
    before = environment.frame()
    environment.step(environment.guide())
    after = environment.frame()
    assert before.shape == after.shape == (110, 110, 3)
    colours = [{tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()} for picture in (before, after)]
    assert [len(found) for found in colours] == [4, 5]


@pytest.mark.parametrize("changed", [{"cells": 2}, {"openings": 1.5}, {"max_steps": 0}, {"least_steps": 0}])
def test_a_setting_out_of_range_is_refused(changed):
    with pytest.raises(RecipeError, match=next(iter(changed))):
        environments.make("maze", changed)


def test_cells_differ_from_seed_to_seed():
    environment = environments.make("maze")
    seen = [environment.reset(seed) for seed in environments.seeds("train", 8)]
    assert all((one != other).any() for one, other in pairwise(seen))
