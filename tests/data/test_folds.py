"""Folds of a table: each tests other rows, and together they test all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn import data as datasets
from mobilenn.core.errors import RecipeError
from mobilenn.data._tables import folds, split_rows

TARGETS = st.lists(st.integers(0, 2), min_size=12, max_size=200).map(np.array)


@given(TARGETS, st.sampled_from([0.1, 0.2, 0.25, 1 / 3, 0.5]), st.booleans())
def test_folds_share_no_row_and_cover_what_they_can(targets, test, stratify):
    tested = []
    for fold in range(folds(test)):
        parts = split_rows(targets, 0.1, test, 3, stratify, fold)
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(targets)))
        tested.append(parts[2])
    every = np.concatenate(tested)
    classes = len(np.unique(targets)) if stratify else 1
    assert len(every) - len(np.unique(every)) <= classes  # a class of few rows is tested by one at the least
    assert len(np.unique(every)) >= len(targets) - classes


@pytest.fixture
def table(tmp_path):
    """178 rows of three classes, each row with a number of its own."""
    path = tmp_path / "table.csv"
    rows = "".join(f"{row},{('a', 'b', 'c')[row % 3]}\n" for row in range(178))
    path.write_text(f"number,class\n{rows}", encoding="utf-8")
    return {"path": str(path), "target": "class"}


def numbers(split):
    return sorted(split.inputs["features"][:, 0].tolist())


def test_the_first_fold_is_the_split_without_folds(table):
    first, usual = (datasets.load("csv", settings, 7) for settings in ({**table, "fold": 0}, table))
    assert numbers(first.test) == numbers(usual.test)
    assert numbers(first.train) == numbers(usual.train)


def test_four_folds_test_every_row_once(table):
    splits = [datasets.load("csv", {**table, "fold": fold}, 7).test for fold in range(4)]
    assert sorted(number for split in splits for number in numbers(split)) == list(range(178))


@pytest.mark.parametrize("fold", [-1, 4])
def test_a_fold_that_is_not_there_is_refused(table, fold):
    with pytest.raises(RecipeError, match=f"fold is {fold}"):
        datasets.load("csv", {**table, "fold": fold}, 7)
