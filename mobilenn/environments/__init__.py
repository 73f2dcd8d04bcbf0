"""What an agent acts in, one environment per file, found by file name; numpy alone."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mobilenn.core.errors import RecipeError, nearest
from mobilenn.core.records import from_dict

# Where the seeds of each part begin, so that no episode of one is an episode of another.
PARTS = {"train": 0, "validation": 1 << 28, "test": 2 << 28}
SEEDS = 1 << 28  # a part


@dataclass(frozen=True, kw_only=True)
class Step:
    """What an action led to.

    Args:
        observation: float32, of the environment's `observation_shape`.
        reward: finite.
        done: the episode is over.
        truncated: it is over because of its length alone: what would have come has a value too.
    """

    observation: np.ndarray
    reward: float
    done: bool
    truncated: bool = False


class Environment(ABC):
    """Episodes of discrete actions; one object plays one episode at a time, from `reset` to a step that is done.

    An episode depends on its seed and the actions alone. Where `masked` is true some actions may be forbidden, and the
    observation itself says which are allowed: a table by its last `len(actions)` numbers, a grid (H, W, C) by its last
    channel, a cell an action in row-major order; 1 is allowed, 0 is not. So a phone needs nothing beside the file.

    Attributes:
        observation_shape: (F,) or (H, W, C).
        actions: their names, in the order of their numbers.
        max_steps: of the longest episode.
        metric: what the mean of `score` over episodes is called; names like `solved` are read as shares.
        masked: see above.
        version: counted up when an episode would go otherwise than before.
    """

    observation_shape: tuple[int, ...]
    actions: tuple[str, ...]
    max_steps: int
    metric: ClassVar[str] = "mean_return"
    masked: ClassVar[bool] = False
    version: ClassVar[int] = 1

    @abstractmethod
    def reset(self, seed: int) -> np.ndarray:
        """Starts the episode of a seed; returns its first observation, float32."""

    @abstractmethod
    def step(self, action: int) -> Step:
        """Takes an action, by its number."""

    @abstractmethod
    def score(self) -> float:
        """What the episode is judged by, after it is over: its return, 1 for solved, a share of the optimum."""

    def legal(self) -> np.ndarray:
        """Which actions may be taken now, (actions,) bool."""
        return np.ones(len(self.actions), bool)

    def optimum(self) -> float | None:
        """The best score that the present episode allows, computed exactly; None where that is unknown."""
        return None

    def guide(self) -> int | None:
        """What a simple rule would do now, for observations to calibrate with and as a baseline; None without one."""
        return None

    def frame(self) -> np.ndarray | None:
        """A small picture of the present state, uint8 (H, W, 3), the same size always; None without one."""
        return None


def names() -> tuple[str, ...]:
    """The environments that come with mobilenn, sorted; imports none of them."""
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_")))


def make(name: str, settings: Mapping[str, Any] | None = None) -> Environment:
    """Makes an environment.

    Args:
        name: a name of `names()`; or a class of one's own, `package.module:Class` or `file.py:Class`: a subclass of
            Environment, a TF-Agents PyEnvironment, or whatever has Gym's `reset` and `step`.
        settings: its Settings, or the class's arguments, as plain values.

    Raises:
        RecipeError: no such environment or class, or settings that it does not take.
    """
    if ":" in name:
        from mobilenn.environments._own import make_own

        return make_own(name, settings or {})
    if name not in names():
        hint = f"{nearest(name, names())} Or one of your own: package.module:Class, file.py:Class."
        raise RecipeError(f"There is no environment '{name}'.", hint)
    module = importlib.import_module(f"mobilenn.environments.{name}")
    return module.build(from_dict(module.Settings, settings or {}, "[data.settings]"))


def fingerprint(name: str, settings: Mapping[str, Any] | None = None) -> str:
    """Identifies how an environment behaves: its version, or of one's own its source.

    Raises:
        RecipeError: as `make`.
    """
    if ":" in name:
        from mobilenn.environments._own import source_digest

        return f"{name.rpartition(':')[2]} {source_digest(name)}"
    return f"{name} {make(name, settings).version}"


def seeds(part: str, count: int, salt: int = 0) -> list[int]:
    """Seeds of a part's episodes, all different.

    Args:
        part: a key of `PARTS`.
        count: how many.
        salt: draws others of the same part.
    """
    drawn = np.random.default_rng([PARTS[part], salt]).choice(SEEDS, count, replace=False)
    return [PARTS[part] + int(seed) for seed in drawn]


def part_of(seed: int) -> str:
    """The part that a seed belongs to, so that an environment can keep what it draws apart as well."""
    return max((part for part in PARTS if seed >= PARTS[part]), key=PARTS.__getitem__)
