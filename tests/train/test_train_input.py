"""The input pipeline: every sample once an epoch, the same order after a resume, shards that add up."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.data import Split
from mobilenn.train.config import Augment
from mobilenn.train.input import InputPlan, Shard, dataset, step_sizes


def numbered(count: int) -> Split:
    """A split whose inputs and targets say which row they are."""
    rows = np.arange(count)
    return Split(inputs={"features": rows[:, None].astype(np.float32)}, targets=rows)


def plan(**fields: Any) -> InputPlan:
    return InputPlan(**{"batch_size": 4, "epochs": 2, "seed": 1, "outputs": ("value",), **fields})


def batches(split: Split, made: InputPlan) -> list[list[int]]:
    """Rows of each element, after a check that inputs and targets belong together."""
    found = []
    for inputs, targets in dataset(split, made).as_numpy_iterator():
        (rows,) = targets.values()
        np.testing.assert_array_equal(inputs["features"][:, 0], rows)
        found.append(rows.tolist())
    return found


counts = st.integers(1, 40)
sizes = st.integers(1, 12)


@settings(max_examples=20)
@given(count=counts, size=sizes, seed=st.integers(0, 2**32 - 1))
def test_every_sample_comes_once_an_epoch(count: int, size: int, seed: int) -> None:
    steps = math.ceil(count / size)
    found = batches(numbered(count), plan(batch_size=size, epochs=3, seed=seed))
    assert len(found) == 3 * steps
    for epoch in range(3):
        parts = found[epoch * steps : (epoch + 1) * steps]
        assert [len(part) for part in parts[:-1]] == [size] * (steps - 1)
        assert sorted(row for part in parts for row in part) == list(range(count))


@settings(max_examples=20)
@given(count=counts, size=sizes, first=st.integers(0, 3))
def test_an_epoch_does_not_depend_on_where_training_began(count: int, size: int, first: int) -> None:
    whole = batches(numbered(count), plan(batch_size=size, epochs=4))
    rest = batches(numbered(count), plan(batch_size=size, epochs=4, first_epoch=first))
    assert rest == whole[first * math.ceil(count / size) :]


def test_order_depends_on_seed_and_epoch() -> None:
    one, other = (batches(numbered(30), plan(batch_size=30, seed=seed)) for seed in (1, 2))
    assert one == batches(numbered(30), plan(batch_size=30, seed=1))
    assert one[0] != one[1]
    assert one[0] != other[0]


def test_without_a_seed_the_splits_own_order_is_kept() -> None:
    assert batches(numbered(7), plan(seed=None, epochs=1, batch_size=3)) == [[0, 1, 2], [3, 4, 5], [6]]


@settings(max_examples=20)
@given(count=counts, share=st.integers(1, 4), workers=st.integers(1, 3), local=st.integers(1, 2))
def test_shards_share_each_batch_evenly(count: int, share: int, workers: int, local: int) -> None:
    replicas = workers * local
    made = plan(batch_size=share * replicas, epochs=1)
    whole = batches(numbered(count), made)
    parts = [
        batches(numbered(count), replace(made, shard=Shard(replicas=replicas, first=worker * local, local=local)))
        for worker in range(workers)
    ]
    steps, last = step_sizes(count, share * replicas, replicas)
    for step in range(steps):
        elements = [part[step * local + index] for part in parts for index in range(local)]
        assert len({len(element) for element in elements}) == 1
        together = [row for element in elements for row in element]
        assert together == whole[step][: len(together)]
        assert len(together) == (last if step == steps - 1 else share * replicas)
    assert count - sum(len(rows) for part in parts for rows in part) < replicas


@given(count=st.integers(0, 1000), size=st.integers(1, 64), replicas=st.integers(1, 8))
def test_step_sizes_cover_all_but_what_cannot_be_shared(count: int, size: int, replicas: int) -> None:
    size *= replicas
    steps, last = step_sizes(count, size, replicas)
    covered = (steps - 1) * size + last if steps else 0
    assert covered % replicas == 0
    assert 0 <= count - covered < replicas


class Lazy:
    """Rows that are made when they are asked for, as decoded images are."""

    def __init__(self, array: np.ndarray) -> None:
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self._array[rows]


@pytest.mark.parametrize("augment", [Augment(), Augment(shift_pixels=2, horizontal_flip=True)])
def test_a_lazy_array_yields_what_one_in_memory_does(augment: Augment) -> None:
    images = np.random.default_rng(0).integers(0, 256, (11, 6, 5, 2)).astype(np.uint8)
    targets = np.arange(11)
    made = plan(augment=augment, outputs=("value",))
    pairs = zip(
        dataset(Split(inputs={"image": images}, targets=targets), made).as_numpy_iterator(),
        dataset(Split(inputs={"image": Lazy(images)}, targets=targets), made).as_numpy_iterator(),
        strict=True,
    )
    for (one, first), (other, second) in pairs:
        assert one["image"].dtype == np.uint8
        np.testing.assert_array_equal(one["image"], other["image"])
        np.testing.assert_array_equal(first["value"], second["value"])


def test_a_memory_map_is_not_read_whole(tmp_path: Any) -> None:
    path = tmp_path / "images.npy"
    np.save(path, np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1))
    mapped = np.load(path, mmap_mode="r")
    split = Split(inputs={"image": mapped}, targets=np.arange(6))
    for inputs, targets in dataset(split, plan()).as_numpy_iterator():
        np.testing.assert_array_equal(inputs["image"], mapped[targets["value"]])


def test_changes_follow_the_sample_not_its_place_in_the_batch() -> None:
    """The same (seed, epoch, sample) gets the same shift at any batch size."""
    images = np.random.default_rng(0).integers(0, 256, (20, 6, 6, 1)).astype(np.uint8)
    split = Split(inputs={"image": images}, targets=np.arange(20))
    seen: list[dict[int, bytes]] = []
    for size in (3, 7):
        made = plan(batch_size=size, epochs=1, augment=Augment(shift_pixels=2, horizontal_flip=True))
        seen.append({})
        for inputs, targets in dataset(split, made).as_numpy_iterator():
            seen[-1] |= {
                int(row): image.tobytes() for row, image in zip(targets["value"], inputs["image"], strict=True)
            }
    assert seen[0] == seen[1]
    assert any(images[row].tobytes() != value for row, value in seen[0].items())


def test_every_output_gets_the_targets() -> None:
    _, targets = next(dataset(numbered(4), plan(outputs=("probabilities", "head"))).as_numpy_iterator())
    assert sorted(targets) == ["head", "probabilities"]
    np.testing.assert_array_equal(targets["head"], targets["probabilities"])


def test_nothing_in_the_pipeline_is_stateful() -> None:
    """A stateful operation would make TensorFlow read one batch at a time under op determinism."""
    lazy = Split(inputs={"features": Lazy(np.zeros((8, 1), np.float32))}, targets=np.arange(8))
    made = dataset(lazy, plan(augment=Augment(shift_pixels=1)))
    kinds = _functions(made)
    assert {"PyFuncStateless", "StatelessRandomUniformFullIntV2"} <= set(kinds)
    assert not {"PyFunc", "EagerPyFunc", "RandomUniform", "RandomShuffle"} & set(kinds)


def _functions(made: tf.data.Dataset) -> list[str]:
    """The kind of every operation of every function that a chain of datasets maps with, nested ones too."""
    kinds: list[str] = []
    while made is not None:
        wrapper = getattr(made, "_map_func", None)
        if wrapper is not None:
            definition = wrapper.function.graph.as_graph_def()
            kinds += [node.op for node in definition.node]
            kinds += [node.op for function in definition.library.function for node in function.node_def]
        made = getattr(made, "_input_dataset", None)
    return kinds
