"""Supervised training from request to result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras

from mobilenn import networks
from mobilenn.core.errors import DataError, MobilennError, RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.train.supervised import TrainRequest, TrainResult, train

Request = Callable[..., TrainRequest]
Make = Callable[..., Dataset]


def accuracy(result: TrainResult, split: Split) -> float:
    inputs = {name: np.asarray(array, np.float32) for name, array in split.inputs.items()}
    return float((np.argmax(result.model(inputs), axis=1) == split.targets).mean())


def test_it_learns_and_says_what_it_did(request_for: Request, digits: Make) -> None:
    said: list[dict] = []
    result = train(request_for(epochs=6, learning_rate=0.01), digits(), said.append)
    assert accuracy(result, digits().test) > 0.9
    assert result.parameters == 8 * 8 * 12 + 12 + 12 * 3 + 3
    assert result.seconds > 0
    assert len(result.history["val_accuracy"]) == 6
    assert said[-1]["metrics"]["loss"] == result.history["loss"][-1]


def test_a_request_repeats_bit_by_bit(request_for: Request, digits: Make) -> None:
    one, other = (train(request_for(folder=folder), digits()) for folder in ("a", "b"))
    for first, second in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_returns_a_float32_model(request_for: Request, digits: Make, policy: str) -> None:
    settings = {"epochs": 4, "learning_rate": 0.01, "config": {"input_shape": [8, 8, 1], "hidden": [12], "classes": 3}}
    plain = train(request_for(folder="plain", **settings), digits())
    mixed = train(request_for(folder="mixed", precision=policy, **settings), digits())
    assert keras.mixed_precision.global_policy().name == "float32"
    assert {layer.compute_dtype for layer in mixed.model.layers} == {"float32"}
    assert all(weight.dtype == np.float32 for weight in mixed.model.get_weights())
    images = digits().test.inputs["image"].astype(np.float32)
    # Twelve mantissa bits lost on the way: the models drift apart, but stay the same classifier.
    np.testing.assert_allclose(mixed.model(images), plain.model(images), atol=0.05)
    np.testing.assert_allclose(mixed.history["loss"], plain.history["loss"], rtol=0.05)
    assert mixed.history["loss"] != plain.history["loss"]


WITH_HEAD = """
from dataclasses import dataclass
import tf_keras as keras

@dataclass(frozen=True, kw_only=True)
class Config:
    classes: int = 3

def trunk(config):
    image = keras.layers.Input((8, 8, 1), name="image")
    hidden = keras.layers.Dense(6, activation="relu", name="hidden")(keras.layers.Flatten(name="flatten")(image))
    return image, hidden, keras.layers.Dense(config.classes, activation="softmax", name="probabilities")(hidden)

def build(config):
    image, _, made = trunk(config)
    return keras.Model(image, made, name="own")

def build_for_training(config):
    image, hidden, made = trunk(config)
    head = keras.layers.Dense(config.classes, activation="softmax", name="head")(hidden)
    return keras.Model(image, [made, head], name="own"), {"head": 0.25}
