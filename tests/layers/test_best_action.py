"""The best action that is allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.layers.best_action import BestAction


def test_the_largest_value_is_chosen_the_first_of_equal_ones():
    values = np.array([[1, 3, 2], [5, 5, 1], [-2, -1, -3]], np.float32)
    found = BestAction()([values]).numpy()
    assert found.dtype == np.int32
    assert found.tolist() == [1, 0, 1]


@given(st.integers(0, 999), st.sampled_from(["table", "grid"]))
def test_what_is_forbidden_is_not_chosen(seed, kind):
    generator = np.random.default_rng(seed)
    values = generator.normal(0, 100, (5, 6)).astype(np.float32)
    allowed = generator.random((5, 6)) < 0.5
    allowed[:, 2] = True
    if kind == "table":
        seen = np.concatenate([generator.normal(size=(5, 3)), allowed], 1)
    else:
        seen = np.stack([generator.normal(size=(5, 2, 3)), allowed.reshape(5, 2, 3)], -1)
    found = BestAction(masked=True)([values, seen.astype(np.float32)]).numpy()
    assert found.tolist() == np.where(allowed, values, -np.inf).argmax(1).tolist()


@pytest.mark.parametrize("masked", [True, False])
def test_its_settings_come_back(masked):
    assert BestAction.from_config(BestAction(masked=masked).get_config()).masked is masked
