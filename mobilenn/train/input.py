"""The input pipeline: one dataset over every (epoch, step), the same whether or not training was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from mobilenn.data import Split
from mobilenn.train.augment import augment, draw
from mobilenn.train.config import Augment

_SHUFFLE, _AUGMENT = 0, 1  # streams folded into the epoch's key, so that no two uses share random numbers


@dataclass(frozen=True, kw_only=True)
class Shard:
    """The replicas that one dataset feeds; its elements take turns among them.

    Args:
        replicas: devices that share a global batch, over all workers.
        first: this worker's first replica.
        local: number of this worker's replicas.
    """

    replicas: int = 1
    first: int = 0
    local: int = 1


@dataclass(frozen=True, kw_only=True)
class InputPlan:
    """What a dataset yields, in which order.

    Args:
        batch_size: samples a step, over all replicas; a multiple of their number.
        epochs: epochs in all; one where the order is the split's own.
        first_epoch: the epoch to start at, from 0.
        seed: of order and augmentation; None keeps the split's own order and changes nothing.
        augment: random changes to image and clip inputs.
        outputs: names that the targets are handed out under, one per loss.
        shard: the replicas to feed.
    """

    batch_size: int
    epochs: int = 1
    first_epoch: int = 0
    seed: int | None = None
    augment: Augment = field(default_factory=Augment)
    outputs: tuple[str, ...]
    shard: Shard = field(default_factory=Shard)


def step_sizes(count: int, batch_size: int, replicas: int = 1) -> tuple[int, int]:
    """Steps an epoch, and samples of the last one over all replicas.

    Every replica sees equally many samples, so that the mean of their means is the batch's mean:
    with R replicas, up to R − 1 samples sit an epoch out.

    Args:
        count: samples in the split.
        batch_size: samples of a full step.
        replicas: devices that share a step.
    """
    full, rest = divmod(count, batch_size)
    rest -= rest % replicas
    return (full + 1, rest) if rest else (full, batch_size)


def dataset(split: Split, plan: InputPlan) -> tf.data.Dataset:
    """Yields `(inputs by name, targets by output)`, one element per step and local replica.

    The order of an epoch and its random changes depend on (seed, epoch, sample) alone: a run resumed
    at any epoch sees what an undisturbed one sees. Images stay uint8 until the model's input casts
    them, so that a quarter of the bytes travel to the device. Arrays in memory are gathered by
    TensorFlow; lazy ones are read by several threads, a batch each.

    Args:
        split: the samples.
        plan: what to yield.
    """
    with tf.device("/cpu:0"):
        columns = {name: _column(array) for name, array in split.inputs.items()}
        targets = tf.constant(split.targets)

    def batch(rows: tf.Tensor, draws: tf.Tensor | None = None) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        inputs = {name: _rows(column, rows) for name, column in columns.items()}
        if draws is not None:
            inputs = {name: augment(value, draws, plan.augment) for name, value in inputs.items()}
        return inputs, dict.fromkeys(plan.outputs, tf.gather(targets, rows))

    made = _in_order(len(split), plan) if plan.seed is None else _shuffled(len(split), plan)
    made = made.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    options = tf.data.Options()
    options.deterministic = True
    # Each worker already reads its own rows only; a second sharding would lose samples.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return made.with_options(options).prefetch(tf.data.AUTOTUNE)


def _in_order(count: int, plan: InputPlan) -> tf.data.Dataset:
    """The rows of each element of one pass. Watching a validation split starts it anew each epoch, so it is lean."""
    elements, bounds = _bounds(count, plan)
    # Keras makes a second iterator of a dataset whose length it can tell, which takes longer than a small split.
    indices = tf.data.Dataset.counter().take_while(lambda index: index < elements)
    return indices.map(lambda index: tf.range(*bounds(index)))


def _shuffled(count: int, plan: InputPlan) -> tf.data.Dataset:
    """The rows of each element of all epochs, and their random draws where there are any."""
    elements, bounds = _bounds(count, plan)
    fold = tf.random.experimental.stateless_fold_in

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        key = tf.stack([tf.constant(plan.seed, tf.int64), number])
        order = tf.range(count, dtype=tf.int64)
        order = tf.random.experimental.stateless_shuffle(order, fold(key, _SHUFFLE), alg="philox")
        draws = draw(count, fold(key, _AUGMENT), plan.augment) if plan.augment.active else None

        def element(index: tf.Tensor) -> tuple[tf.Tensor, ...]:
            start, end = bounds(index)
            rows = order[start:end]
            return (rows,) if draws is None else (rows, tf.gather(draws, rows))

        return tf.data.Dataset.range(elements).map(element)

    return tf.data.Dataset.range(plan.first_epoch, plan.epochs).flat_map(epoch)


def _bounds(count: int, plan: InputPlan) -> tuple[int, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """Elements an epoch, and where each begins and ends in the epoch's order."""
    shard = plan.shard
    steps, last = step_sizes(count, plan.batch_size, shard.replicas)
    whole, rest = np.int64(plan.batch_size // shard.replicas), np.int64(last // shard.replicas)

    def bounds(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        step, replica = index // shard.local, shard.first + index % shard.local
        size = tf.where(step == steps - 1, rest, whole)
        start = step * plan.batch_size + replica * size
        return start, start + size

    return steps * shard.local, bounds


def _column(array: Any) -> Any:
    """An array in memory as a tensor on the host; a lazy one (also a memory map) as it is."""
    return tf.constant(array) if type(array) is np.ndarray else array


def _rows(column: Any, rows: tf.Tensor) -> tf.Tensor:
    if isinstance(column, tf.Tensor):
        return tf.gather(column, rows)
    # Declared stateless, or op determinism would read one batch at a time.
    kind = np.dtype(column.dtype)
    read = tf.numpy_function(lambda picked: np.asarray(column[picked], kind), [rows], kind, stateful=False)
    return tf.ensure_shape(read, [None, *column.shape[1:]])
