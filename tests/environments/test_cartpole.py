"""The cart and the pole, held against Gym's where it is installed."""

from __future__ import annotations

import contextlib
import io
import math
import warnings

import numpy as np
import pytest

from mobilenn import environments
from mobilenn.core.errors import RecipeError
from mobilenn.environments.cartpole import CartPole, Settings, moved


def gym_s():
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        gym = pytest.importorskip("gym")
        return gym.make("CartPole-v1").unwrapped


def test_it_moves_as_gym_s():
    theirs, generator = gym_s(), np.random.default_rng(0)
    for seed in range(20):
        ours = environments.make("cartpole")
        theirs.state = tuple(ours.reset(seed).astype(np.float64))
        ours._state = theirs.state  # what float32 has rounded
        theirs.steps_beyond_terminated = theirs.steps_beyond_done = None
        for _ in range(500):
            action = int(generator.integers(2))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                seen, reward, done, *_ = theirs.step(action)
            step = ours.step(action)
            np.testing.assert_allclose(step.observation, seen, rtol=1e-5, atol=1e-6)
            assert (step.reward, step.done) == (reward, done)
            if done:
                break


def test_a_pole_that_stands_is_pushed_as_newton_says():
    x, speed, angle, turning = moved((0.0, 0.0, 0.0, 0.0), 10.0)
    assert (x, angle) == (0.0, 0.0)
    accelerated = (10 / 1.1) * -1 / (0.5 * (4 / 3 - 0.1 / 1.1))
    assert turning == pytest.approx(0.02 * accelerated)
    assert speed == pytest.approx(0.02 * (10 / 1.1 - 0.05 * accelerated / 1.1))


def test_an_episode_ends_where_the_pole_lies_or_the_track_ends_or_the_time_is_up():
    env = CartPole(Settings(max_steps=3))
    env.reset(0)
    env._state = (0.0, 0.0, math.radians(12.5), 0.0)
    fallen = env.step(1)
    assert (fallen.done, fallen.truncated) == (True, False)
    env.reset(0)
    env._state = (2.399, 1.0, 0.0, 0.0)
    assert env.step(1).done
    env.reset(0)
    steps = [env.step(number % 2) for number in range(3)]
    assert [step.done for step in steps] == [False, False, True]
    assert steps[-1].truncated
    assert env.score() == env.optimum() == 3


def test_starts_differ_and_repeat():
    env = environments.make("cartpole")
    starts = np.stack([env.reset(seed) for seed in range(100)])
    assert np.abs(starts).max() <= 0.05
    assert len(np.unique(starts, axis=0)) == 100
    assert np.array_equal(env.reset(7), starts[7])


def test_lengths_out_of_range_are_refused():
    with pytest.raises(RecipeError, match="max_steps is 0"):
        environments.make("cartpole", {"max_steps": 0})
