"""Golden lessons: what Keras' losses do over a few steps, and that a file is held to them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mobilenn.core.errors import ConversionError
from mobilenn.core.recipe import Trainable
from mobilenn.jobs.lessons import STEPS, lesson
from mobilenn.networks import mlp, perceptron

FEATURES = np.random.default_rng(0).normal(scale=30, size=(6, 5)).astype(np.float32)


@pytest.mark.parametrize("head", ["classification", "regression"])
def test_the_loss_falls_and_the_network_stays_as_it_is(head):
    model = mlp.build(mlp.Config(input_shape=(5,), hidden=(8,), classes=3, head=head))
    before = model.get_weights()
    found = lesson(model, Trainable(), {"features": FEATURES})
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert len(found["losses"]) == STEPS
    assert found["losses"][-1] < found["losses"][0]
    assert np.shape(found["targets"]) == ((6,) if head == "classification" else (6, 3))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_network_without_gradients_has_no_lesson():
    with pytest.raises(ConversionError, match="Concatenate"):
        lesson(perceptron.build(perceptron.TINY), Trainable(), {"features": FEATURES[:, :2]})
