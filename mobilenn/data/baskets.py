"""Baskets of a grocer's, made by a generator: chance, and rules planted into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.core.store import sha256_json
from mobilenn.data import Dataset
from mobilenn.data._baskets import Mining, dataset

ITEMS = (
    *("bread", "butter", "jam", "milk", "cereal", "eggs", "bacon", "cheese", "ham", "yoghurt"),
    *("apples", "bananas", "oranges", "lemons", "tomatoes", "cucumber", "lettuce", "onions", "garlic", "potatoes"),
    *("pasta", "rice", "olive oil", "parmesan", "basil", "minced meat", "chicken", "fish", "flour", "sugar"),
    *("chocolate", "biscuits", "coffee", "tea", "beer", "crisps", "wine", "juice", "soap", "paper towels"),
)
# Who takes all of the first takes the second with this probability.
PLANTED: tuple[tuple[tuple[str, ...], str, float], ...] = (
    (("bread", "butter"), "jam", 0.7),
    (("cereal",), "milk", 0.8),
    (("eggs",), "bacon", 0.5),
    (("bread", "ham"), "cheese", 0.65),
    (("pasta", "tomatoes"), "parmesan", 0.75),
    (("pasta", "garlic"), "olive oil", 0.6),
    (("tomatoes", "basil"), "olive oil", 0.7),
    (("pasta", "minced meat"), "onions", 0.8),
    (("lettuce", "cucumber"), "tomatoes", 0.6),
    (("fish",), "lemons", 0.65),
    (("chicken", "rice"), "onions", 0.5),
    (("flour", "sugar"), "eggs", 0.75),
    (("flour", "eggs"), "butter", 0.55),
    (("coffee",), "milk", 0.5),
    (("tea",), "biscuits", 0.55),
    (("beer",), "crisps", 0.7),
    (("wine",), "cheese", 0.45),
    (("apples", "bananas"), "oranges", 0.5),
    (("potatoes", "fish"), "butter", 0.5),
    (("juice", "cereal"), "bananas", 0.55),
)
START = 0.05  # of a rule's antecedent to be put into a basket


@dataclass(frozen=True, kw_only=True)
class Settings(Mining):
    """How many baskets are made; the rest is that of all baskets.

    Args:
        baskets: number of baskets.
    """

    baskets: int = 4000

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 100 <= self.baskets <= 1_000_000:
            raise RecipeError(f"[data] baskets is {self.baskets}.", "Allowed: 100 to 1000000.")


def fingerprint(settings: Settings) -> str:
    """The generator's version and what is planted; its settings are part of the recipe."""
    return f"baskets 1 {sha256_json([ITEMS, PLANTED, START])[:16]}"


def load(settings: Settings, seed: int) -> Dataset:
    """Generates the baskets; they do not depend on the recipe's seed."""
    made = generate(settings.baskets, np.random.default_rng(19))
    described = f"{len(made):,} generated baskets of {len(ITEMS)} groceries, with {len(PLANTED)} rules planted."
    return dataset(made, ITEMS, settings, seed, described)


def generate(count: int, generator: np.random.Generator) -> np.ndarray:
    """Makes baskets: items by chance, some of them rare, whole antecedents, then what these bring with them.

    Args:
        count: number of baskets.
        generator: of all chance.

    Returns:
        (count, items) bool; each basket holds at least two items.
    """
    number = {item: place for place, item in enumerate(ITEMS)}
    share = generator.uniform(0.005, 0.06, len(ITEMS))
    made = generator.random((count, len(ITEMS))) < share
    for antecedent, _, _ in PLANTED:
        made[np.ix_(generator.random(count) < START, [number[item] for item in antecedent])] = True
    for antecedent, consequent, probability in PLANTED:
        whole = made[:, [number[item] for item in antecedent]].all(1)
        made[:, number[consequent]] |= whole & (generator.random(count) < probability)
    for row in np.flatnonzero(made.sum(1) < 2):
        made[row, generator.choice(len(ITEMS), 2, replace=False)] = True
    return made
