"""The loop: bit-identical repeats, resuming, early stopping, divergence, events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from mobilenn import networks
from mobilenn.core.errors import DataError, MobilennError, RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.train import callbacks, checkpoint, events
from mobilenn.train.config import Augment, FitConfig
from mobilenn.train.fit import FitRun, fit
from mobilenn.train.supervised import precision

CONFIG = {"input_shape": [8, 8, 1], "hidden": [12], "classes": 3, "dropout": 0.25}
SETTINGS = FitConfig(epochs=4, batch_size=16, learning_rate=0.01, schedule="cosine", augment=Augment(shift_pixels=1))


class KilledError(Exception):
    """Stands for a kill: nothing of ours catches it."""


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every step be told of."""
    monkeypatch.setattr(events, "INTERVAL_S", 0.0)


def fresh(**config: Any) -> keras.Model:
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    return networks.make("mlp", {**CONFIG, **config})


def bits(model: keras.Model) -> bytes:
    return b"".join(weight.tobytes() for weight in model.get_weights())


def run(folder: Path | None = None, **fields: Any) -> FitRun:
    return FitRun(**{"task": "classification", "seed": 5, "checkpoint_dir": folder, **fields})


def killer(epoch: int, step: int) -> Callable[[dict], None]:
    """An `emit` that kills training at a step."""

    def emit(event: dict[str, Any]) -> None:
        if (event.get("epoch"), event.get("step")) == (epoch, step):
            raise KilledError

    return emit


def finish(model: keras.Model, data: Dataset, settings: FitConfig, folder: Path) -> tuple[dict, list[dict]]:
    """Fits to the end; returns the history and the events."""
    said: list[dict] = []
    history = fit(model, data, settings, run(folder, emit=said.append))
    return history, said


def test_the_same_seed_gives_the_same_bits(digits: Callable[..., Dataset], tmp_path: Path) -> None:
    models = [fresh(), fresh(), fresh()]
    histories = [fit(m, digits(), SETTINGS, run(seed=seed)) for m, seed in zip(models, (5, 5, 6), strict=True)]
    assert bits(models[0]) == bits(models[1]) != bits(models[2])
    assert histories[0] == histories[1] != histories[2]
    assert {name: len(values) for name, values in histories[0].items()} == dict.fromkeys(
        ("loss", "accuracy", "val_loss", "val_accuracy"), 4
    )


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize(
    ("epoch", "step", "optimizer"), [(1, 3, "adam"), (2, 7, "adam"), (3, 1, "momentum"), (4, 6, "adam")]
)
def test_a_killed_run_ends_with_the_bits_of_an_undisturbed_one(
    digits: Callable[..., Dataset], tmp_path: Path, epoch: int, step: int, optimizer: str
) -> None:
    settings = replace(SETTINGS, optimizer=optimizer)
    whole = fresh()
    expected = fit(whole, digits(), settings, run())
    with pytest.raises(KilledError):
        fit(fresh(), digits(), settings, run(tmp_path, emit=killer(epoch, step)))
    resumed = fresh()
    history, said = finish(resumed, digits(), settings, tmp_path)
    assert said[0]["epoch"] == epoch, "more than one epoch was repeated, or none was"
    assert bits(resumed) == bits(whole)
    assert history == expected
    assert list(history) == list(expected)


@pytest.mark.usefixtures("every_step")
def test_a_finished_run_is_not_trained_again(digits: Callable[..., Dataset], tmp_path: Path) -> None:
    model = fresh()
    history, _ = finish(model, digits(), SETTINGS, tmp_path)
    again = fresh()
    repeated, said = finish(again, digits(), SETTINGS, tmp_path)
    assert said == []
    assert repeated == history
    assert bits(again) == bits(model)


