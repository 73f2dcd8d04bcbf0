"""Several devices or workers: strategies, who feeds whom, and what the chief alone knows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import tensorflow as tf

from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Split
from mobilenn.train.checkpoint import Snapshot
from mobilenn.train.input import InputPlan, Shard, dataset

Strategy = tf.distribute.Strategy


def make_strategy(name: str) -> Strategy | None:
    """Returns the strategy called `name`; None for `none`.

    Collectives between workers can only be set up before TensorFlow has run anything: call it first.

    Args:
        name: `none`, `mirrored` (every GPU, or every logical CPU where there is none) or
            `multi_worker` (the cluster in the environment variable TF_CONFIG).

    Raises:
        RecipeError: TF_CONFIG is absent or describes no cluster.
    """
    if name == "none":
        return None
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        return tf.distribute.MirroredStrategy([d.name for d in tf.config.list_logical_devices(kind)])
    _check_cluster()
    return tf.distribute.MultiWorkerMirroredStrategy()


def _check_cluster() -> None:
    hint = 'Set TF_CONFIG={"cluster": {"worker": ["host:port", …]}, "task": {"type": "worker", "index": 0}}.'
    try:
        known = json.loads(os.environ.get("TF_CONFIG", "{}"))
        kind, index = known["task"]["type"], known["task"]["index"]
        count = len(known["cluster"][kind])
    except (ValueError, KeyError, TypeError):
        raise RecipeError("train.strategy is multi_worker, but TF_CONFIG describes no cluster.", hint) from None
    if kind not in ("chief", "worker") or not 0 <= index < count:
        raise RecipeError(f"TF_CONFIG names {kind} {index} of {count}.", hint)


def replicas(strategy: Strategy | None) -> int:
    """Devices that share a step."""
    return strategy.num_replicas_in_sync if strategy is not None else 1


def is_chief(strategy: Strategy | None) -> bool:
    """Whether this process is the one that writes files."""
    if not is_multi_worker(strategy):
        return True
    resolver = strategy.cluster_resolver
    if "chief" in resolver.cluster_spec().as_dict():
        return resolver.task_type == "chief"
    return resolver.task_id == 0


def is_multi_worker(strategy: Strategy | None) -> bool:
    """Whether other processes take part."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def feed(split: Split, plan: InputPlan, strategy: Strategy | None) -> tf.data.Dataset:
    """Returns the dataset that `fit` takes; every worker reads its own replicas' samples only.

    Args:
        split: the samples.
        plan: what to yield; its shard is filled in here.
        strategy: who trains.

    Raises:
        RecipeError: the batch cannot be shared evenly.
        DataError: there are fewer samples than devices.
    """
    if strategy is None:
        return dataset(split, plan)
    count = strategy.num_replicas_in_sync
    if plan.batch_size % count:
        hint = f"Allowed: a multiple of {count}."
        raise RecipeError(f"[train] batch_size {plan.batch_size} cannot be shared by {count} devices.", hint)
    if len(split) < count:
        raise DataError(f"{len(split)} samples are too few for {count} devices.", "Set train.strategy to 'none'.")

    def local(context: tf.distribute.InputContext) -> tf.data.Dataset:
        each = count // context.num_input_pipelines
        shard = Shard(replicas=count, first=context.input_pipeline_id * each, local=each)
        return dataset(split, replace(plan, shard=shard))

    return strategy.distribute_datasets_from_function(local)


def from_chief(read: Callable[[], Snapshot], strategy: Strategy | None) -> Snapshot:
    """Returns the chief's snapshot on every worker, so that workers need no common disk.

    Args:
        read: reads the chief's snapshot; called there only.
        strategy: who trains.
    """
    if not is_multi_worker(strategy):
        return read()
    mine = read() if is_chief(strategy) else None
    header = _share(json.dumps(_describe(mine)).encode() if mine else b"", strategy)
    described = json.loads(header)
    layout = described.pop("arrays")
    arrays = {}
    for name, (dtype, shape) in layout.items():
        data = _share(np.ascontiguousarray(mine.arrays[name]).tobytes() if mine else b"", strategy)
        arrays[name] = np.frombuffer(data, dtype).reshape(shape)
    return Snapshot(arrays=arrays, **described)


def _describe(snapshot: Snapshot) -> dict[str, object]:
    layout = {name: (array.dtype.str, array.shape) for name, array in snapshot.arrays.items()}
    return {**asdict(replace(snapshot, arrays={})), "arrays": layout}


def _share(data: bytes, strategy: Strategy) -> bytes:
    """Sends bytes from the chief's first replica to all: a sum in which the others add zeros."""
    size = int(_sum(np.array([len(data)], np.int32), strategy)[0])
    padded = np.frombuffer(data.ljust(-(-size // 4) * 4, b"\0"), np.int32)
    return _sum(padded, strategy).tobytes()[:size]


def _sum(values: np.ndarray, strategy: Strategy) -> np.ndarray:
    def value(context: tf.distribute.ValueContext) -> tf.Tensor:
        return tf.constant(values if context.replica_id_in_sync_group == 0 else np.zeros_like(values))

    per_replica = strategy.experimental_distribute_values_from_function(value)
    return strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None).numpy()
