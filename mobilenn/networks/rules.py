"""A set of association rules as a network: a basket goes in, what else to put into it comes out."""

from __future__ import annotations

from dataclasses import dataclass

import tf_keras as keras

from mobilenn.layers.best_rule import BestRule
from mobilenn.networks._blocks import check_range, layers


@dataclass(frozen=True, kw_only=True)
class Config:
    """Room for items and rules.

    Args:
        items: number of items.
        rules: the most rules; mining says how many there are, and fills the rest with rules that never fire.
    """

    items: int = 40
    rules: int = 256

    def __post_init__(self) -> None:
        check_range("items", self.items, 2, 65536)
        check_range("rules", self.rules, 1, 65536)


TINY = Config(items=6, rules=5)
PUBLISHED = {"256 rules of 40 items": (Config(), 20_736)}


def build(config: Config) -> keras.Model:
    """Builds the scorer: `basket` (1, items) of 0 and 1 in, `probabilities` (1, items) out.

    `fired` is max(0, items of the antecedent that the basket holds − its size + 1): 1 where it holds all, else 0.
    An item's probability is the confidence of the surest rule that fires and names it; 0 where none does, and for
    items that the basket holds.

    Reference:
        Agrawal, Imieliński and Swami, Mining association rules between sets of items in large databases (1993).
    """
    basket = layers.Input((config.items,), name="basket")
    fired = layers.Dense(config.rules, activation="relu", name="fired")(basket)
    scores = BestRule(config.items, name="scores")(fired)
    absent = layers.Rescaling(-1.0, offset=1.0, name="absent")(basket)
    made = layers.Multiply(dtype="float32", name="probabilities")([scores, absent])
    return keras.Model(basket, made, name="rules")
