"""Policies of other shapes learn too: a row an item by PPO, planning over a grid by double DQN."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import data as datasets
from mobilenn.core.errors import RecipeError
from mobilenn.core.records import from_dict
from mobilenn.train.config import TrainConfig
from mobilenn.train.supervised import TrainRequest, train

ITEMS = {"items": 5, "features": 4, "width": 8, "blocks": 1, "heads": 2, "hidden": 12}
GRID = {"observation_shape": [5, 5, 3], "iterations": 12}


def data(environment, **settings):
    table = {"environment": environment, "settings": settings, "validation": 50, "test": 50, "observations": 50}
    return datasets.load("episodes", table, seed=1)


def request(folder, network, config, agent, **changes):
    table = {"scheme": "reinforcement", "epochs": 1, "batch_size": 32, "learning_rate": 0.01, "agent": agent}
    settings = from_dict(TrainConfig, table | changes, "[train]")
    return TrainRequest(network=network, config=config, task="control", settings=settings, seed=5, out_dir=folder)


@pytest.mark.slow
def test_a_policy_of_a_row_an_item_learns_by_ppo(tmp_path):
    agent = {"algorithm": "ppo", "environments": 4, "steps": 16, "horizon": 8, "updates": 2, "discount": 1.0}
    knapsacks = data("knapsack", items=5)
    made = train(request(tmp_path, "item_policy", ITEMS, agent), knapsacks)
    assert np.isfinite(made.history["loss"]).all()
    assert 0.5 < made.history["val_share_of_optimum"][0] <= 1


def test_a_planner_has_nothing_that_ppo_could_read_a_states_worth_from(tmp_path):
    with pytest.raises(RecipeError, match=r"planner has no dense layer") as refused:
        train(request(tmp_path, "planner", GRID, {"algorithm": "ppo"}), data("maze", cells=3, least_steps=2))
    assert "dqn" in refused.value.hint


@pytest.mark.slow
def test_a_planner_learns_where_actions_lead_and_finds_its_way_through_mazes_it_has_not_seen(tmp_path):
    agent = {"discount": 0.9, "environments": 16, "steps": 100, "target_period": 20, "exploration_epochs": 3}
    mazes = data("maze", cells=3, least_steps=2, max_steps=20)
    changes = {"epochs": 10, "clip_norm": 1.0, "batch_size": 64, "learning_rate": 0.02}
    made = train(request(tmp_path, "planner", GRID, agent, **changes), mazes)
    assert max(made.history["val_solved"]) > 0.95
    assert made.model.count_params() == 46
