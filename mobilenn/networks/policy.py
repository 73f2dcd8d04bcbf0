"""A policy: an observation goes in, the value of each action and the best one that is allowed come out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.best_action import BestAction
from mobilenn.networks._blocks import check_range, layers

GRID = 3  # rank of an observation (H, W, C)


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is seen, and the layers between.

    Args:
        observation_shape: (F,) of a table, (H, W, C) of a grid.
        actions: number of actions.
        filters: channels of 3×3 convolutions over a grid, before the dense layers.
        hidden: units of each dense layer.
        activation: of all of them.
        standardise: whether each number of a table is brought to mean 0 and variance 1 first, as measured on the
            training split's observations. For numbers in different units; not for zeros and ones.
        masked: whether the observation says which actions are allowed; see mobilenn.environments.Environment.
    """

    observation_shape: tuple[int, ...] = (4,)
    actions: int = 2
    filters: tuple[int, ...] = ()
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    standardise: bool = False
    masked: bool = False

    def __post_init__(self) -> None:
        shape = self.observation_shape
        if len(shape) not in (1, GRID) or min(shape) < 1:
            raise RecipeError(f"[config] observation_shape is {list(shape)}.", "Allowed: [F], [H, W, C].")
        if self.activation not in ("relu", "tanh"):
            raise RecipeError(f"[config] activation is {self.activation}.", "Allowed: relu, tanh.")
        if len(shape) != GRID and self.filters:
            raise RecipeError("[config] filters needs a grid to go over.", "Leave it out, or see [H, W, C].")
        if len(shape) == GRID and self.standardise:
            raise RecipeError("[config] standardise is for tables.", "Leave it out.")
        check_range("actions", self.actions, 2, 65536)
        for units in (*self.filters, *self.hidden):
            check_range("filters, hidden", units, 1, 65536)
        room = shape[0] * shape[1] if len(shape) == GRID else shape[0] - 1
        if self.masked and (room != self.actions if len(shape) == GRID else room < self.actions):
            message = f"[config] an observation of {list(shape)} cannot say which of {self.actions} actions is allowed."
            raise RecipeError(message, "Allowed: as many cells as actions, or more numbers than actions.")


TINY = Config(observation_shape=(5,), actions=3, hidden=(8,), masked=True)
PUBLISHED = {"4-64-64-2": (Config(), 4_610)}


def build(config: Config) -> keras.Model:
    """Builds the network: `observation` in; `values` (1, actions) float32 and `action` (1,) int32 out.

    Values are of all actions, of the forbidden ones too; the action is the one of the largest value among those that
    are allowed, the first of equal ones. What the values mean is up to what trains them: discounted returns (DQN), or
    unnormalised log-probabilities (policy gradients).
    """
    observation = layers.Input(config.observation_shape, name="observation")
    made = layers.Normalization(name="standardise")(observation) if config.standardise else observation
    for index, filters in enumerate(config.filters, 1):
        made = layers.Conv2D(
            filters,
            3,
            padding="same",
            activation=config.activation,
            kernel_initializer=_initializer(config),
            name=f"conv{index}",
        )(made)
    if len(config.observation_shape) == GRID:
        made = layers.Flatten(name="flatten")(made)
    for index, units in enumerate(config.hidden, 1):
        made = layers.Dense(
            units, activation=config.activation, kernel_initializer=_initializer(config), name=f"hidden{index}"
        )(made)
    values = layers.Dense(config.actions, dtype="float32", name="values")(made)
    seen = [values, observation] if config.masked else [values]
    action = BestAction(masked=config.masked, dtype="float32", name="action")(seen)
    return keras.Model(observation, [values, action], name="policy")


def _initializer(config: Config) -> str:
    return "he_normal" if config.activation == "relu" else "glorot_uniform"


def adapt(model: keras.Model, observations: np.ndarray) -> None:
    """Sets the mean and the variance that a table's numbers are standardised with.

    Args:
        model: a network of `build`; one that does not standardise is left as it is.
        observations: of the training split, (N, F) float32.
    """
    if "standardise" in (layer.name for layer in model.layers):
        model.get_layer("standardise").adapt(np.asarray(observations, np.float32))
