"""Policies over tables and grids, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn.core.errors import RecipeError
from mobilenn.networks.policy import Config, adapt, build


def test_a_grid_goes_through_convolutions_and_its_last_channel_forbids():
    config = Config(observation_shape=(3, 3, 2), actions=9, filters=(4,), hidden=(8,), masked=True)
    model = build(config)
    seen = np.zeros((2, 3, 3, 2), np.float32)
    seen[0, 2, 1, 1] = seen[1, 0, 2, 1] = 1  # one cell is free
    values, action = model(seen)
    assert values.shape == (2, 9)
    assert action.numpy().tolist() == [7, 2]
    assert [layer.name for layer in model.layers if "conv" in layer.name] == ["conv1"]


def test_numbers_are_standardised_by_what_was_seen():
    model = build(Config(standardise=True))
    seen = np.random.default_rng(0).normal([3, 0, -2, 100], [1, 5, 0.1, 30], (500, 4)).astype(np.float32)
    adapt(model, seen)
    made = model.get_layer("standardise")(seen).numpy()
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(made.std(0), 1, atol=1e-3)
    adapt(build(Config()), seen)  # has nothing to set


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"observation_shape": (3, 3)}, "observation_shape is"),
        ({"filters": (4,)}, "filters needs a grid"),
        ({"observation_shape": (3, 3, 1), "standardise": True}, "standardise is for tables"),
        ({"activation": "gelu"}, "activation is gelu"),
        ({"actions": 1}, "actions is 1"),
        ({"observation_shape": (2,), "masked": True}, "cannot say which of 2 actions"),
        ({"observation_shape": (3, 3, 2), "actions": 4, "masked": True}, "cannot say which of 4 actions"),
    ],
)
def test_what_cannot_be_built_is_refused(settings, said):
    with pytest.raises(RecipeError, match=said):
        Config(**settings)
