"""Association rules: mined by mlxtend's FP-growth, and applied in plain Python."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

LONGEST = 4  # items of a frequent set


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Who buys all of one set of items buys all of the other, too.

    Args:
        antecedent, consequent: numbers of items; not empty, without a common one.
        confidence: share of the baskets with the antecedent that hold the consequent, rounded to float32: mlxtend
            divides shares, so that equal ratios differ in their last digits.
        support: share of all baskets that hold both.
    """

    antecedent: frozenset[int]
    consequent: frozenset[int]
    confidence: float
    support: float


def mine(baskets: np.ndarray, support: float, confidence: float) -> list[Rule]:
    """Finds every rule of at most four items that is frequent and certain enough.

    Args:
        baskets: (N, items) bool.
        support: the least share of all baskets.
        confidence: the least share of the baskets with the antecedent.

    Returns:
        The rules in mlxtend's order.

    Reference:
        Han, Pei and Yin, Mining frequent patterns without candidate generation (SIGMOD 2000).
    """
    import pandas
    from mlxtend.frequent_patterns import association_rules, fpgrowth

    frequent = fpgrowth(pandas.DataFrame(np.asarray(baskets, bool)), min_support=support, max_len=LONGEST)
    if frequent.empty:
        return []
    with np.errstate(divide="ignore", invalid="ignore"):  # of measures that mlxtend adds, and that are not used here
        found = association_rules(frequent, metric="confidence", min_threshold=confidence)
    columns = (found[name] for name in ("antecedents", "consequents", "confidence", "support"))
    return [
        Rule(
            antecedent=frozenset(map(int, antecedent)),
            consequent=frozenset(map(int, consequent)),
            confidence=float(np.float32(certain)),
            support=float(often),
        )
        for antecedent, consequent, certain, often in zip(*columns, strict=True)
    ]


def best_items(rules: Sequence[Rule], basket: Collection[int], most: int) -> list[int]:
    """The items to suggest beside a basket.

    An item's score is the confidence of the surest rule that fires and names it; a rule fires where the basket holds
    its whole antecedent. Items of the basket are not suggested; of equal scores the smaller number comes first.

    Args:
        rules: what may fire.
        basket: numbers of items.
        most: the largest number of suggestions.
    """
    held = frozenset(basket)
    scores: dict[int, float] = {}
    for rule in rules:
        if rule.antecedent <= held:
            for item in rule.consequent - held:
                scores[item] = max(scores.get(item, 0.0), rule.confidence)
    return sorted(scores, key=lambda item: (-scores[item], item))[:most]
