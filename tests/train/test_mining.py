"""The scheme mining: the compiled graph suggests what the rules suggest, for every basket."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn import data, networks
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.evaluate._rules import best_items, mine
from mobilenn.evaluate.association import suggestions
from mobilenn.train.mining import compile_rules, surest
from mobilenn.train.supervised import train

ITEMS = 6
RULES = {"network": "rules", "task": "association", "scheme": "mining", "epochs": 10, "batch_size": 64}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 999))
def test_the_graph_is_the_rules_for_every_basket_there_is(seed):
    share = np.random.default_rng(seed).uniform(0.2, 0.7, ITEMS)
    rules = mine(np.random.default_rng(seed).random((80, ITEMS)) < share, 0.1, 0.3)
    model = networks.make("rules", {"items": ITEMS, "rules": 120})
    compile_rules(model, surest(rules))
    every = (np.arange(1 << ITEMS)[:, None] >> np.arange(ITEMS)) & 1
    for basket, scores in zip(every, model(every.astype(np.float32)).numpy(), strict=True):
        assert suggestions(scores, 3) == best_items(rules, np.flatnonzero(basket).tolist(), 3)


def test_rules_that_never_decide_are_left_out():
    baskets = np.array([[1, 1, 1]] * 8 + [[1, 0, 0]] * 2, bool)
    kept = surest(mine(baskets, 0.1, 0.5))
    found = [(sorted(rule.antecedent), *rule.consequent) for rule in kept]
    assert found == [([1], 0), ([2], 0), ([2], 1), ([0], 1), ([1], 2), ([0], 2)]


def test_a_recipe_of_baskets_is_trained(request_for):
    baskets = data.load("baskets", {"baskets": 600, "support": 0.02}, 3)
    request = request_for(config={"items": len(baskets.labels), "rules": 200}, **RULES)
    result = train(request, baskets)
    rules = surest(mine(baskets.test.context["baskets"], 0.02, 0.3))
    assert result.history == {"rules": [float(len(rules))]}
    fired = result.model.get_layer("fired")
    assert (fired.kernel.numpy().sum(0) > 0).sum() == len(rules)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"optimizer": "sgd"}, RecipeError, "optimizer = sgd has no place in the scheme mining"),
        ({"config": {"items": 7}}, RecipeError, "the network rules takes basket 7"),
        ({"config": {"items": 40, "rules": 2}}, RecipeError, "room for 2"),
        ({"support": 0.9}, DataError, "No rule has a support of 0.9"),
    ],
)
def test_what_does_not_fit_is_refused(request_for, change, error, message):
    asked = {"config": {"items": 40, "rules": 300}, **RULES, **change}
    baskets = data.load("baskets", {"baskets": 600, "support": asked.pop("support", 0.02)}, 3)
    with pytest.raises(error, match=f"(?i){message}"):
        train(request_for(**asked), baskets)
