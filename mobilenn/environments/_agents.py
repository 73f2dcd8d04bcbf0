"""A TF-Agents PyEnvironment as one of ours; TF-Agents itself is not imported."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.environments import Environment, Step
from mobilenn.environments._gym import LONGEST

LAST = 2  # StepType.LAST


class FromAgents(Environment):
    """Reads the specs; the score is the return. Its `seed` is called where it can be seeded.

    Args:
        wrapped: the environment, not a batched one.

    Raises:
        RecipeError: its actions are no single choice among several.
    """

    def __init__(self, wrapped: Any) -> None:
        spec = wrapped.action_spec()
        if getattr(spec, "shape", None) != () or np.dtype(spec.dtype).kind != "i":
            raise RecipeError(f"The actions are {spec}.", "Allowed: one discrete action, with a minimum and a maximum.")
        self._first = int(spec.minimum)
        self.actions = tuple(f"action {number}" for number in range(self._first, int(spec.maximum) + 1))
        self.observation_shape = tuple(int(size) for size in wrapped.observation_spec().shape)
        self.max_steps = int(getattr(wrapped, "max_steps", LONGEST))
        self._wrapped, self._return, self._steps = wrapped, 0.0, 0

    def reset(self, seed: int) -> np.ndarray:
        """Starts an episode."""
        self._return, self._steps = 0.0, 0
        with contextlib.suppress(NotImplementedError):  # an environment without chance needs no seed
            self._wrapped.seed(seed)
        return np.asarray(self._wrapped.reset().observation, np.float32)

    def step(self, action: int) -> Step:
        """Takes an action; the episode ends at `max_steps` at the latest. A last step with a discount was cut off."""
        made = self._wrapped.step(np.asarray(action + self._first, self._wrapped.action_spec().dtype))
        self._steps += 1
        last = int(made.step_type) == LAST
        late = self._steps >= self.max_steps and not last
        self._return += float(made.reward)
        return Step(
            observation=np.asarray(made.observation, np.float32),
            reward=float(made.reward),
            done=last or late,
            truncated=late or (last and float(made.discount) > 0),
        )

    def score(self) -> float:
        """The return."""
        return self._return
