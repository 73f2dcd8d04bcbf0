"""What a value learner remembers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mobilenn.train.crew import Moves

Batch = dict[str, np.ndarray]


class Replay:
    """The last transitions, in a ring, drawn from with equal probability.

    TF-Agents' own draws from a generator inside TensorFlow whose state nobody can put back after a kill.

    Args:
        size: transitions.
        shape: of an observation.
        ahead: rewards added up in one transition.
        discount: γ, within those.

    Reference:
        Lin, Self-improving reactive agents (1992); Sutton and Barto (2018), section 7.1, on several steps.
    """

    def __init__(self, size: int, shape: tuple[int, ...], ahead: int, discount: float) -> None:
        self._kept: Batch = {
            "observation": np.zeros((size, *shape), np.float32),
            "action": np.zeros(size, np.int32),
            "reward": np.zeros(size, np.float32),
            "discount": np.zeros(size, np.float32),
            "following": np.zeros((size, *shape), np.float32),
        }
        self._size, self._ahead, self._gamma = size, ahead, discount
        self._added = 0
        self._open: list[list[list]] = []

    def __len__(self) -> int:
        return min(self._added, self._size)

    def add(self, moves: Moves) -> None:
        """Takes a step of all environments in; with several steps ahead, those whose rewards are complete."""
        if self._ahead == 1:
            self._put(moves.observations, moves.actions, moves.rewards, moves.discounts, moves.following)
            return
        self._open = self._open or [[] for _ in moves.actions]
        ready = []
        for number, window in enumerate(self._open):
            for entry in window:
                entry[2] += self._gamma ** entry[3] * moves.rewards[number]
                entry[3] += 1
            window.append([moves.observations[number], moves.actions[number], moves.rewards[number], 1])
            over = bool(moves.done[number])
            while window and (over or window[0][3] == self._ahead):
                seen, action, reward, count = window.pop(0)
                left = moves.discounts[number] * self._gamma ** (count - 1)
                ready.append((seen, action, reward, left, moves.following[number]))
        if ready:
            self._put(*(np.stack(column) for column in zip(*ready, strict=True)))

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> Batch:
        """Draws transitions, (*shape, …)."""
        rows = generator.integers(0, len(self), shape)
        return {name: values[rows] for name, values in self._kept.items()}

    def state(self) -> dict[str, np.ndarray]:
        """What is remembered, for a checkpoint; windows that are still open are given up with it."""
        kept = {name: values[: len(self)].copy() for name, values in self._kept.items()}
        return {**kept, "added": np.array(self._added)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes over what `state` gave."""
        self._added, self._open = int(state["added"]), []
        for name, values in self._kept.items():
            values[: len(state[name])] = state[name]

    def close_windows(self) -> None:
        """Gives up what is not complete, so that a run that was killed goes on as one that was not."""
        self._open = []

    def _put(self, *columns: np.ndarray) -> None:
        rows = (self._added + np.arange(len(columns[0]))) % self._size
        for values, column in zip(self._kept.values(), columns, strict=True):
            values[rows] = column
        self._added += len(rows)
