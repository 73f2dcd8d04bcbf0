"""An environment with Gym's interface as one of ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.environments import Environment, Step

LONGEST = 1000  # steps of an episode of an environment that does not say


class FromGym(Environment):
    """Reads `action_space.n`, `observation_space.shape` and `spec.max_episode_steps`; the score is the return.

    `reset` may take a seed and return an observation, or it and a dictionary; `step` returns Gym's four values or
    Gymnasium's five.

    Args:
        wrapped: the environment.

    Raises:
        RecipeError: its actions are no single choice among several.
    """

    def __init__(self, wrapped: Any) -> None:
        count = getattr(wrapped.action_space, "n", None)
        if count is None:
            raise RecipeError(f"The actions are {wrapped.action_space}.", "Allowed: discrete actions.")
        names = getattr(wrapped, "action_names", None) or (f"action {number}" for number in range(int(count)))
        said = getattr(getattr(wrapped, "spec", None), "max_episode_steps", None)
        self.actions = tuple(names)
        self.observation_shape = tuple(int(size) for size in wrapped.observation_space.shape)
        self.max_steps = int(said or getattr(wrapped, "max_steps", LONGEST))
        self._wrapped, self._return, self._steps = wrapped, 0.0, 0

    def reset(self, seed: int) -> np.ndarray:
        """Starts an episode."""
        self._return, self._steps = 0.0, 0
        made = self._wrapped.reset(seed=seed)
        return _plain(made[0] if isinstance(made, tuple) else made)

    def step(self, action: int) -> Step:
        """Takes an action; the episode ends at `max_steps` at the latest."""
        observation, reward, done, *rest = self._wrapped.step(action)
        cut = bool(rest[0]) if len(rest) > 1 else bool((rest[0] if rest else {}).get("TimeLimit.truncated", False))
        self._steps += 1
        late = self._steps >= self.max_steps and not done
        self._return += float(reward)
        return Step(
            observation=_plain(observation),
            reward=float(reward),
            done=bool(done) or cut or late,
            truncated=cut or late,
        )

    def score(self) -> float:
        """The return."""
        return self._return

    def frame(self) -> np.ndarray | None:
        """What `render` gives where it gives a picture of its own accord."""
        if getattr(self._wrapped, "render_mode", None) != "rgb_array":
            return None
        picture = self._wrapped.render()
        return None if picture is None else np.asarray(picture, np.uint8)


def _plain(observation: Any) -> np.ndarray:
    return np.asarray(observation, np.float32)
