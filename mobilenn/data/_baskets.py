"""What sets of baskets share: splitting, and one item of each basket held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.data._tables import TEST_SEED, check_shares, split_rows


@dataclass(frozen=True, kw_only=True)
class Mining:
    """How baskets are handed out, and what counts as a rule; the settings of each set of baskets start from these.

    Args:
        support: the least share of all training baskets that a rule's items appear in together.
        confidence: the least share of the baskets with a rule's antecedent that hold its consequent.
        most: how many items are suggested beside a basket.
        validation, test: shares of all baskets.
    """

    support: float = 0.01
    confidence: float = 0.3
    most: int = 5
    validation: float = 0.15
    test: float = 0.25

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        for name in ("support", "confidence"):
            if not 0 < getattr(self, name) <= 1:
                raise RecipeError(f"[data] {name} is {getattr(self, name)}.", "Allowed: above 0, at most 1.")
        if not 1 <= self.most <= 1000:
            raise RecipeError(f"[data] most is {self.most}.", "Allowed: 1 to 1000.")


def dataset(baskets: np.ndarray, items: Sequence[str], settings: Mining, seed: int, description: str) -> Dataset:
    """Splits baskets and holds an item of each out.

    Args:
        baskets: (N, items) bool, none empty.
        items: their names.
        settings: shares and thresholds.
        seed: of the split into train and validation, and of what is held out there.
        description: one sentence.

    Returns:
        `basket` (N, items) float32 of 0 and 1 without the item held out, which is the target. Items that are held out
        of no training basket are left out, and so are baskets of validation and test without another item.
    """
    parts = split_rows(np.arange(len(baskets)), settings.validation, settings.test, seed, stratify=False)
    held_out = _spread(baskets[parts[0]], np.random.default_rng([seed, 0]))
    kept = np.unique(held_out)
    if len(kept) < len(items):
        description += f" {len(items) - len(kept)} items that hardly any training basket holds are left out."
    baskets = baskets[:, kept]
    train = _split(baskets[parts[0]], np.searchsorted(kept, held_out))
    watched, tested = (
        _drawn(baskets[rows], np.random.default_rng([source, number]))
        for number, (rows, source) in enumerate(zip(parts[1:], (seed, TEST_SEED), strict=True), 1)
    )
    thresholds = {"support": settings.support, "confidence": settings.confidence, "most": settings.most}
    return Dataset(
        train=train,
        validation=watched,
        test=replace(tested, context={"baskets": baskets[parts[0]], **thresholds}),
        labels=tuple(items[number] for number in kept),
        description=description,
        preprocessing={"basket": "1 for each item that is in it, else 0", **thresholds},
    )


def _spread(baskets: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """An item of each basket, (N,), such that as many items as possible are drawn: the rarest choose first."""
    drawn, free = _any(baskets, generator), np.ones(len(baskets), bool)
    for item in np.argsort(baskets.sum(0), kind="stable"):
        rows = np.flatnonzero(baskets[:, item] & free)
        if len(rows):
            drawn[rows[0]], free[rows[0]] = item, False
    return drawn


def _any(baskets: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """An item of each basket, drawn evenly, (N,)."""
    return np.where(baskets, generator.random(baskets.shape), -1.0).argmax(1)


def _drawn(baskets: np.ndarray, generator: np.random.Generator) -> Split:
    """Holds out any item of each basket that is not empty."""
    baskets = baskets[baskets.any(1)]
    return _split(baskets, _any(baskets, generator))


def _split(baskets: np.ndarray, held_out: np.ndarray) -> Split:
    given = baskets.astype(np.float32)
    given[np.arange(len(given)), held_out] = 0.0
    return Split(inputs={"basket": given}, targets=held_out.astype(np.int64))
