"""The artificial neuron, and a layer of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import tf_keras as keras

from mobilenn.layers.step import Step
from mobilenn.networks._blocks import check_range, layers


@dataclass(frozen=True, kw_only=True)
class Config:
    """One layer of neurons, each activation(w·x + b), read as the probability of its class.

    Args:
        features: number of inputs.
        classes: 2 is one neuron that says yes or no; more give one neuron a class.
        activation: of a neuron. A step has no gradient, so it is trained as a sigmoid, whose
            0.5 is the same threshold.
    """

    features: int = 2
    classes: int = 2
    activation: Literal["linear", "step", "sigmoid"] = "sigmoid"

    def __post_init__(self) -> None:
        check_range("features", self.features, 1, 65536)
        check_range("classes", self.classes, 2, 65536)


TINY = Config()
PUBLISHED = {"perceptron of two inputs": (Config(), 3)}


def build(config: Config) -> keras.Model:
    """Builds the layer: `features` (1, features) in, `probabilities` (1, classes) out.

    One layer separates classes by hyperplanes only: it learns AND and OR, and no weights give
    XOR, since the four inequalities that XOR asks of w and b add up to a contradiction.

    Reference:
        Rosenblatt, The Perceptron (1958); Minsky and Papert, Perceptrons (1969), chapter 1.
    """
    return _build(config, config.activation)


def build_for_training(config: Config) -> tuple[keras.Model, dict[str, float]]:
    """Builds the layer with a sigmoid in place of the step, which no gradient passes."""
    return _build(config, "sigmoid" if config.activation == "step" else config.activation), {}


def _build(config: Config, activation: str) -> keras.Model:
    features = layers.Input((config.features,), name="features")
    units = 1 if config.classes == 2 else config.classes
    made = layers.Dense(units, name="neuron")(features)
    fire = Step(name="fire") if activation == "step" else layers.Activation(activation, name="fire")
    made = fire(made)
    if units == 1:
        no = layers.Rescaling(-1.0, offset=1.0, name="no")(made)
        made = layers.Concatenate(name="probabilities")([no, made])
    else:
        made = layers.Activation("linear", name="probabilities")(made)
    return keras.Model(features, made, name="perceptron")
