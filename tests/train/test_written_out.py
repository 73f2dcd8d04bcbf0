"""The scheme backpropagation: the same curve as Keras, the same checkpoints, clear limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tf_keras as keras

from mobilenn import networks
from mobilenn.core.errors import MobilennError, RecipeError
from mobilenn.data import Dataset
from mobilenn.train import events
from mobilenn.train.supervised import TrainRequest, train

Request = Callable[..., TrainRequest]
Make = Callable[..., Dataset]
CONFIG = {"input_shape": [8, 8, 1], "hidden": [12], "classes": 3}
SETTINGS = {"scheme": "backpropagation", "optimizer": "sgd", "learning_rate": 0.3, "config": CONFIG}


def test_full_batches_follow_keras_step_by_step(request_for: Request, digits: Make) -> None:
    """One batch an epoch leaves no order to differ in."""
    count = len(digits().train)
    numpy = train(request_for(folder="a", descent="batch", epochs=10, **SETTINGS), digits())
    library = {**SETTINGS, "scheme": "supervised", "batch_size": count, "epochs": 10}
    by_keras = train(request_for(folder="b", **library), digits())
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(numpy.history[name], by_keras.history[name], atol=1e-4)
    for one, other in zip(numpy.model.get_weights(), by_keras.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(("descent", "rate"), [("mini_batch", 0.05), ("stochastic", 0.005)])
def test_other_descents_learn(request_for: Request, digits: Make, descent: str, rate: float) -> None:
    settings = {**SETTINGS, "learning_rate": rate, "optimizer": "momentum", "epochs": 8}
    result = train(request_for(descent=descent, **settings), digits())
    assert result.history["val_accuracy"][-1] > 0.9
    images = digits().validation.inputs["image"].astype(np.float32)
    found = float((np.argmax(result.model(images), axis=1) == digits().validation.targets).mean())
    assert found == result.history["val_accuracy"][-1]


def test_a_regression_comes_back_in_the_targets_unit(request_for: Request, table: Dataset) -> None:
    config = {"input_shape": [3], "hidden": [4], "head": "regression", "classes": 1, "activation": "tanh"}
    settings = {**SETTINGS, "config": config, "learning_rate": 0.05, "epochs": 60}
    result = train(request_for(task="regression", **settings), table)
    made = result.model(table.test.inputs["features"]).numpy()
    assert ((made - table.test.targets) ** 2).mean() / table.test.targets.var() < 0.05


def test_a_killed_run_ends_with_the_same_bits(
    request_for: Request, digits: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "INTERVAL_S", 0.0)
    settings = {**SETTINGS, "optimizer": "momentum", "learning_rate": 0.1, "epochs": 5}
    expected = train(request_for(folder="whole", **settings), digits())

    def kill(event: dict[str, Any]) -> None:
        if event["epoch"] == 3:
            raise KeyboardInterrupt

    request = request_for(folder="killed", **settings)
    with pytest.raises(KeyboardInterrupt):
        train(request, digits(), kill)
    said: list[dict] = []
    resumed = train(request, digits(), said.append)
    assert [event["epoch"] for event in said] == [3, 4, 5]
    assert resumed.history == expected.history
    for one, other in zip(resumed.model.get_weights(), expected.model.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()
    finished = train(request, digits(), said.append)
    assert len(said) == 3
    assert finished.history == expected.history


def test_divergence_ends_in_one_line(request_for: Request, digits: Make) -> None:
    settings = {**SETTINGS, "learning_rate": 1000.0, "epochs": 50, "config": {**CONFIG, "activation": "linear"}}
    with pytest.raises(MobilennError, match="diverged in epoch"):
        train(request_for(**settings), digits())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"optimizer": "adam"}, "adam"),
        ({"schedule": "cosine"}, "schedule"),
        ({"precision": "mixed_float16"}, "precision"),
        ({"augment": {"shift_pixels": 1}}, "augment"),
        ({"early_stopping": 2}, "early_stopping"),
        ({"config": {**CONFIG, "dropout": 0.5}}, "dropout1"),
    ],
)
def test_what_is_not_written_out_is_refused(request_for: Request, digits: Make, change: dict, named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        train(request_for(**{**SETTINGS, **change}), digits())


def test_a_network_that_is_no_stack_is_refused(request_for: Request, digits: Make) -> None:
    config = {"input_size": 32, "channels": 1, "classes": 3, "width": 0.05, "depth": 11}
    with pytest.raises(RecipeError, match="conv"):
        train(request_for(network="vgg", **{**SETTINGS, "config": config}), digits(20, (32, 32, 1)))


def test_the_model_keeps_its_structure(request_for: Request, digits: Make) -> None:
    result = train(request_for(**SETTINGS), digits())
    keras.backend.clear_session()
    assert [layer.name for layer in result.model.layers] == [
        layer.name for layer in networks.make("mlp", CONFIG).layers
    ]
