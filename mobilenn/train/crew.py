"""Environments that learn together: each step moves all of them, and whoever is done starts an episode anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.environments import PARTS, SEEDS, make


@dataclass(frozen=True, kw_only=True)
class Moves:
    """What one step of all environments was, (N, …).

    Args:
        observations, actions: what was seen, and done.
        rewards: float32.
        discounts: float32; 0 where the episode ended, 1 where it goes on or was cut off.
        following: what was seen then, the last observation of an episode that is over.
        done: whether it is over.
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    discounts: np.ndarray
    following: np.ndarray
    done: np.ndarray


class Crew:
    """Several environments of one kind, on training seeds; what a PyEnvironment does, without its steps in between.

    Args:
        name, settings: of the environment.
        count: how many.
        generator: draws the seeds of the episodes.
    """

    def __init__(self, name: str, settings: Mapping[str, Any], count: int, generator: np.random.Generator) -> None:
        self.generator, self.name = generator, name
        self._playing = [make(name, settings) for _ in range(count)]
        self.masked = self._playing[0].masked
        self._logs: list[list[int]] = [[] for _ in range(count)]
        self._scores: list[float] = []
        self.observations = np.stack([self._begin(number) for number in range(count)])

    def __len__(self) -> int:
        return len(self._playing)

    def legal(self) -> np.ndarray:
        """Which actions are allowed, (N, actions) bool."""
        if not self.masked:
            return np.ones((len(self), len(self._playing[0].actions)), bool)
        return np.stack([environment.legal() for environment in self._playing])

    def advance(self, actions: np.ndarray) -> Moves:
        """Takes an action in each environment, (N,).

        Raises:
            DataError: an observation or a reward that is not finite, or of another shape.
        """
        before, following = self.observations, np.empty_like(self.observations)
        rewards, discounts = np.zeros(len(self), np.float32), np.ones(len(self), np.float32)
        done = np.zeros(len(self), bool)
        for number, (environment, action) in enumerate(zip(self._playing, actions.tolist(), strict=True)):
            step = environment.step(action)
            self._logs[number].append(action)
            following[number], rewards[number], done[number] = step.observation, step.reward, step.done
            if step.done and not step.truncated:
                discounts[number] = 0.0
        self._check(following, rewards)
        self.observations = following.copy()
        for number in np.flatnonzero(done):
            self._scores.append(self._playing[number].score())
            self.observations[number] = self._begin(number)
        return Moves(
            observations=before,
            actions=actions.astype(np.int32),
            rewards=rewards,
            discounts=discounts,
            following=following,
            done=done,
        )

    def scores(self) -> list[float]:
        """Those of the episodes that ended since this was last asked."""
        found, self._scores = self._scores, []
        return found

    def state(self) -> dict[str, np.ndarray]:
        """Seed and actions of each episode that goes on: enough to come to where it stands."""
        longest = max(len(log) for log in self._logs)
        logs = [log + [-1] * (longest - len(log)) for log in self._logs]
        return {"logs": np.array(logs, np.int64)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Plays the episodes of `state` again, up to where they stood."""
        for number, log in enumerate(state["logs"].tolist()):
            seed, *actions = [entry for entry in log if entry >= 0]
            self.observations[number] = self._playing[number].reset(seed)
            for action in actions:
                self.observations[number] = self._playing[number].step(action).observation
            self._logs[number] = [seed, *actions]

    def _begin(self, number: int) -> np.ndarray:
        seed = PARTS["train"] + int(self.generator.integers(SEEDS))
        self._logs[number] = [seed]
        return np.asarray(self._playing[number].reset(seed), np.float32)

    def _check(self, following: np.ndarray, rewards: np.ndarray) -> None:
        """What a few episodes before training did not show."""
        seen = np.isfinite(following.reshape(len(self), -1)).all(1)
        faults = []
        for number in np.flatnonzero(~(seen & np.isfinite(rewards))):
            what = "the observation is not finite" if not seen[number] else f"the reward is {rewards[number]}"
            faults.append(f"seed {self._logs[number][0]}, step {len(self._logs[number]) - 1}: {what}")
        if faults:
            raise DataError(f"The environment {self.name} broke its word: {len(faults)} faults.", faults=faults)
