"""What training needs to go on after a kill: one file, whole or absent, bound to one exact run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core import store
from mobilenn.core.errors import ArtifactError

FORMAT = 2
_META = "meta"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of a run after an epoch.

    Args:
        epoch: epochs done.
        history: a value per epoch done, by metric.
        seconds: time spent in training so far.
        stopping: state of early stopping; None where it is off.
        arrays: weights, optimizer variables and best weights, by name.
    """

    epoch: int
    history: Mapping[str, list[float]]
    seconds: float
    stopping: Mapping[str, float] | None = None
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def group(self, prefix: str) -> list[np.ndarray]:
        """Returns the arrays stored under `prefix`, in order."""
        return [self.arrays[name] for name in sorted(self.arrays) if name.startswith(f"{prefix}/")]


def named(prefix: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Names a list of arrays so that `Snapshot.group` returns it in the same order."""
    return {f"{prefix}/{index:06d}": np.asarray(array) for index, array in enumerate(arrays)}


def path_in(folder: Path) -> Path:
    """The checkpoint's file in a folder."""
    return Path(folder) / "checkpoint.npz"


def save(path: Path, key: str, snapshot: Snapshot) -> None:
    """Writes a snapshot, whole or not at all, over the one before.

    Args:
        path: the file.
        key: hash of all that decides how training goes; `load` refuses another.
        snapshot: the state; equal states give equal bytes.
    """
    meta = {
        "format": FORMAT,
        "key": key,
        "epoch": snapshot.epoch,
        "history": snapshot.history,
        "seconds": snapshot.seconds,
        "stopping": snapshot.stopping,
        "names": list(snapshot.arrays),  # a flipped bit in a zip's directory can hide an array
    }
    text = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    with store.atomic_file(path) as file:
        np.savez(file, **{_META: text, **snapshot.arrays})


class Writer:
    """Saves snapshots in a thread, so that the device need not wait for the disk.

    A context manager; it ends with the last snapshot on disk. A kill during a write loses that
    snapshot, as it would if training waited.

    Args:
        path: the file.
        key: see `save`.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown()
        if kind is None:
            self._wait()

    def put(self, snapshot: Snapshot) -> None:
        """Hands over a snapshot whose arrays nobody changes; raises what the write before it met."""
        self._wait()
        self._pending = self._pool.submit(save, self._path, self._key, snapshot)

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()


def load(path: Path, key: str) -> Snapshot | None:
    """Reads a snapshot back; None where there is none.

    Raises:
        ArtifactError: the file is damaged (every array's checksum is tested), or was written by a
            run with another key.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        meta: dict[str, Any] = json.loads(arrays.pop(_META).tobytes())
        known = (meta.pop("format"), meta.pop("key"))
        if meta.pop("names", None) != list(arrays):
            raise ValueError("another set of arrays")
        snapshot = Snapshot(arrays=arrays, **meta)
    except Exception as error:  # zipfile, zlib, json and numpy each raise their own for damaged bytes
        raise ArtifactError(f"The checkpoint {path} is damaged: {type(error).__name__}.") from None
    if known != (FORMAT, key):
        raise ArtifactError(f"The checkpoint {path} belongs to another run.")
    return snapshot


def resume(path: Path, key: str, warn: Callable[[str], None]) -> Snapshot:
    """Returns the snapshot to go on from: of epoch 0 where there is none that can be used.

    Args:
        path: the file.
        key: see `save`.
        warn: receives a line where a file is there that cannot be used.
    """
    try:
        found = load(path, key)
    except ArtifactError as error:
        warn(f"{error.message} Training starts over.")
        found = None
    return found or Snapshot(epoch=0, history={}, seconds=0.0)
