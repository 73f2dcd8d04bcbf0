"""Tic-tac-toe: legal moves, an opponent as strong as it is said to be, and who begins."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import environments
from mobilenn.core.errors import RecipeError
from mobilenn.environments._minimax import value
from mobilenn.environments._rollout import guided_actions, play, random_actions

TEST = environments.seeds("test", 300)


def always(numbers):
    return np.ones(len(numbers))


def test_whoever_plays_by_minimax_never_loses_and_beats_chance_often():
    perfect = play("tictactoe", {}, TEST, guided_actions(0, always))
    assert (perfect.scores == 1).all()
    assert (perfect.returns == 0).all()  # two perfect players always draw
    chance = play("tictactoe", {"opponent": "random"}, TEST, guided_actions(0, always))
    assert (chance.scores == 1).all()
    assert (chance.returns == 1).mean() > 0.8


def test_a_perfect_opponent_punishes_chance_and_a_random_one_does_not():
    against = {
        opponent: play("tictactoe", {"opponent": opponent}, TEST, random_actions(1)).scores.mean()
        for opponent in ("perfect", "mixed", "random")
    }
    assert against["perfect"] < against["mixed"] < against["random"]
    assert against["perfect"] < 0.4


def test_training_games_are_played_against_the_sparring_partner():
    settings = {"opponent": "perfect", "sparring": "random"}
    training = play("tictactoe", settings, environments.seeds("train", 300), guided_actions(0, always))
    assert (training.returns == 1).mean() > 0.8


@pytest.mark.parametrize(("first", "stones"), [(1.0, {0}), (0.0, {1}), (0.5, {0, 1})])
def test_the_share_of_first_moves_is_as_asked(first, stones):
    environment = environments.make("tictactoe", {"first": first})
    assert {int(environment.reset(seed)[..., 1].sum()) for seed in TEST[:40]} == stones


def test_a_game_alternates_shows_what_is_allowed_and_ends_when_it_is_decided():
    environment = environments.make("tictactoe", {"opponent": "mixed"})
    for seed in TEST[:50]:
        observation, done = environment.reset(seed), False
        before = value(environment.mine, environment.theirs)
        generator = np.random.default_rng(seed)
        while not done:
            mine, theirs, empty = np.moveaxis(observation, -1, 0).reshape(3, 9)
            np.testing.assert_array_equal(mine + theirs + empty, 1)
            np.testing.assert_array_equal(empty, environment.legal())
            assert mine.sum() + (not environment.begins) == theirs.sum()
            step = environment.step(int(generator.choice(np.flatnonzero(empty))))
            observation, done = step.observation, step.done
            assert (step.reward != 0) <= done
        assert environment.outcome() != "open"
        assert environment.score() == (step.reward >= 0)
        assert before <= 0 or environment.begins


def test_pictures_show_stones_of_two_colours():
    environment = environments.make("tictactoe", {"first": 1.0})
    environment.reset(TEST[0])
    empty = environment.frame()
    environment.step(environment.guide())
    played = environment.frame()
    assert empty.shape == played.shape == (72, 72, 3)
    colours = [len({tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()}) for picture in (empty, played)]
    assert colours == [2, 4]


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(RecipeError, match="first"):
        environments.make("tictactoe", {"first": 1.5})
    with pytest.raises(RecipeError, match="opponent"):
        environments.make("tictactoe", {"opponent": "weak"})
