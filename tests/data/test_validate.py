"""Loaded splits are checked once more, whoever made them."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import data
from mobilenn.core.errors import DataError
from mobilenn.data import Dataset, Split


def make(labels=("a", "b"), **parts):
    def split():
        return Split(inputs={"features": np.ones((6, 2), np.float32)}, targets=np.arange(6) % 2)

    splits = {part: parts.get(part, split()) for part in ("train", "validation", "test")}
    return Dataset(**splits, labels=labels, description="made.", preprocessing={})


def bad(inputs=None, targets=None):
    inputs = np.ones((6, 2), np.float32) if inputs is None else inputs
    return Split(inputs={"features": inputs}, targets=np.arange(6) % 2 if targets is None else targets)


NAN = np.ones((6, 2), np.float32)
NAN[3, 1] = np.nan


@pytest.mark.parametrize(
    ("dataset", "fault"),
    [
        (make(test=bad(NAN)), "test: row 3: features is not finite"),
        (make(train=bad(targets=np.zeros(6, np.int64))), "train: class 'b' has no rows"),
        (make(validation=bad(targets=np.full(6, 2))), "validation: row 0: class 2 has no label"),
        (make(validation=bad(np.ones((0, 2), np.float32), np.zeros(0, np.int64))), "validation: no rows"),
        (make(test=bad(np.ones((6, 3), np.float32))), "test: features has shape (3,)"),
        (make(test=bad(np.ones((5, 2), np.float32))), "test: features has 5 rows for 6 targets"),
        (make((), train=bad(targets=np.full((6, 1), np.inf))), "train: row 0: the target is not finite"),
    ],
)
def test_each_fault_is_listed(dataset, fault):
    with pytest.raises(DataError) as caught:
        data.validate(dataset)
    assert any(fault in found for found in caught.value.faults), caught.value.faults


def test_a_good_dataset_passes():
    data.validate(make())
