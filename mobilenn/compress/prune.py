"""Magnitude pruning: the smallest weights of every kernel go to zero, and the rest learn to do without."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from mobilenn.compress._layers import copy, kernel_layers, wrapped
from mobilenn.compress.config import PruneConfig

_UPDATE_STEPS = 10  # between two updates of the masks
_RISE = 0.75  # share of the fine-tuning over which the polynomial schedule rises


def prune(model: keras.Model, settings: PruneConfig, steps: int, fit: Any) -> keras.Model:
    """Prunes every convolution, dense and recurrent kernel; biases and normalisations stay dense.

    The file gets no smaller on disk, since zeros are stored; its download does.

    Args:
        model: a trained model; it is not changed.
        settings: sparsity and schedule.
        steps: steps of the whole fine-tuning.
        fit: takes the wrapped model and tfmot's callbacks, and trains it.

    Returns:
        A model of the same structure.

    Raises:
        ConversionError: no layer can be pruned.

    Reference:
        Zhu and Gupta, To prune, or not to prune (ICLR workshop 2018), equation 1.
    """
    names = kernel_layers(model, "pruning", recurrent=True)
    base = copy(model)
    options = _options(settings, steps)

    made: list[keras.layers.Layer] = []

    def one(layer: keras.layers.Layer) -> keras.layers.Layer:
        made.append(tfmot.sparsity.keras.prune_low_magnitude(layer, **options))
        return made[-1]

    tuned = keras.models.clone_model(
        base, clone_function=lambda layer: wrapped(layer, one) if layer.name in names else layer
    )
    fit(tuned, [_Updates(made)])
    for layer in made:
        for weight, mask, _ in layer.pruning_vars:
            weight.assign(weight * mask)  # the last step of the optimizer may have moved a pruned weight
    return base


class _Updates(tfmot.sparsity.keras.UpdatePruningStep):
    """tfmot's callback, told which layers are pruned: it looks for them in the model, and not inside its layers."""

    def __init__(self, layers: list[keras.layers.Layer]) -> None:
        super().__init__()
        self._layers = layers

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        self.prunable_layers = self._layers
        for layer in self._layers:
            layer.pruning_step.assign(tf.maximum(layer.pruning_step, 0))


def _options(settings: PruneConfig, steps: int) -> dict[str, Any]:
    schedules = tfmot.sparsity.keras
    if settings.structure == "2:4":
        return {
            "sparsity_m_by_n": (2, 4),
            "pruning_schedule": schedules.ConstantSparsity(0.5, 0, frequency=_UPDATE_STEPS),
        }
    if settings.schedule == "constant":
        return {"pruning_schedule": schedules.ConstantSparsity(settings.sparsity, 0, frequency=_UPDATE_STEPS)}
    end = max(1, int(_RISE * steps))
    frequency = max(1, min(_UPDATE_STEPS, end // 4))
    schedule = schedules.PolynomialDecay(settings.sparsity / 2, settings.sparsity, 0, end, frequency=frequency)
    return {"pruning_schedule": schedule}
