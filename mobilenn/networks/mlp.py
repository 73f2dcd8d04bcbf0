"""The multilayer perceptron: dense layers with a non-linearity between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.dropout import Dropout
from mobilenn.networks._blocks import check_range, layers, probabilities


@dataclass(frozen=True, kw_only=True)
class Config:
    """Sizes of the layers, and what goes in and comes out.

    Args:
        input_shape: (H, W, C) of images of raw pixels 0..255, or (F,) of a table's columns, which
            are standardised inside the graph.
        hidden: units of each hidden layer.
        activation: of the hidden layers.
        dropout: share of hidden activations dropped in training.
        head: `classification` ends in a softmax, `regression` in plain values.
        classes: number of classes, or of values to predict.
    """

    input_shape: tuple[int, ...] = (28, 28, 1)
    hidden: tuple[int, ...] = (512, 512)
    activation: Literal["relu", "tanh", "sigmoid", "linear"] = "relu"
    dropout: float = 0.0
    head: Literal["classification", "regression"] = "classification"
    classes: int = 10

    def __post_init__(self) -> None:
        if len(self.input_shape) not in (1, 3) or min(self.input_shape) < 1:
            allowed = "Allowed: [H, W, C] for images, [F] for a table."
            raise RecipeError(f"[config] input_shape is {list(self.input_shape)}.", allowed)
        for units in self.hidden:
            check_range("hidden", units, 1, 65536)
        check_range("dropout", self.dropout, 0.0, 0.95)
        check_range("classes", self.classes, 1 if self.head == "regression" else 2, 65536)


TINY = Config(input_shape=(8, 8, 1), hidden=(16,), classes=3)
PUBLISHED = {"784-512-512-10": (Config(), 669_706)}


def build(config: Config) -> keras.Model:
    """Builds the network: `image` or `features` in, `probabilities` or `value` (1, classes) out.

    Reference:
        Rumelhart, Hinton and Williams, Learning representations by back-propagating errors
        (Nature 323, 1986).
    """
    inputs, made = _input(config)
    for index, units in enumerate(config.hidden, 1):
        initializer = "he_normal" if config.activation == "relu" else "glorot_uniform"
        made = layers.Dense(units, activation=config.activation, kernel_initializer=initializer, name=f"hidden{index}")(
            made
        )
        if config.dropout:
            made = Dropout(config.dropout, name=f"dropout{index}")(made)
    if config.head == "regression":
        made = layers.Dense(config.classes, dtype="float32", name="value")(made)
    else:
        made = probabilities(made, config.classes)
    return keras.Model(inputs, made, name="mlp")


def _input(config: Config) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    if len(config.input_shape) == 1:
        features = layers.Input(config.input_shape, name="features")
        return features, layers.Normalization(name="standardise")(features)
    image = layers.Input(config.input_shape, name="image")
    return image, layers.Flatten(name="flatten")(layers.Rescaling(1 / 255, name="rescale")(image))


def adapt(model: keras.Model, features: np.ndarray) -> None:
    """Sets the mean and the variance that a table's columns are standardised with.

    Args:
        model: a network of `build`; without a table's input it is left as it is.
        features: training rows, (N, F) float32.
    """
    if "standardise" in (layer.name for layer in model.layers):
        layer = model.get_layer("standardise")
        layer.adapt(np.asarray(features, np.float32))
