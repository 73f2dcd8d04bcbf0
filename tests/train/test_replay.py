"""What a value learner remembers: a ring, and rewards added up over several steps."""

from __future__ import annotations

import numpy as np

from mobilenn.train.crew import Moves
from mobilenn.train.replay import Replay


def moves(step, rewards=(1.0,), over=False, cut=False):
    count = len(rewards)
    return Moves(
        observations=np.full((count, 2), step, np.float32),
        actions=np.full(count, step, np.int32),
        rewards=np.array(rewards, np.float32),
        discounts=np.full(count, float(not over or cut), np.float32),
        following=np.full((count, 2), step + 1, np.float32),
        done=np.full(count, over),
    )


def everything(replay):
    """What is remembered, without drawing: the columns, as they stand."""
    state = replay.state()
    return {name: state[name] for name in ("observation", "action", "reward", "discount", "following")}


def test_the_oldest_is_forgotten_first():
    replay = Replay(4, (2,), ahead=1, discount=0.9)
    for step in range(6):
        replay.add(moves(step))
    assert len(replay) == 4
    assert sorted(everything(replay)["action"]) == [2, 3, 4, 5]


def test_rewards_are_added_up_and_the_state_after_them_is_kept():
    replay = Replay(10, (2,), ahead=3, discount=0.5)
    for step in range(5):
        replay.add(moves(step, rewards=(float(step + 1),)))
    kept = everything(replay)
    assert kept["action"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(kept["reward"], [1 + 0.5 * 2 + 0.25 * 3, 2 + 0.5 * 3 + 0.25 * 4, 3 + 2 + 0.25 * 5])
    np.testing.assert_allclose(kept["discount"], 0.25)  # the agent's own discount makes it 0.125
    np.testing.assert_allclose(kept["following"][:, 0], [3, 4, 5])


def test_an_end_closes_every_window_with_nothing_to_come():
    replay = Replay(10, (2,), ahead=3, discount=0.5)
    replay.add(moves(0))
    replay.add(moves(1, over=True))
    kept = everything(replay)
    assert kept["action"].tolist() == [0, 1]
    np.testing.assert_allclose(kept["reward"], [1.5, 1.0])
    np.testing.assert_allclose(kept["discount"], 0.0)


def test_an_episode_that_was_cut_off_still_has_something_to_come():
    replay = Replay(10, (2,), ahead=3, discount=0.5)
    replay.add(moves(0))
    replay.add(moves(1, over=True, cut=True))
    np.testing.assert_allclose(everything(replay)["discount"], [0.5, 1.0])


def test_environments_do_not_mix():
    replay = Replay(10, (2,), ahead=2, discount=1.0)
    replay.add(moves(0, rewards=(1.0, 10.0)))
    replay.add(moves(1, rewards=(2.0, 20.0)))
    np.testing.assert_allclose(everything(replay)["reward"], [3.0, 30.0])


def test_it_is_put_back_as_it_was():
    first, second = (Replay(5, (2,), ahead=1, discount=0.9) for _ in range(2))
    for step in range(7):
        first.add(moves(step))
    second.restore(first.state())
    for replay in (first, second):
        replay.add(moves(9))
    drawn = [replay.draw((3, 4), np.random.default_rng(1)) for replay in (first, second)]
    assert drawn[0]["observation"].shape == (3, 4, 2)
    for name in drawn[0]:
        np.testing.assert_array_equal(drawn[0][name], drawn[1][name])
