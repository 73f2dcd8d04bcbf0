"""A policy that plans: value iteration inside the network, over a map that it reads from the observation."""

from __future__ import annotations

from dataclasses import dataclass

import tf_keras as keras

from mobilenn.layers.best_action import BestAction
from mobilenn.layers.planning import AtPlace, Planning
from mobilenn.networks._blocks import check_range, layers


@dataclass(frozen=True, kw_only=True)
class Config:
    """The grid, and how far the network looks.

    Args:
        observation_shape: (H, W, C), planes of zeros and ones.
        agent: number of the plane that is 1 where the agent stands, from 0.
        actions: number of actions; each leads to a cell beside the agent's, or leaves it where it is.
        iterations: of value iteration: how many steps away a goal is seen.
    """

    observation_shape: tuple[int, int, int] = (9, 9, 3)
    agent: int = 1
    actions: int = 4
    iterations: int = 40

    def __post_init__(self) -> None:
        height, width, planes = self.observation_shape
        check_range("observation_shape", height, 2, 1024)
        check_range("observation_shape", width, 2, 1024)
        check_range("observation_shape", planes, 2, 1024)
        check_range("agent", self.agent, 0, planes - 1)
        check_range("actions", self.actions, 2, 9)
        check_range("iterations", self.iterations, 1, 1000)


TINY = Config(observation_shape=(4, 5, 3), actions=4, iterations=3)
PUBLISHED = {"9x9, four moves": (Config(), 46)}


def build(config: Config) -> keras.Model:
    """Builds the network: `observation` in; `values` (1, actions) float32 and `action` (1,) int32 out.

    From a cell's planes it reads what the cell is worth and how well it can be entered; it learns where each action
    leads, plans, and looks up the values where the agent stands. It has so few weights that it cannot learn mazes by
    heart, and what it learned on small grids holds on large ones.

    Reference:
        Tamar et al., Value iteration networks (NIPS 2016), section 4; see `mobilenn.layers.planning`.
    """
    observation = layers.Input(config.observation_shape, name="observation")
    rewards = _read(observation, -2.0, "rewards")  # most cells are worth little
    passable = _read(observation, 2.0, "passable")  # and can be entered
    planned = Planning(config.actions, config.iterations, name="planning")([rewards, passable])
    values = AtPlace(config.agent, dtype="float32", name="values")([planned, observation])
    action = BestAction(dtype="float32", name="action")([values])
    return keras.Model(observation, [values, action], name="planner")


def _read(observation: keras.KerasTensor, start: float, name: str) -> keras.KerasTensor:
    """A number in 0..1 for each cell, from its own planes."""
    bias = keras.initializers.Constant(start)
    return layers.Conv2D(1, 1, activation="sigmoid", bias_initializer=bias, name=name)(observation)
