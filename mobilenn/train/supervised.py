"""Supervised training: a network, labelled data, and a float32 model at the end."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn import networks
from mobilenn.core.errors import RecipeError
from mobilenn.core.records import from_dict
from mobilenn.data import Dataset, validate
from mobilenn.train import distribution, targets
from mobilenn.train.checkpoint import Snapshot, path_in
from mobilenn.train.config import TrainConfig
from mobilenn.train.events import Emit
from mobilenn.train.fit import FitRun, fit_from_checkpoint, repeatable
from mobilenn.train.objective import SEQUENCES, main_output

# By task whose outputs have names: what they are called, and the key of [config] that says how many.
NAMED = {
    "classification": ("classes", "classes"),
    "clustering": ("classes", "clusters"),
    "association": ("items", "items"),
    "recommendation": ("items", "items"),
    "control": ("actions", "actions"),
}
STANDARDISED = ("features", "observation")  # inputs of numbers in units of their own
# Schemes without Keras' loop: the file beside this one, and its function (model, data, settings, run) → Snapshot,
# which leaves the weights in the model.
OTHERS = {
    "backpropagation": ("written_out", "train_written_out"),
    "clustering": ("clustering", "train_clustering"),
    "mining": ("mining", "train_mining"),
    "adversarial": ("adversarial", "train_adversarial"),
    "reinforcement": ("reinforcement", "train_reinforcement"),
}


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What to train.

    Args:
        network: a name or a path, as `mobilenn.networks` takes it.
        config: the network's Config as plain values.
        task: a file under mobilenn/evaluate that `objective` knows.
        settings: the recipe's [train] table.
        seed: of weights, order, augmentation and dropout; 0 to 2³² − 1.
        out_dir: receives `checkpoint/` and, where asked for, `tensorboard/`.
    """

    network: str
    config: Mapping[str, Any]
    task: str
    settings: TrainConfig
    seed: int
    out_dir: Path


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What came out.

    Args:
        model: the network as it ships, float32, without heads that only training needs.
        history: a value per epoch by metric.
        parameters: of `model`.
        seconds: spent in training, over all interruptions.
    """

    model: keras.Model
    history: Mapping[str, list[float]]
    parameters: int
    seconds: float


def train(request: TrainRequest, data: Dataset, emit: Emit = lambda _: None) -> TrainResult:
    """Trains a network; called again after a kill, it goes on after the last finished epoch.

    The network is built once as it ships. Where training wants something else (further heads, mixed
    precision, several devices), a second model is trained and its weights are copied back by layer
    name: a mixed_float16 model could not be converted.

    Args:
        request: what to train.
        data: inputs are named as the network's.
        emit: receives `{"stage": "train", "epoch", "epochs", "step", "steps", "metrics"}`, and
            `{"stage": "train", "warning"}`.

    Returns:
        The trained model and how it went.

    Raises:
        DataError: the data have faults; each is listed.
        RecipeError: network, data and settings do not fit together.
        MobilennError: training diverged, or the device has too little memory.
    """
    settings = request.settings
    if not 0 <= request.seed < 1 << 32:
        raise RecipeError(f"The seed is {request.seed}.", "Allowed: 0 to 4294967295.")
    validate(data)
    strategy = distribution.make_strategy(settings.strategy)
    keras.backend.clear_session()
    repeatable(request.seed, settings.deterministic)
    shipped = networks.make(request.network, request.config)
    check_data(shipped, data, request.task)
    _adapt(shipped, request, data)
    if settings.scheme in OTHERS:
        file, function = OTHERS[settings.scheme]
        scheme = getattr(importlib.import_module(f"mobilenn.train.{file}"), function)
        snapshot = scheme(shipped, data, settings, _fit_run(request, {}, None, emit))
    else:
        snapshot = _supervised(shipped, data, request, strategy, emit)
    history = {name: list(values) for name, values in snapshot.history.items()}
    return TrainResult(model=shipped, history=history, parameters=shipped.count_params(), seconds=snapshot.seconds)


def _supervised(
    shipped: keras.Model, data: Dataset, request: TrainRequest, strategy: tf.distribute.Strategy | None, emit: Emit
) -> Snapshot:
    """Trains through Keras; leaves the weights in `shipped`."""
    unit = None
    if request.task == "regression" and targets.foldable(shipped):
        data, unit = targets.standardised(data)
    with precision(request.settings.precision):
        model, loss_weights = _training_model(shipped, request, strategy)
        run = _fit_run(request, loss_weights, strategy, emit)
        snapshot = fit_from_checkpoint(model, data, request.settings, run)
    if model is not shipped:
        copy_weights(model, shipped)
    if unit is not None:
        targets.fold(shipped, unit)
    return snapshot


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Makes the layers built in the block compute in `policy`."""
    keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy("float32")