"""


def test_further_heads_train_and_leave(request_for: Request, digits: Make, tmp_path: Path) -> None:
    network = tmp_path / "own.py"
    network.write_text(WITH_HEAD, encoding="utf-8")
    keras.utils.set_random_seed(7)
    before = networks.make(str(network), {}).get_weights()
    result = train(request_for(network=str(network), config={}, epochs=2), digits())
    assert result.model.output_names == ["probabilities"]
    assert result.parameters == 64 * 6 + 6 + 6 * 3 + 3
    assert {"loss", "accuracy", "head_loss", "val_head_loss", "val_accuracy"} <= set(result.history)
    last = {name: values[-1] for name, values in result.history.items()}
    np.testing.assert_allclose(last["loss"], last["probabilities_loss"] + 0.25 * last["head_loss"], rtol=1e-4)
    after = result.model.get_weights()
    assert all(not np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.slow
def test_googlenets_heads_train_and_leave(request_for: Request, digits: Make) -> None:
    config = {"input_size": 32, "channels": 1, "classes": 3, "width": 0.05}
    request = request_for(network="googlenet", config=config, epochs=1, batch_size=10)
    result = train(request, digits(20, (32, 32, 1)))
    assert result.model.output_names == ["probabilities"]
    last = {name: values[-1] for name, values in result.history.items()}
    total = last["probabilities_loss"] + 0.3 * (last["auxiliary1_loss"] + last["auxiliary2_loss"])
    np.testing.assert_allclose(last["loss"], total, rtol=1e-4)


def test_a_regression_comes_back_in_the_targets_unit(request_for: Request, table: Dataset) -> None:
    config = {"input_shape": [3], "hidden": [], "head": "regression", "classes": 1}
    request = request_for(task="regression", config=config, epochs=15, learning_rate=0.2, schedule="cosine")
    result = train(request, table)
    made = result.model(table.test.inputs["features"]).numpy()
    unexplained = ((made - table.test.targets) ** 2).mean() / table.test.targets.var()
    assert unexplained < 0.02
    assert result.history["val_loss"][-1] < 0.02
    mean = result.model.get_layer("standardise").mean.numpy()
    np.testing.assert_allclose(mean[0], table.train.inputs["features"].mean(axis=0), rtol=1e-4)


def test_a_step_learns_as_a_sigmoid(request_for: Request) -> None:
    rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 8, np.float32)
    split = Split(inputs={"features": rows}, targets=(rows.sum(axis=1) > 1).astype(np.int64))
    data = Dataset(train=split, validation=split, test=split, labels=("no", "yes"), description="and", preprocessing={})
    config = {"activation": "step"}
    request = request_for(network="perceptron", config=config, epochs=25, learning_rate=0.3)
    result = train(request, data)
    assert accuracy(result, split) == 1.0
    assert set(np.unique(result.model(rows))) == {0.0, 1.0}


def test_tensorboard_logs_are_of_this_run(request_for: Request, digits: Make) -> None:
    request = request_for(tensorboard=True)
    stale = request.out_dir / "tensorboard" / "train" / "events.out.tfevents.old"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"")
    train(request, digits())
    names = [path.parent.name for path in (request.out_dir / "tensorboard").rglob("events.out.tfevents.*")]
    assert sorted(names) == ["train", "validation"]
    assert not stale.exists()


def test_without_the_option_only_the_checkpoint_is_written(request_for: Request, digits: Make) -> None:
    request = request_for()
    train(request, digits())
    assert [path.name for path in request.out_dir.rglob("*") if path.is_file()] == ["checkpoint.npz"]


def test_divergence_leaves_no_trace_in_the_process(request_for: Request, digits: Make) -> None:
    config = {"input_shape": [8, 8, 1], "hidden": [12, 12], "classes": 3, "activation": "linear"}
    settings = {"optimizer": "sgd", "learning_rate": 1000.0, "precision": "mixed_bfloat16", "epochs": 50}
    with pytest.raises(MobilennError, match="diverged"):
        train(request_for(config=config, **settings), digits())
    assert keras.mixed_precision.global_policy().name == "float32"


def test_a_network_of_another_size_is_refused(request_for: Request, digits: Make) -> None:
    with pytest.raises(RecipeError, match="takes image 8×8×1, and the data give image 9×9×1"):
        train(request_for(), digits(30, (9, 9, 1)))


def test_a_network_with_other_classes_is_refused(request_for: Request, digits: Make) -> None:
    data = digits()
    parts = {part: getattr(data, part) for part in ("train", "validation", "test")}
    halved = {part: replace(split, targets=split.targets % 2) for part, split in parts.items()}
    with pytest.raises(RecipeError, match="3 outputs, and the data have 2 classes") as caught:
        train(request_for(), replace(data, labels=("a", "b"), **halved))
    assert "config.classes = 2" in caught.value.hint


def test_faulty_data_are_refused_before_anything_is_built(request_for: Request, digits: Make) -> None:
    data = digits()
    wrong = replace(data.train, targets=data.train.targets + 1)
    with pytest.raises(DataError) as caught:
        train(request_for(), replace(data, train=wrong))
    assert any("has no label" in fault for fault in caught.value.faults)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(request_for: Request, digits: Make, seed: int) -> None:
    with pytest.raises(RecipeError, match="seed"):
        train(replace(request_for(), seed=seed), digits())


def test_a_folder_that_cannot_be_written_is_told_of(request_for: Request, digits: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MobilennError, match="Cannot write"):
        train(request_for(folder="file"), digits())
