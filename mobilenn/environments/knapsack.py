"""The 0/1 knapsack: items with a weight and a value are packed one by one until none fits any more."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.environments import Environment, Step
from mobilenn.environments._packing import best_value, bound, greedy_order

FEATURES = ("weight", "value", "density", "allowed")
WEIGHTS = (5, 50)  # the smallest and the largest
VALUE_PER_WEIGHT, SPREAD = 2, 20
LARGEST_VALUE = WEIGHTS[1] * VALUE_PER_WEIGHT + SPREAD
DENSEST = (WEIGHTS[0] * VALUE_PER_WEIGHT + SPREAD) / WEIGHTS[0]
_PAPER, _EMPTY, _PACKED, _LEFT, _FULL = (250, 250, 247), (223, 225, 222), (46, 139, 87), (10, 108, 176), (178, 58, 0)
_WIDTH, _GAP, _HEIGHT = 144, 2, 60  # of a picture: of all bars, between them, and of the highest, in pixels


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What instances are drawn.

    Args:
        items: to choose from.
        capacity: of the knapsack, as a share of the weight of all items.
    """

    items: int = 12
    capacity: float = 0.25

    def __post_init__(self) -> None:
        if not 2 <= self.items <= 1000:
            raise RecipeError(f"[data.settings] items is {self.items}.", "Allowed: 2 to 1000.")
        if not 0 < self.capacity <= 1:
            raise RecipeError(f"[data.settings] capacity is {self.capacity}.", "Allowed: above 0, up to 1.")


def build(settings: Settings) -> Knapsack:
    """Makes the environment."""
    return Knapsack(settings)


def draw(settings: Settings, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
    """Draws an instance whose values are weakly correlated with the weights: the kind where the rule of thumb errs.

    Returns:
        Weights (items,) int64 in 5..50, values (items,) int64 in 1..120 within 20 of twice the weight, and the
        capacity, in which at least the lightest item fits.

    Reference:
        Pisinger, Where are the hard knapsack problems? (2005), section 3.
    """
    weights = generator.integers(WEIGHTS[0], WEIGHTS[1] + 1, settings.items)
    values = VALUE_PER_WEIGHT * weights + generator.integers(-SPREAD, SPREAD + 1, settings.items)
    capacity = max(int(weights.sum() * settings.capacity), int(weights.min()))
    return weights, np.maximum(values, 1), capacity


class Knapsack(Environment):
    """An action packs an item; packed ones and those that do not fit are forbidden; ends when nothing fits.

    A reward is what a step takes from the value that can still be hoped for, 0 or less, as a share of the optimum: the
    item's value, and the change of the bound of what is left. An episode's return is its score less the bound at its
    start, which no choice changes, so that what is best stays best; but each step is told at once what it cost.

    Reference:
        Ng, Harada and Russell, Policy invariance under reward transformations (ICML 1999).
    """

    metric = "share_of_optimum"
    masked = True

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.max_steps = settings.items
        self.actions = tuple(f"item {place}" for place in range(1, settings.items + 1))
        self.observation_shape = (settings.items, 1, len(FEATURES))

    def reset(self, seed: int) -> np.ndarray:
        """Draws the items from the seed; the knapsack is empty."""
        self.weights, self.values, self.capacity = draw(self.settings, np.random.default_rng(seed))
        self.packed = np.zeros(self.settings.items, bool)
        self.best = best_value(self.weights, self.values, self.capacity)
        self._order = greedy_order(self.weights, self.values)
        self._hope = self._bound()
        return self._observed()

    def step(self, action: int) -> Step:
        """Packs an item."""
        self.packed[action] = True
        hope = self._bound()
        reward = float((self.values[action] + hope - self._hope) / self.best)
        self._hope = hope
        return Step(observation=self._observed(), reward=reward, done=not self.legal().any())

    def legal(self) -> np.ndarray:
        """Which items are not packed yet and fit."""
        return ~self.packed & (self.weights <= self.room())

    def room(self) -> int:
        """The capacity that is left."""
        return self.capacity - int(self.weights[self.packed].sum())

    def score(self) -> float:
        """The packed items' value as a share of the largest possible."""
        return float(self.values[self.packed].sum() / self.best)

    def optimum(self) -> float:
        """1: the score of the best choice, whose value dynamic programming found."""
        return 1.0

    def guide(self) -> int:
        """The densest item that still fits."""
        return int(self._order[self.legal()[self._order]][0])

    def frame(self) -> np.ndarray:
        """A bar an item, as wide as it is heavy and as high as it is worth: green where it is packed, grey where it no
        longer fits; beneath them, how full the knapsack is."""
        picture = np.full((_HEIGHT + 12, _WIDTH, 3), _PAPER, np.uint8)
        edges = (_WIDTH * np.cumsum([0, *self.weights]) / self.weights.sum()).round().astype(int).tolist()
        legal = self.legal()
        for item, (left, right) in enumerate(pairwise(edges)):
            top = _HEIGHT - max(1, int(_HEIGHT * self.values[item] / LARGEST_VALUE))
            picture[top:_HEIGHT, left : max(right - _GAP, left + 1)] = (
                _PACKED if self.packed[item] else _LEFT if legal[item] else _EMPTY
            )
        picture[_HEIGHT + 4 : _HEIGHT + 10] = _EMPTY
        full = round(_WIDTH * (1 - self.room() / self.capacity))
        picture[_HEIGHT + 4 : _HEIGHT + 10, :full] = _FULL
        return picture

    def _bound(self) -> float:
        """Of the value that can still be packed."""
        fitting = self._order[self.legal()[self._order]]
        return bound(self.weights[fitting], self.values[fitting], self.room())

    def _observed(self) -> np.ndarray:
        """(items, 1, 4) in 0..1: weight over the room that is left, value over the largest there is, density over the
        largest possible, and whether it may be packed; an item that may not is all zeros."""
        allowed = self.legal()
        density = self.values / self.weights
        columns = (self.weights / max(self.room(), 1), self.values / LARGEST_VALUE, density / DENSEST, allowed)
        return (np.stack(columns, axis=-1) * allowed[:, None]).astype(np.float32)[:, None, :]
