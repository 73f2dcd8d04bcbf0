"""The scheme `backpropagation`: a Keras stack of dense layers, trained by the four steps written out in numpy."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

import numpy as np
import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.train import backpropagation as steps
from mobilenn.train import checkpoint, targets
from mobilenn.train.backpropagation import BackpropagationConfig
from mobilenn.train.callbacks import check_metrics, lower_rate
from mobilenn.train.checkpoint import Snapshot, named
from mobilenn.train.config import TrainConfig, check_taken
from mobilenn.train.events import Events
from mobilenn.train.fit import FitRun
from mobilenn.train.identity import run_key

_TAKEN = {"epochs", "batch_size", "optimizer", "learning_rate", "scheme", "descent", "deterministic"}
_BEFORE = ("InputLayer", "Rescaling", "Flatten", "Normalization")  # layers before the first dense one

Samples = tuple[np.ndarray, np.ndarray]


def train_written_out(model: keras.Model, data: Dataset, settings: TrainConfig, run: FitRun) -> Snapshot:
    """Trains a chain of dense layers in place, by `mobilenn.train.backpropagation`.

    Events, history, checkpoints and resuming are those of `mobilenn.train.fit`; the accuracy is that
    of the epoch's last weights, where Keras averages over the epoch.

    Args:
        model: rescaling, flattening or standardising, dense layers, and a softmax for classification.
        data: `train` is fitted, `validation` watched.
        settings: `descent`, `epochs`, `batch_size`, `learning_rate`, and `sgd` or `momentum` (0.9).
        run: task, seed, checkpoint folder and events.

    Returns:
        The last snapshot.

    Raises:
        RecipeError: a setting or a layer that the written-out steps do not have.
        MobilennError: the loss became infinite or NaN.
    """
    check_settings(settings)
    dense = dense_chain(model)
    unit = None
    if run.task == "regression":
        data, unit = targets.standardised(data)
    config = _config(settings, dense, run.task)
    ready = {"": _samples(model, dense[0], data.train), "val_": _samples(model, dense[0], data.validation)}
    key = run_key(model, data, settings, run)
    snapshot = _descend([array for layer in dense for array in layer.get_weights()], ready, config, key, run)
    trained = snapshot.group("weights")
    for layer, kernel, bias in zip(dense, trained[::2], trained[1::2], strict=True):
        layer.set_weights([kernel, bias])
    if unit is not None:
        targets.fold(model, unit)
    return snapshot


def check_settings(settings: TrainConfig) -> None:
    """Raises RecipeError where a setting asks for what only Keras' loop does."""
    if settings.optimizer not in ("sgd", "momentum"):
        message = f"[train] optimizer '{settings.optimizer}' is not written out in the scheme backpropagation."
        raise RecipeError(message, "Allowed: sgd, momentum.")
    check_taken(settings, _TAKEN)


def dense_chain(model: keras.Model) -> list[keras.layers.Dense]:
    """Returns the dense layers of a model that is nothing else.

    Raises:
        RecipeError: names the first layer that does not belong.
    """
    dense: list[keras.layers.Dense] = []
    hint = "Allowed: dense layers with one activation, without dropout (config.dropout = 0)."
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense) and layer.use_bias:
            dense.append(layer)
        elif dense and _is_softmax(layer) and layer is model.layers[-1]:
            continue
        elif dense or type(layer).__name__ not in _BEFORE:
            kind = type(layer).__name__
            raise RecipeError(f"The scheme backpropagation cannot train '{layer.name}' ({kind}).", hint)
    functions = [layer.activation.__name__ for layer in dense]
    if not dense or functions[-1] != "linear" or len(set(functions[:-1])) > 1:
        raise RecipeError(f"The scheme backpropagation cannot train activations {', '.join(functions)}.", hint)
    return dense


def _is_softmax(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.softmax


def _config(settings: TrainConfig, dense: list[keras.layers.Dense], task: str) -> BackpropagationConfig:
    return BackpropagationConfig(
        descent=settings.descent,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        momentum=0.9 if settings.optimizer == "momentum" else 0.0,
        epochs=settings.epochs,
        loss="mean_squared_error" if task == "regression" else "softmax_cross_entropy",
        activation=dense[0].activation.__name__,
    )


def _samples(model: keras.Model, first: keras.layers.Dense, split: Split) -> Samples:
    """What reaches the first dense layer, (N, features) float32, and the targets."""
    before = keras.Model(model.inputs, first.input)
    parts = []
    for start in range(0, len(split), 256):
        rows = np.arange(start, min(start + 256, len(split)))
        parts.append(before({name: array[rows] for name, array in split.inputs.items()}, training=False).numpy())
    return np.concatenate(parts), split.targets


def _descend(
    weights: list[np.ndarray], ready: Mapping[str, Samples], config: BackpropagationConfig, key: str, run: FitRun
) -> Snapshot:
    """Runs the epochs that are left; returns the last snapshot."""
    snapshot = Snapshot(epoch=0, history={}, seconds=0.0, arrays=_arrays(weights, [np.zeros_like(w) for w in weights]))
    path = checkpoint.path_in(run.checkpoint_dir) if run.checkpoint_dir else None
    if path is not None:
        found = checkpoint.resume(path, key, lambda line: run.emit({"stage": run.stage, "warning": line}))
        snapshot = found if found.epoch else snapshot
    state = snapshot.group("weights"), snapshot.group("optimizer")
    events = Events(run.emit, run.stage, config.epochs, 1)
    began = time.monotonic() - snapshot.seconds
    with checkpoint.Writer(path, key) if path else contextlib.nullcontext() as writer:
        for epoch in range(snapshot.epoch, config.epochs):
            metrics = _epoch(state, ready, config, (run.seed, epoch))
            if events.due(epoch, 1):
                events.tell(epoch, 1, metrics)
            history = {name: [*snapshot.history.get(name, []), value] for name, value in metrics.items()}
            seconds = time.monotonic() - began
            snapshot = Snapshot(epoch=epoch + 1, history=history, seconds=seconds, arrays=_arrays(*state))
            if writer is not None:
                writer.put(snapshot)
    return snapshot


def _arrays(weights: list[np.ndarray], velocity: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Copies of both: the next epoch changes them in place while these are being written."""
    return named("weights", [w.copy() for w in weights]) | named("optimizer", [v.copy() for v in velocity])


def _epoch(
    state: tuple[list[np.ndarray], list[np.ndarray]],
    ready: Mapping[str, Samples],
    config: BackpropagationConfig,
    order: tuple[int, int],
) -> dict[str, float]:
    """Trains an epoch in place; returns its metrics."""
    metrics = {}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # divergence gets one line of its own
        metrics["loss"] = steps.run_epoch(state, *ready[""], config, order)
        check_metrics(metrics, order[1], lower_rate("train", config.learning_rate))
        for prefix, (inputs, wanted) in ready.items():
            made = steps.forward(state[0], inputs, config.activation)[-1]
            if prefix:
                metrics[f"{prefix}loss"] = steps.loss(made, wanted, config.loss)[0]
            if config.loss == "softmax_cross_entropy":
                metrics[f"{prefix}accuracy"] = float(np.mean(made.argmax(axis=1) == wanted))
        check_metrics(metrics, order[1], lower_rate("train", config.learning_rate))
    return metrics
