"""Regression in the targets' own unit: trained on standardised targets, shipped with the scale folded in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import tf_keras as keras

from mobilenn.data import Dataset, Split
from mobilenn.train.objective import MAIN_OUTPUT, target_scale


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Where a training split's targets lie.

    Args:
        mean: (d,) float64.
        scale: standard deviation, (d,) float64, never 0.
    """

    mean: np.ndarray
    scale: np.ndarray


def foldable(model: keras.Model) -> bool:
    """Whether the output `value` is a plain dense layer, which can take a scale and an offset exactly."""
    name = MAIN_OUTPUT["regression"]
    layer = next((layer for layer in model.layers if layer.name == name), None)
    linear = isinstance(layer, keras.layers.Dense) and layer.use_bias and layer.activation is keras.activations.linear
    return linear and model.output_names == [name]


def standardised(data: Dataset) -> tuple[Dataset, Unit]:
    """Returns the data with targets of mean 0 and deviation 1 over the training split, and how to undo it.

    An output layer that starts near 0 would else spend most of the training on reaching the mean.
    """
    targets = np.asarray(data.train.targets, np.float64)
    unit = Unit(mean=targets.mean(axis=0), scale=target_scale(targets))

    def moved(split: Split) -> Split:
        return replace(split, targets=((split.targets - unit.mean) / unit.scale).astype(np.float32))

    return replace(data, train=moved(data.train), validation=moved(data.validation)), unit


def fold(model: keras.Model, unit: Unit) -> None:
    """Moves the unit into the output layer: W·scale and b·scale + mean give the raw target.

    Args:
        model: a model that is `foldable`, trained on standardised targets.
        unit: of those targets.
    """
    layer = model.get_layer(MAIN_OUTPUT["regression"])
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel * unit.scale, bias * unit.scale + unit.mean])
