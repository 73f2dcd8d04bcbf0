"""Dynamic programming against every possible choice."""

from __future__ import annotations

from itertools import compress, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.environments._packing import best_value, bound, greedy_order, greedy_value

items = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 60)), min_size=1, max_size=9)


def columns(pairs):
    weights, values = zip(*pairs, strict=True)
    return np.array(weights), np.array(values)


@given(items, st.integers(0, 120))
def test_the_best_value_is_that_of_the_best_of_all_choices(pairs, capacity):
    weights, values = columns(pairs)
    chosen = ([*compress(pairs, picked)] for picked in product((False, True), repeat=len(pairs)))
    expected = max(sum(v for _, v in some) for some in chosen if sum(w for w, _ in some) <= capacity)
    assert best_value(weights, values, capacity) == expected
    assert greedy_value(weights, values, capacity) <= expected


@given(items, st.integers(0, 120))
def test_no_choice_exceeds_the_bound_and_a_cut_item_is_all_that_it_adds(pairs, capacity):
    weights, values = columns(pairs)
    order = greedy_order(weights, values)
    order = order[weights[order] <= capacity]
    hoped = bound(weights[order], values[order], capacity)
    assert best_value(weights, values, capacity) <= hoped + 1e-9
    assert hoped <= greedy_value(weights, values, capacity) + values.max() + 1e-9


@given(items)
def test_all_items_are_packed_where_all_fit(pairs):
    weights, values = columns(pairs)
    assert best_value(weights, values, int(weights.sum())) == values.sum()
    assert greedy_value(weights, values, int(weights.sum())) == values.sum()


def test_the_densest_item_comes_first_and_what_does_not_fit_is_passed_over():
    weights, values = np.array([10, 4, 6]), np.array([30, 16, 17])
    assert greedy_order(weights, values).tolist() == [1, 0, 2]
    assert greedy_value(weights, values, 10) == 16 + 17
    assert best_value(weights, values, 10) == 33
    assert greedy_value(np.array([1, 10]), np.array([2, 19]), 10) == 2  # where the rule of thumb errs
    assert best_value(np.array([1, 10]), np.array([2, 19]), 10) == 19