def _training_model(
    shipped: keras.Model, request: TrainRequest, strategy: tf.distribute.Strategy | None
) -> tuple[keras.Model, dict[str, float]]:
    """Returns the model to train, starting from the weights of `shipped`, and its loss weights."""
    module = networks.module(request.network)
    extended = getattr(module, "build_for_training", None)
    if extended is None and strategy is None and request.settings.precision == "float32":
        return shipped, {}
    with (strategy or tf.distribute.get_strategy()).scope():
        config = from_dict(module.Config, request.config, "[config]")
        model, loss_weights = extended(config) if extended else (module.build(config), {})
    copy_weights(shipped, model)
    return model, loss_weights


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies the weights of every layer that both models have, by name."""
    known = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        if layer.weights and layer.name in known:
            layer.set_weights(known[layer.name].get_weights())


def _fit_run(
    request: TrainRequest, loss_weights: Mapping[str, float], strategy: tf.distribute.Strategy | None, emit: Emit
) -> FitRun:
    settings, callbacks = request.settings, ()
    if settings.tensorboard and distribution.is_chief(strategy):
        folder = request.out_dir / "tensorboard"
        if not path_in(request.out_dir / "checkpoint").exists():
            shutil.rmtree(folder, ignore_errors=True)  # curves of another run
        callbacks = (keras.callbacks.TensorBoard(folder, write_graph=False),)
    return FitRun(
        task=request.task,
        seed=request.seed,
        loss_weights=loss_weights,
        callbacks=callbacks,
        checkpoint_dir=request.out_dir / "checkpoint",
        emit=emit,
        xla=settings.xla,
        strategy=strategy,
        steps_per_execution=settings.steps_per_execution,
        deterministic=settings.deterministic,
        discriminator=_discriminator(request),
    )


def _discriminator(request: TrainRequest) -> keras.Model | None:
    """What a generator is trained against; None where the scheme or the network knows none."""
    module = networks.module(request.network)
    if request.settings.scheme != "adversarial" or not hasattr(module, "discriminator"):
        return None
    return module.discriminator(from_dict(module.Config, request.config, "[config]"))


def _adapt(model: keras.Model, request: TrainRequest, data: Dataset) -> None:
    """Gives a network that standardises its table the training split's mean and variance."""
    adapt = getattr(networks.module(request.network), "adapt", None)
    name = next((name for name in STANDARDISED if name in data.train.inputs), None)
    if adapt is not None and name is not None:
        rows = np.arange(len(data.train))
        adapt(model, np.asarray(data.train.inputs[name][rows]))


def check_data(model: keras.Model, data: Dataset, task: str) -> None:
    """Raises RecipeError where the network's inputs and outputs are not those of the data.

    Args:
        model: the network as it ships.
        data: what it shall be trained on.
        task: decides which output is compared with the targets.
    """
    wanted = {name: tuple(tensor.shape[1:]) for name, tensor in zip(model.input_names, model.inputs, strict=True)}
    given = {name: tuple(array.shape[1:]) for name, array in data.train.inputs.items()}
    if wanted != given:
        message = f"The network {model.name} takes {_listed(wanted)}, and the data give {_listed(given)}."
        raise RecipeError(message, "Change [config] or [data] so that both agree.")
    if task == "clustering" and not data.labels:
        return  # any number of clusters will do
    if task == "generation":
        return _check_images(model, data)
    output = model.outputs[model.output_names.index(main_output(model, task))]
    units = int(output.shape[-1])
    expected, kind, key = _expected_units(data, task)
    if units != expected:
        message = f"The network {model.name} has {units} outputs, and the data have {expected} {kind}."
        raise RecipeError(message, f"Set config.{key} = {expected}.")


def _check_images(model: keras.Model, data: Dataset) -> None:
    """Raises RecipeError where a generator's images are not of the size of the data's."""
    output = model.outputs[model.output_names.index(main_output(model, "generation"))]
    made, real = tuple(output.shape[1:]), data.train.context["images"].shape[1:]
    if made != real:
        message = f"The network {model.name} makes images {'×'.join(map(str, made))}, and the data give "
        raise RecipeError(f"{message}{'×'.join(map(str, real))}.", "Change [config] or [data] so that both agree.")


def _expected_units(data: Dataset, task: str) -> tuple[int, str, str]:
    """How many outputs the data ask for, what they are, and the key of [config] that says so."""
    if task in SEQUENCES:
        return len(data.preprocessing["vocabulary"]["tokens"]), "tokens", "vocabulary"
    if task in NAMED:
        return len(data.labels), *NAMED[task]
    if task == "ranking":
        return data.train.targets.shape[1], "documents a list", "documents"
    return int(np.prod(data.train.targets.shape[1:], dtype=int)), "targets", "classes"


def _listed(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {'×'.join(map(str, shape))}" for name, shape in sorted(shapes.items()))