@pytest.mark.usefixtures("every_step")
def test_batch_statistics_and_the_loss_scale_survive_a_kill(digits: Callable[..., Dataset], tmp_path: Path) -> None:
    def made() -> keras.Model:
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        with precision("mixed_float16"):
            image = keras.layers.Input((8, 8, 1), name="image")
            hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(image))
            dense = keras.layers.Dense(3)(keras.layers.Flatten()(hidden))
            return keras.Model(image, keras.layers.Softmax(name="probabilities", dtype="float32")(dense))

    data, settings = digits(20), FitConfig(epochs=2, batch_size=10, optimizer="adamw")
    whole, resumed = made(), made()
    fit(whole, data, settings, run())
    with pytest.raises(KilledError):
        fit(made(), data, settings, run(tmp_path, emit=killer(2, 1)))
    finish(resumed, data, settings, tmp_path)
    assert bits(resumed) == bits(whole)


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("change", [{"learning_rate": 0.02}, {"epochs": 5}])
def test_a_checkpoint_of_other_settings_is_not_used(
    digits: Callable[..., Dataset], tmp_path: Path, change: dict
) -> None:
    with pytest.raises(KilledError):
        fit(fresh(), digits(), SETTINGS, run(tmp_path, emit=killer(3, 1)))
    settings = replace(SETTINGS, **change)
    expected, model = fresh(), fresh()
    fit(expected, digits(), settings, run())
    _, said = finish(model, digits(), settings, tmp_path)
    assert "another run" in said[0]["warning"]
    assert said[1]["epoch"] == 1
    assert bits(model) == bits(expected)


@pytest.mark.usefixtures("every_step")
def test_a_checkpoint_of_other_data_is_not_used(digits: Callable[..., Dataset], tmp_path: Path) -> None:
    finish(fresh(), digits(), SETTINGS, tmp_path)
    data = digits()
    changed = np.array(data.train.inputs["image"])
    changed[0, 0, 0, 0] ^= 1
    other = replace(data, train=Split(inputs={"image": changed}, targets=data.train.targets))
    _, said = finish(fresh(), other, SETTINGS, tmp_path)
    assert "another run" in said[0]["warning"]


@pytest.mark.usefixtures("every_step")
def test_a_damaged_checkpoint_starts_training_over(digits: Callable[..., Dataset], tmp_path: Path) -> None:
    whole, model = fresh(), fresh()
    finish(whole, digits(), SETTINGS, tmp_path)
    path = checkpoint.path_in(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    _, said = finish(model, digits(), SETTINGS, tmp_path)
    assert "damaged" in said[0]["warning"]
    assert said[1]["epoch"] == 1
    assert bits(model) == bits(whole)


def worsening(data: Dataset) -> Dataset:
    """Validation labels turned round, so that learning raises the validation loss."""
    turned = Split(inputs=data.validation.inputs, targets=2 - data.validation.targets)
    return replace(data, validation=turned)


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("killed_at", [None, (2, 3), (4, 2)])
def test_early_stopping_restores_the_best_weights(
    digits: Callable[..., Dataset], tmp_path: Path, killed_at: tuple[int, int] | None
) -> None:
    data = worsening(digits())
    settings = FitConfig(epochs=12, batch_size=16, learning_rate=0.03, early_stopping=3)
    if killed_at is not None:
        with pytest.raises(KilledError):
            fit(fresh(dropout=0.0), data, settings, run(tmp_path, emit=killer(*killed_at)))
    model = fresh(dropout=0.0)
    history, _ = finish(model, data, settings, tmp_path)
    best = int(np.argmin(history["val_loss"]))
    assert len(history["loss"]) == best + 1 + 3 < 12
    reached = fresh(dropout=0.0)
    fit(reached, data, replace(settings, epochs=best + 1, early_stopping=0), run())
    assert bits(model) == bits(reached)
    again = fresh(dropout=0.0)
    finish(again, data, settings, tmp_path)
    assert bits(again) == bits(model)


def test_early_stopping_without_validation_is_refused(digits: Callable[..., Dataset]) -> None:
    data = digits()
    empty = Split(inputs={"image": data.train.inputs["image"][:0]}, targets=data.train.targets[:0])
    with pytest.raises(DataError, match="validation"):
        fit(fresh(), replace(data, validation=empty), replace(SETTINGS, early_stopping=1), run())
    history = fit(fresh(), replace(data, validation=empty), SETTINGS, run())
    assert sorted(history) == ["accuracy", "loss"]


def test_a_loss_that_is_no_number_ends_in_one_line(digits: Callable[..., Dataset], tmp_path: Path) -> None:
    settings = replace(SETTINGS, optimizer="sgd", learning_rate=1e3, schedule="constant")
    inputs = keras.layers.Input((8, 8, 1), name="image")
    hidden = keras.layers.Dense(4, activation="exponential")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="probabilities")(hidden))
    with pytest.raises(MobilennError, match=r"diverged in epoch 1: loss is (nan|inf)") as caught:
        fit(model, digits(), settings, run(tmp_path))
    assert caught.value.hint == "Set train.learning_rate below 1000."
    assert not checkpoint.path_in(tmp_path).exists()


