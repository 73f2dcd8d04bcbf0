"""One kit for every environment: whatever stands in mobilenn/environments has to pass it."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest

from mobilenn import data, environments, evaluate
from mobilenn.environments._faults import allowed_in, check
from mobilenn.environments._rollout import guided_actions, play, random_actions
from mobilenn.train.py_environment import AsPyEnvironment, together

OWN = Path(__file__).parents[1] / "environments" / "corridor.py"
NAMES = (*environments.names(), f"{OWN}:Corridor", f"{OWN}:WalledCorridor")


@pytest.fixture(params=NAMES, ids=lambda name: Path(name).name)
def name(request):
    return request.param


def test_it_keeps_its_word(name):
    check(name)


def test_it_stands_in_a_recipe_s_words(name):
    environment = environments.make(name)
    assert evaluate.methods("control") == ("random", "rule")
    assert environment.metric.isidentifier()
    assert len(environments.fingerprint(name).split()) == 2


def test_frames_are_small_pictures_of_one_size(name):
    environment = environments.make(name)
    environment.reset(environments.seeds("train", 1)[0])
    first = environment.frame()
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert max(first.shape) <= 240
    done, steps = False, 0
    while not done and steps < 20:
        done, steps = environment.step(int(np.flatnonzero(environment.legal())[0])).done, steps + 1
        assert environment.frame().shape == first.shape


def test_scores_stay_below_the_optimum(name):
    seeds = environments.seeds("train", 20)
    for act in (random_actions(1), guided_actions(1, np.ones_like)):
        played = play(name, {}, seeds, act)
        assert np.isfinite(played.scores).all()
        known = np.isfinite(played.optima)
        assert (played.scores[known] <= played.optima[known] + 1e-6).all()
        assert played.steps.max() <= environments.make(name).max_steps


def test_the_rule_is_better_than_chance(name):
    seeds = environments.seeds("train", 60)
    environment = environments.make(name)
    environment.reset(seeds[0])
    if environment.guide() is None:
        pytest.skip("it has no rule")
    rule = play(name, {}, seeds, guided_actions(1, np.ones_like)).scores.mean()
    assert rule > play(name, {}, seeds, random_actions(1)).scores.mean()


def test_what_the_rule_says_is_allowed(name):
    environment = environments.make(name)
    for seed in environments.seeds("train", 5):
        environment.reset(seed)
        for _ in range(environment.max_steps):
            action = environment.guide()
            if action is None:
                return
            assert environment.legal()[action]
            if environment.step(action).done:
                break


def test_tf_agents_validates_it(name):
    from tf_agents.environments import utils

    played = environments.make(name)
    environment = AsPyEnvironment(played, iter(environments.seeds("train", 50)))

    def split(observation):
        return observation, allowed_in(observation, played).astype(np.int32)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        utils.validate_py_environment(environment, 3, split if played.masked else None)


def test_several_together_go_as_each_alone(name):
    seeds = environments.seeds("train", 3)
    batched = together(name, {}, 3, iter(seeds + environments.seeds("train", 500, salt=1)))
    alone = [environments.make(name) for _ in seeds]
    firsts = [environment.reset(seed) for environment, seed in zip(alone, seeds, strict=True)]
    np.testing.assert_array_equal(batched.reset().observation, np.stack(firsts))
    for _ in itertools.repeat(None, 10):
        actions = [int(np.flatnonzero(environment.legal())[0]) for environment in alone]
        made = batched.step(np.array(actions, np.int32))
        steps = [environment.step(action) for environment, action in zip(alone, actions, strict=True)]
        np.testing.assert_array_equal(made.observation, np.stack([step.observation for step in steps]))
        np.testing.assert_allclose(made.reward, [step.reward for step in steps], rtol=1e-6)
        assert list(made.is_last()) == [step.done for step in steps]
        assert list(made.discount) == [float(not step.done or step.truncated) for step in steps]
        if any(step.done for step in steps):
            break


def test_its_episodes_are_data(name):
    dataset = data.load("episodes", {"environment": name, "test": 5, "validation": 5}, seed=1)
    data.validate(dataset)
    again = data.load("episodes", {"environment": name, "test": 5, "validation": 5}, seed=2)
    assert dataset.test.context["seeds"] == again.test.context["seeds"]
    assert dataset.validation.context["seeds"] != again.validation.context["seeds"]
    np.testing.assert_array_equal(dataset.test.inputs["observation"], again.test.inputs["observation"])
    assert evaluate.baseline("control", "random", dataset) >= 0.0 or environments.make(name).metric == "mean_return"
