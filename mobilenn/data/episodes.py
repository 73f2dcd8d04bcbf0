"""Episodes in an environment: seeds to learn, to choose and to judge by, and observations on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mobilenn import environments
from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.environments import Environment, _faults
from mobilenn.environments._rollout import guided_actions, play

RECORDED = 64  # episodes whose observations a split keeps
TEST_SALT = 1  # so that the test episodes do not depend on the recipe's seed


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which environment, and how many episodes judge.

    Args:
        environment: a name, or a class of one's own as `package.module:Class` or `file.py:Class`.
        settings: the environment's.
        validation: episodes by which the best policy of a training is chosen.
        test: episodes that are played for the report.
        observations: the most that each split keeps, for calibration and for comparing outputs.
    """

    environment: str = "cartpole"
    settings: Mapping[str, Any] = field(default_factory=dict)
    validation: int = 50
    test: int = 100
    observations: int = 2000

    def __post_init__(self) -> None:
        for name in ("validation", "test"):
            if not 1 <= getattr(self, name) <= 100_000:
                raise RecipeError(f"[data] {name} is {getattr(self, name)}.", "Allowed: 1 to 100000 episodes.")
        if not 16 <= self.observations <= 1_000_000:
            raise RecipeError(f"[data] observations is {self.observations}.", "Allowed: 16 to 1000000.")


def fingerprint(settings: Settings) -> str:
    """The version of this file and of the environment; of one's own, the hash of its source."""
    return f"episodes 1, {environments.fingerprint(settings.environment, settings.settings)}"


def check(settings: Settings) -> None:
    """Tries the environment out: raises DataError where it breaks its word, with each fault."""
    _faults.check(settings.environment, settings.settings)


def load(settings: Settings, seed: int) -> Dataset:
    """Draws seeds for each split, and records observations: `observation` (N, …) float32, and the action taken there.

    The recordings follow the environment's own rule more or less often, from never to always, so that they hold good
    states and bad ones. Test episodes do not depend on `seed`.

    Raises:
        DataError: the environment breaks its word; each fault is listed.
    """
    environment = environments.make(settings.environment, settings.settings)
    check(settings)
    counts = {"train": RECORDED, "validation": settings.validation, "test": settings.test}
    salts = {"train": seed + 2, "validation": seed + 2, "test": TEST_SALT}
    splits = {part: _split(settings, environments.seeds(part, count, salts[part])) for part, count in counts.items()}
    described = (
        f"Episodes of {_short(settings)}, each from a seed of its own: {settings.validation} choose the best "
        f"policy, {settings.test} others judge it."
    )
    return Dataset(
        **splits,
        labels=tuple(environment.actions),
        description=described,
        preprocessing=_described(settings, environment),
    )


def _split(settings: Settings, seeds: list[int]) -> Split:
    """Observations of some of the seeds, evenly spaced in time, and what is played."""
    recorded = seeds[:RECORDED]
    seen: list[np.ndarray] = []
    done: list[np.ndarray] = []
    guided = guided_actions(seeds[0], lambda numbers: numbers / max(len(recorded) - 1, 1))

    def act(observations: np.ndarray, numbers: np.ndarray, playing: Any) -> np.ndarray:
        actions = guided(observations, numbers, playing)
        seen.append(observations.copy())
        done.append(actions)
        return actions

    play(settings.environment, settings.settings, recorded, act)
    observations, actions = np.concatenate(seen), np.concatenate(done)
    rows = np.linspace(0, len(actions) - 1, min(len(actions), settings.observations)).astype(np.int64)
    context = {"environment": settings.environment, "settings": dict(settings.settings), "seeds": tuple(seeds)}
    inputs = {"observation": observations[rows].astype(np.float32)}
    return Split(inputs=inputs, targets=actions[rows].astype(np.int64), context=context)


def _short(settings: Settings) -> str:
    """The environment's name without the folders of this machine, since it travels in files."""
    return re.split(r"[/\\]", settings.environment)[-1]


def _described(settings: Settings, environment: Environment) -> dict[str, Any]:
    return {
        "environment": _short(settings),
        "actions": list(environment.actions),
        "observation": list(environment.observation_shape),
        "max_steps": environment.max_steps,
        "masked": environment.masked,
    }
