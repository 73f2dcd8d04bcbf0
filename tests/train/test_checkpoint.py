"""Checkpoints: whole or absent, bound to one run, never trusted when damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mobilenn.core.errors import ArtifactError, StorageError
from mobilenn.train import checkpoint
from mobilenn.train.checkpoint import Snapshot, Writer, named

SNAPSHOT = Snapshot(
    epoch=2,
    history={"loss": [1.5, 0.1 + 0.2], "accuracy": [0.5, 0.75]},
    seconds=1.25,
    stopping={"best": float("inf"), "wait": 1, "stopped": False},
    arrays=named("weights", [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(3, np.int64)]),
)


def same(one: Snapshot, other: Snapshot) -> bool:
    if sorted(one.arrays) != sorted(other.arrays) or replace(one, arrays={}) != replace(other, arrays={}):
        return False
    pairs = [(one.arrays[name], other.arrays[name]) for name in one.arrays]
    return all(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in pairs)


def test_a_snapshot_comes_back_bit_by_bit(tmp_path: Path) -> None:
    path = tmp_path / "new" / "c.npz"
    checkpoint.save(path, "key", SNAPSHOT)
    found = checkpoint.load(path, "key")
    assert same(found, SNAPSHOT)
    assert list(found.history) == list(SNAPSHOT.history)
    assert [path.name for path in path.parent.iterdir()] == ["c.npz"]


def test_equal_snapshots_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        checkpoint.save(tmp_path / name, "key", SNAPSHOT)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_groups_keep_their_order_past_ten() -> None:
    arrays = [np.array(number) for number in range(12)]
    assert [int(a) for a in replace(SNAPSHOT, arrays=named("best", arrays)).group("best")] == list(range(12))


def test_there_may_be_none(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "c.npz", "key") is None


def test_another_runs_checkpoint_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c.npz", "key", SNAPSHOT)
    with pytest.raises(ArtifactError, match="another run"):
        checkpoint.load(tmp_path / "c.npz", "other key")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans())
@example(where=0.8828125, flip=64, cut=False)  # hides the last array from the zip's directory
def test_damage_is_found_or_changes_nothing(tmp_path: Path, where: float, flip: int, cut: bool) -> None:
    path = tmp_path / "c.npz"
    checkpoint.save(path, "key", SNAPSHOT)
    data = bytearray(path.read_bytes())
    place = int(where * len(data))
    if cut:
        del data[place:]
    else:
        data[place] ^= flip
    path.write_bytes(data)
    try:
        found = checkpoint.load(path, "key")
    except ArtifactError:
        return
    assert same(found, SNAPSHOT)


def test_resume_warns_of_what_it_cannot_use(tmp_path: Path) -> None:
    path, lines = tmp_path / "c.npz", []
    path.write_bytes(b"no checkpoint")
    assert checkpoint.resume(path, "key", lines.append).epoch == 0
    assert len(lines) == 1
    assert "damaged" in lines[0]
    assert "starts over" in lines[0]


def test_the_writer_ends_with_the_last_snapshot_on_disk(tmp_path: Path) -> None:
    with Writer(tmp_path / "c.npz", "key") as writer:
        for epoch in range(5):
            writer.put(replace(SNAPSHOT, epoch=epoch))
    assert checkpoint.load(tmp_path / "c.npz", "key").epoch == 4


def test_the_writer_tells_of_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError), Writer(tmp_path / "file" / "c.npz", "key") as writer:
        writer.put(SNAPSHOT)
