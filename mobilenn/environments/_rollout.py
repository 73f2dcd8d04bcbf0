"""Whole episodes, several stepped together: a recording of what was done and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilenn.environments import Environment, make

# Observations (N, …) float32, the numbers of the episodes that they come from, (N,), and the environments; returns
# actions (N,).
Act = Callable[[np.ndarray, np.ndarray, "Sequence[Environment]"], np.ndarray]
TOGETHER = 256  # episodes stepped at a time
NONE = -1  # in place of an action after the end


@dataclass(frozen=True, kw_only=True)
class Played:
    """Recorded episodes.

    Args:
        actions: (E, T) int32, −1 after the end of an episode; T is the longest.
        returns: sums of rewards, (E,) float64.
        scores: what each is judged by, (E,) float64.
        optima: the best score possible, (E,) float64; NaN where that is unknown.
    """

    actions: np.ndarray
    returns: np.ndarray
    scores: np.ndarray
    optima: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """How long each lasted, (E,) int64."""
        return (self.actions != NONE).sum(1)


def play(name: str, settings: Mapping[str, Any], seeds: Sequence[int], act: Act) -> Played:
    """Plays the episodes of some seeds to their end.

    Args:
        name, settings: of the environment, as `make` takes them.
        seeds: one an episode.
        act: what is done in those that go on.
    """
    parts = [
        _together(name, settings, seeds[start : start + TOGETHER], act, start)
        for start in range(0, len(seeds), TOGETHER)
    ]
    longest = max(part.actions.shape[1] for part in parts)
    padded = [
        np.pad(part.actions, ((0, 0), (0, longest - part.actions.shape[1])), constant_values=NONE) for part in parts
    ]
    return Played(
        actions=np.concatenate(padded),
        returns=np.concatenate([part.returns for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        optima=np.concatenate([part.optima for part in parts]),
    )


def _together(name: str, settings: Mapping[str, Any], seeds: Sequence[int], act: Act, first: int) -> Played:
    environments = [make(name, settings) for _ in seeds]
    observations = np.stack([env.reset(seed) for env, seed in zip(environments, seeds, strict=True)])
    observations = observations.astype(np.float32)
    optima = [np.nan if (best := env.optimum()) is None else best for env in environments]
    going, returns, columns = np.arange(len(seeds)), np.zeros(len(seeds)), []
    while len(going):
        column = np.full(len(seeds), NONE, np.int32)
        column[going] = act(observations[going], going + first, [environments[number] for number in going])
        columns.append(column)
        done = np.zeros(len(seeds), bool)
        for number in going:
            step = environments[number].step(int(column[number]))
            observations[number], done[number] = step.observation, step.done
            returns[number] += step.reward
        going = going[~done[going]]
    scores = np.array([env.score() for env in environments], np.float64)
    return Played(actions=np.stack(columns, 1), returns=returns, scores=scores, optima=np.array(optima, np.float64))


def replay(name: str, settings: Mapping[str, Any], seed: int, actions: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the frames of a recorded episode, from the start to the end; none where there are no pictures.

    Args:
        name, settings: of the environment.
        seed: of the episode.
        actions: (T,), as `Played` keeps them.
    """
    environment = make(name, settings)
    environment.reset(seed)
    for action in (*actions[actions != NONE].tolist(), None):
        frame = environment.frame()
        if frame is None:
            return
        yield frame
        if action is not None:
            environment.step(action)


def random_actions(seed: int) -> Act:
    """Draws from what is allowed, with equal probability."""
    generator = np.random.default_rng([seed, 5])

    def act(_: np.ndarray, __: np.ndarray, environments: Sequence[Environment]) -> np.ndarray:
        return np.array([generator.choice(np.flatnonzero(env.legal())) for env in environments])

    return act


def guided_actions(seed: int, share: Callable[[np.ndarray], np.ndarray]) -> Act:
    """Does what the environment's own rule says, else something at random.

    Args:
        seed: of the draws.
        share: by episode number (N,), how often the rule is followed, (N,) 0 to 1.
    """
    generator, drawn = np.random.default_rng([seed, 6]), random_actions(seed)

    def act(observations: np.ndarray, numbers: np.ndarray, environments: Sequence[Environment]) -> np.ndarray:
        actions = drawn(observations, numbers, environments)
        followed = generator.random(len(numbers)) < share(numbers)
        for place in np.flatnonzero(followed):
            advice = environments[place].guide()
            actions[place] = actions[place] if advice is None else advice
        return actions

    return act
