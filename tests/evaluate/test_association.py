"""Rules against a search that tries every set of items, and suggestions against them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.data import Split
from mobilenn.evaluate import evaluate
from mobilenn.evaluate._rules import Rule, best_items, mine
from mobilenn.evaluate.association import suggestions

ITEMS = 5


def tried(baskets, support, confidence):
    """Every rule of at most four items, by its definition."""
    found = {}
    for size in range(2, ITEMS):
        for both in itertools.combinations(range(ITEMS), size):
            often = baskets[:, both].all(1).mean()
            for cut in range(1, size):
                for antecedent in itertools.combinations(both, cut):
                    certain = often / max(baskets[:, antecedent].all(1).mean(), 1e-9)
                    if often >= support - 1e-12 and certain >= confidence - 1e-12:
                        found[frozenset(antecedent), frozenset(both) - frozenset(antecedent)] = certain
    return found


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999))
def test_mined_rules_are_all_that_there_are(seed):
    baskets = np.random.default_rng(seed).random((40, ITEMS)) < 0.5
    expected = tried(baskets, 0.11, 0.43)  # no share of forty is that close
    found = {(rule.antecedent, rule.consequent): rule.confidence for rule in mine(baskets, 0.11, 0.43)}
    assert found.keys() == expected.keys()
    for key, certain in found.items():
        assert certain == pytest.approx(expected[key], rel=1e-6)


def test_where_nothing_is_frequent_there_is_no_rule():
    assert mine(np.eye(4, dtype=bool), 0.9, 0.5) == []


def rule(antecedent, consequent, confidence):
    return Rule(antecedent=frozenset(antecedent), consequent=frozenset(consequent), confidence=confidence, support=0.1)


def test_the_surest_rule_that_fires_decides():
    rules = [rule([0], [1, 2], 0.5), rule([0, 3], [2], 0.75), rule([4], [1], 0.9), rule([0], [3], 0.5)]
    assert best_items(rules, [0], 5) == [1, 2, 3]  # equal ones by number
    assert best_items(rules, [0, 3], 1) == [2]
    assert best_items(rules, [3], 5) == []


def test_items_without_a_score_are_not_suggested():
    assert suggestions(np.array([0.0, 0.5, 0.9, 0.5]), 5) == [2, 1, 3]
    assert suggestions(np.zeros(4), 5) == []


def test_a_network_that_says_what_the_rules_say_is_right_and_another_is_not():
    baskets = np.array([[1, 1, 0]] * 6 + [[0, 0, 1]] * 4, bool)
    given_ = np.array([[1, 0, 0], [0, 0, 1]], np.float32)
    context = {"baskets": baskets, "support": 0.2, "confidence": 0.5, "most": 2}
    split = Split(inputs={"basket": given_}, targets=np.array([1, 0]), context=context)
    good = {"probabilities": np.array([[0, 1.0, 0], [0, 0, 0]], np.float32)}
    found = evaluate("association", lambda _: good, split, ("a", "b", "c"))
    assert (found.metric, found.value, found.higher_is_better) == ("exact_match", 1.0, True)
    assert found.details == {"rules": 2, "recall": 0.5, "popular_recall": 1.0, "fired": 0.5}
    bad = {"probabilities": np.array([[0, 1.0, 0], [0.1, 0, 0]], np.float32)}
    assert evaluate("association", lambda _: bad, split, ("a", "b", "c")).value == 0.5
