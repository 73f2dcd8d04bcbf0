"""Tries an environment out before anything is learned in it, and lists what it does that it must not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.environments import Environment, Step, make, seeds

EPISODES = 3
MOST = 20  # faults that are listed


def check(name: str, settings: Mapping[str, Any] | None = None) -> None:
    """Plays a few episodes at random, each twice.

    Args:
        name, settings: as `mobilenn.environments.make` takes them.

    Raises:
        RecipeError: there is no such environment.
        DataError: observations of a wrong shape or not finite, rewards that are not, an episode that does not end,
            nothing that is allowed, or another course from the same seed; `faults` lists episode, step and reason.
    """
    environment = make(name, settings)
    faults = list(_form(environment))
    for seed in seeds("train", EPISODES) if not faults else ():
        try:
            first = _Course(environment, seed)
            faults += [f"seed {seed}, {fault}" for fault in first.faults]
            if not first.faults and not np.array_equal(first.seen, _Course(environment, seed).seen):
                faults.append(f"seed {seed}: the same actions lead elsewhere when the episode is played again")
        except Exception as error:  # whatever a stranger's code raises is a fault of that code
            faults.append(f"seed {seed}: {type(error).__name__}: {error}")
    if faults:
        message = f"The environment {name} cannot be learned in: {len(faults)} faults."
        raise DataError(message, faults=faults[:MOST])


def _form(environment: Environment) -> Iterator[str]:
    """What is wrong with what an environment says of itself."""
    shape = environment.observation_shape
    if len(shape) not in (1, 3) or min(shape) < 1:
        yield f"observation_shape is {tuple(shape)}; allowed are (F,) and (H, W, C)"
    if len(environment.actions) < 2 or len(set(environment.actions)) != len(environment.actions):
        yield f"actions are {list(environment.actions)}; allowed are two or more different names"
    if environment.max_steps < 1:
        yield f"max_steps is {environment.max_steps}; allowed is 1 or more"


class _Course:
    """One episode of random actions: `seen`, all that came of it, and `faults`."""

    def __init__(self, environment: Environment, seed: int) -> None:
        self.faults: list[str] = []
        self._seen: list[np.ndarray] = []
        generator = np.random.default_rng([seed, 1])
        self._look(environment, environment.reset(seed), 0)
        for number in range(1, environment.max_steps + 1):
            allowed = np.flatnonzero(environment.legal())
            if self.faults or not len(allowed):
                self.faults += [] if self.faults else [f"step {number}: no action is allowed, and it is not over"]
                return
            step = environment.step(int(generator.choice(allowed)))
            self._take(environment, step, number)
            if step.done:
                if not np.isfinite(environment.score()):
                    self.faults.append(f"step {number}: the score is {environment.score()}")
                return
        self.faults.append(f"step {environment.max_steps}: the episode is not over after max_steps")

    @property
    def seen(self) -> np.ndarray:
        return np.concatenate(self._seen) if self._seen else np.zeros(0)

    def _take(self, environment: Environment, step: Step, number: int) -> None:
        if not np.isfinite(step.reward):
            self.faults.append(f"step {number}: the reward is {step.reward}")
        self._look(environment, step.observation, number, bool(step.done))
        self._seen.append(np.array([step.reward, step.done], np.float64))

    def _look(self, environment: Environment, observation: np.ndarray, number: int, done: bool = False) -> None:
        found, wanted = np.asarray(observation), tuple(environment.observation_shape)
        if found.shape != wanted:
            self.faults.append(f"step {number}: the observation has shape {found.shape}; {wanted} was declared")
        elif not np.isfinite(found).all():
            self.faults.append(f"step {number}: the observation is not finite")
        elif environment.masked and not done and (allowed_in(found, environment) != environment.legal()).any():
            self.faults.append(f"step {number}: the observation does not say which actions are allowed")
        else:
            self._seen.append(found.astype(np.float64).ravel())


def allowed_in(observation: np.ndarray, environment: Environment) -> np.ndarray:
    """Which actions an observation of a masked environment allows, (actions,) bool; see Environment."""
    cells = observation[..., -1].ravel() if observation.ndim > 1 else observation[-len(environment.actions) :]
    return cells > 0.5
