"""Episodes played with a predict function, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mobilenn import data, evaluate

OWN = Path(__file__).parents[1] / "environments" / "corridor.py"


@pytest.fixture
def dataset():
    return data.load("episodes", {"environment": f"{OWN}:Corridor", "test": 30, "validation": 4}, 1)


def goes_to_the_goal(inputs):
    seen = inputs["observation"]
    return {"values": seen[:, :2], "action": seen[:, 1].astype(np.int32)[:, None]}


def never_moves_on(inputs):
    return {"values": inputs["observation"][:, :2], "action": np.zeros(len(inputs["observation"]), np.int32)}


def test_the_environment_names_the_measure(dataset):
    found = evaluate.evaluate("control", goes_to_the_goal, dataset.test, dataset.labels)
    assert (found.metric, found.value, found.higher_is_better) == ("solved", 1.0, True)
    assert found.details["episodes"] == 30
    assert found.details["mean_steps"] == 2.0
    assert found.details["optimum"] == found.details["optimal"] == 1.0
    assert sum(found.details["histogram"]["counts"]) == 30


def test_a_policy_that_only_goes_back_reaches_the_goals_that_lie_there(dataset):
    found = evaluate.evaluate("control", never_moves_on, dataset.test, dataset.labels)
    environment_starts = dataset.test.context["seeds"]
    behind = [int(np.random.default_rng(seed).integers(2)) == 0 for seed in environment_starts]
    assert found.value == pytest.approx(np.mean(behind))
    assert found.details["least_score"] == 0.0
    assert found.details["optimal"] == found.value


def test_a_recording_is_judged_like_what_it_is_of(dataset):
    recorded = evaluate.outputs("control", never_moves_on, dataset.test)
    assert len(recorded["values"]) == len(dataset.test)
    assert recorded["episode_actions"].shape[0] == 30
    again = evaluate.evaluate("control", lambda _: recorded, dataset.test, dataset.labels)
    assert again == evaluate.evaluate("control", never_moves_on, dataset.test, dataset.labels)


def test_tasks_that_are_not_played_have_their_outputs_and_no_more():
    split = data.Split(inputs={"x": np.zeros((2, 1))}, targets=np.zeros(2, np.int64))
    assert evaluate.outputs("classification", lambda _: {"probabilities": 3}, split) == {"probabilities": 3}


def test_baselines_are_chance_and_the_rule(dataset):
    chance, rule = (evaluate.baseline("control", name, dataset) for name in ("random", "rule"))
    assert rule == 1.0
    assert 0.3 < chance < 1.0
