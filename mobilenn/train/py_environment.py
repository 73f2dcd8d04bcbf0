"""Environments of ours as TF-Agents' PyEnvironment, one and several together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mobilenn.environments import Environment, make
from mobilenn.train._agents import array_spec, batched_py_environment, py_environment
from mobilenn.train._agents import time_step as ts


class AsPyEnvironment(py_environment.PyEnvironment):
    """One environment; after a last step, the next one starts an episode.

    Args:
        environment: what is played in.
        seeds: of the episodes, in turn.
    """

    def __init__(self, environment: Environment, seeds: Iterator[int]) -> None:
        super().__init__()
        self.environment, self._seeds = environment, seeds
        self._observed = array_spec.ArraySpec(environment.observation_shape, np.float32, name="observation")
        last = len(environment.actions) - 1
        self._acted = array_spec.BoundedArraySpec((), np.int32, minimum=0, maximum=last, name="action")

    def observation_spec(self) -> Any:
        """Of float32 observations."""
        return self._observed

    def action_spec(self) -> Any:
        """Of an int32 action, from 0."""
        return self._acted

    def _reset(self) -> ts.TimeStep:
        return ts.restart(self.environment.reset(next(self._seeds)))

    def _step(self, action: np.ndarray) -> ts.TimeStep:
        step = self.environment.step(int(action))
        reward = np.float32(step.reward)
        if not step.done:
            return ts.transition(step.observation, reward)
        return (ts.truncation if step.truncated else ts.termination)(step.observation, reward)


def together(
    name: str, settings: Mapping[str, Any], count: int, seeds: Iterator[int]
) -> batched_py_environment.BatchedPyEnvironment:
    """Several environments that share a source of seeds, stepped one after the other in this thread."""
    made = [AsPyEnvironment(make(name, settings), seeds) for _ in range(count)]
    return batched_py_environment.BatchedPyEnvironment(made, multithreading=False)
