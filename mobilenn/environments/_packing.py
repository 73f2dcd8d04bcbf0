"""The 0/1 knapsack: the optimum by dynamic programming, what the rule of thumb gets, and a bound."""

from __future__ import annotations

import numpy as np


def best_value(weights: np.ndarray, values: np.ndarray, capacity: int) -> int:
    """The largest total value of items that fit together.

    Args:
        weights: of the items, (N,) positive integers.
        values: of the items, (N,) non-negative integers.
        capacity: the largest total weight, 0 and more.

    Reference:
        Bellman, Dynamic Programming (1957): for each capacity the best with and without the item, item by item.
    """
    best = np.zeros(capacity + 1, np.int64)
    for weight, value in zip(weights.tolist(), values.tolist(), strict=True):
        if weight <= capacity:
            best[weight:] = np.maximum(best[weight:], best[: capacity + 1 - weight] + value)
    return int(best[-1])


def greedy_order(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Items by value per weight, the densest first, of equal ones the earlier, (N,) int64.

    Reference:
        Dantzig, Discrete-variable extremum problems (1957).
    """
    return np.argsort(-values / weights, kind="stable")


def greedy_value(weights: np.ndarray, values: np.ndarray, capacity: int) -> int:
    """The total value of packing the densest item that still fits, again and again.

    Args:
        weights, values, capacity: see `best_value`.
    """
    total, left = 0, capacity
    for item in greedy_order(weights, values).tolist():
        if weights[item] <= left:
            total, left = total + int(values[item]), left - int(weights[item])
    return total


def bound(weights: np.ndarray, values: np.ndarray, capacity: int) -> float:
    """What no choice can exceed: the densest items, the last of them cut to fit.

    Args:
        weights, values: of the items, the densest first; those heavier than the capacity left out.
        capacity: see `best_value`.

    Reference:
        Dantzig, Discrete-variable extremum problems (1957).
    """
    total, left = 0.0, capacity
    for weight, value in zip(weights.tolist(), values.tolist(), strict=True):
        if weight > left:
            return total + value * left / weight
        total, left = total + value, left - weight
    return total