def test_events_are_few_and_the_last_is_told(digits: Callable[..., Dataset]) -> None:
    said: list[dict] = []
    history = fit(fresh(), digits(), SETTINGS, run(stage="prune", emit=said.append))
    assert len(said) < 4 * 7
    last = said[-1]
    assert {key: last[key] for key in ("stage", "epoch", "epochs", "step", "steps")} == {
        "stage": "prune",
        "epoch": 4,
        "epochs": 4,
        "step": 7,
        "steps": 7,
    }
    assert last["metrics"] == {name: values[-1] for name, values in history.items()}


def test_several_steps_at_once_change_no_bit(digits: Callable[..., Dataset]) -> None:
    one, many = fresh(), fresh()
    fit(one, digits(), SETTINGS, run())
    fit(many, digits(), SETTINGS, run(steps_per_execution=3))
    assert bits(one) == bits(many)


@pytest.mark.slow
def test_a_compiled_step_learns_the_same(digits: Callable[..., Dataset]) -> None:
    plain, compiled = fresh(dropout=0.0), fresh(dropout=0.0)
    expected = fit(plain, digits(), SETTINGS, run())
    history = fit(compiled, digits(), SETTINGS, run(xla=True))
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning")
@pytest.mark.usefixtures("every_step")
def test_pruning_goes_on_after_a_kill(digits: Callable[..., Dataset], tmp_path: Path) -> None:
    """Fine-tuning callbacks read the optimizer's step, which the checkpoint restores."""
    import tensorflow_model_optimization as tfmot

    def wrapped() -> keras.Model:
        schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, 0.75, begin_step=0, end_step=21, frequency=1)
        model = fresh()
        return keras.models.clone_model(
            model,
            clone_function=lambda layer: (
                tfmot.sparsity.keras.prune_low_magnitude(layer, schedule)
                if isinstance(layer, keras.layers.Dense)
                else layer
            ),
        )

    def pruning(**fields: Any) -> FitRun:
        return run(stage="prune", callbacks=(tfmot.sparsity.keras.UpdatePruningStep(),), **fields)

    whole, resumed = wrapped(), wrapped()
    fit(whole, digits(), SETTINGS, pruning())
    with pytest.raises(KilledError):
        fit(wrapped(), digits(), SETTINGS, pruning(checkpoint_dir=tmp_path, emit=killer(3, 2)))
    fit(resumed, digits(), SETTINGS, pruning(checkpoint_dir=tmp_path))
    assert bits(resumed) == bits(whole)
    kernel = tfmot.sparsity.keras.strip_pruning(resumed).get_layer("hidden1").kernel.numpy()
    assert abs(float((kernel == 0).mean()) - 0.75) < 0.01


def test_metrics_of_the_main_output_lose_its_name() -> None:
    logs = {"loss": 1, "probabilities_accuracy": 0.5, "val_probabilities_accuracy": 0.25, "head_loss": 2.0}
    assert callbacks.plain_metrics(logs, "probabilities") == {
        "loss": 1.0,
        "accuracy": 0.5,
        "val_accuracy": 0.25,
        "head_loss": 2.0,
    }


class Watcher(keras.callbacks.Callback):
    """Calls a function after each step."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self.call = call

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.call()


def test_products_of_float32_are_whole_from_the_first_step(digits: Callable[..., Dataset]) -> None:
    seen = []
    asked = tf.config.experimental.tensor_float_32_execution_enabled
    tf.config.experimental.enable_tensor_float_32_execution(True)
    fit(fresh(), digits(), replace(SETTINGS, epochs=1), run(callbacks=(Watcher(lambda: seen.append(asked())),)))
    assert set(seen) == {False}
    assert not asked()


def test_what_a_gpu_cannot_repeat_is_named(digits: Callable[..., Dataset]) -> None:
    def refuse() -> None:
        said = "Graph execution error:\nDeterminism is not yet supported in GPU implementation of Odd.\n\t [[Odd]]"
        raise tf.errors.UnimplementedError(None, None, said)

    with pytest.raises(RecipeError, match="Determinism is not yet supported in GPU implementation of Odd") as caught:
        fit(fresh(), digits(), SETTINGS, run(callbacks=(Watcher(refuse),)))
    assert "train.deterministic = false" in caught.value.hint


def test_what_nobody_implemented_stays_what_it_is(digits: Callable[..., Dataset]) -> None:
    def refuse() -> None:
        raise tf.errors.UnimplementedError(None, None, "no kernel")

    with pytest.raises(tf.errors.UnimplementedError, match="no kernel"):
        fit(fresh(), digits(), SETTINGS, run(callbacks=(Watcher(refuse),)))
