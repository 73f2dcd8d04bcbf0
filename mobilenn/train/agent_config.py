"""What a recipe's [train.agent] table may say; free of TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mobilenn.core.errors import RecipeError

# By algorithm: updates and horizon where the recipe names none, and the settings that mean nothing in it.
UPDATES = {"dqn": 1, "ppo": 10, "reinforce": 1}
HORIZONS = {"dqn": 10, "ppo": 64, "reinforce": 64}
_FOREIGN = {
    "dqn": ("entropy", "trace", "ratio"),
    "ppo": ("replay", "warmup", "exploration", "exploration_epochs", "target_period", "ahead"),
    "reinforce": ("replay", "warmup", "exploration", "exploration_epochs", "target_period", "ahead", "trace", "ratio"),
}
_RANGES = {
    "discount": (0.0, 1.0),
    "reward_scale": (1e-9, 1e9),
    "environments": (1, 4096),
    "steps": (1, 1_000_000),
    "updates": (0, 1000),
    "replay": (100, 10_000_000),
    "warmup": (1, 1_000_000),
    "exploration": (0.0, 1.0),
    "exploration_epochs": (0, 100_000),
    "target_period": (1, 1_000_000),
    "ahead": (1, 100),
    "horizon": (0, 100_000),
    "entropy": (0.0, 10.0),
    "trace": (0.0, 1.0),
    "ratio": (0.01, 10.0),
}


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """How a policy learns from what its actions lead to.

    Args:
        algorithm: `dqn` learns what actions are worth, and can use old experience again: for long episodes, rewards
            that come late, and few random starts. `ppo` and `reinforce` make good actions more probable: for short
            episodes that differ from each other, and where which of two nearly equal actions is taken matters little.
        discount: γ, what a reward is worth a step later.
        reward_scale: factor of all rewards, so that returns come near 1; scores are not touched by it.
        environments: episodes played side by side.
        steps: that each of them takes in an epoch.
        horizon: steps of each environment between updates; 0 takes the algorithm's own, 10 for dqn, else 64.
        updates: dqn: steps of descent for each step of all environments; ppo: passes over what was collected;
            0 takes the algorithm's own, 1 or 10.
        replay: dqn: transitions that are remembered.
        warmup: dqn: transitions collected before the first update.
        exploration: dqn: the share of actions drawn at random, in the end.
        exploration_epochs: dqn: over which it falls from 1 to that.
        target_period: dqn: updates after which the network that says what comes next is renewed.
        ahead: dqn: rewards that are added up before that network is asked.
        entropy: ppo, reinforce: weight of the entropy, which keeps actions from becoming certain too early.
        trace: ppo: λ of generalised advantage estimation.
        ratio: ppo: how far the probability of an action may move from 1 times its old one.
    """

    algorithm: Literal["dqn", "ppo", "reinforce"] = "dqn"
    discount: float = 0.99
    reward_scale: float = 1.0
    environments: int = 16
    steps: int = 500
    horizon: int = 0
    updates: int = 0
    replay: int = 50_000
    warmup: int = 1000
    exploration: float = 0.05
    exploration_epochs: int = 5
    target_period: int = 100
    ahead: int = 1
    entropy: float = 0.01
    trace: float = 0.95
    ratio: float = 0.2

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                message = f"[train.agent] {name} is {getattr(self, name)}."
                raise RecipeError(message, f"Allowed: {low:g} to {high:g}.")
        usual = type(self)
        for name in _FOREIGN[self.algorithm]:
            if getattr(self, name) != getattr(usual, name):
                message = f"[train.agent] {name} = {getattr(self, name)} has no place in {self.algorithm}."
                raise RecipeError(message, "Leave it out.")

    @property
    def passes(self) -> int:
        """The updates in force."""
        return self.updates or UPDATES[self.algorithm]

    @property
    def rounds(self) -> tuple[int, ...]:
        """The steps of an epoch, cut up into what lies between updates."""
        length = self.horizon or HORIZONS[self.algorithm]
        whole, rest = divmod(self.steps, length)
        return (length,) * whole + ((rest,) if rest else ())

    @property
    def descents(self) -> int:
        """Steps of descent an epoch."""
        return (self.steps if self.algorithm == "dqn" else len(self.rounds)) * self.passes
