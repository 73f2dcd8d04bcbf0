"""Small data and small requests that every test of this room shares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobilenn.core.records import from_dict
from mobilenn.data import Dataset, Split
from mobilenn.train.config import TrainConfig
from mobilenn.train.supervised import TrainRequest

CLASSES = 3


def make_split(count: int, seed: int, shape: tuple[int, ...] = (8, 8, 1)) -> Split:
    """Noise, with bright columns whose place tells the class."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, CLASSES, count)
    targets[:CLASSES] = range(CLASSES)
    images = rng.integers(0, 120, (count, *shape))
    for row, label in enumerate(targets):
        images[row, :, 2 * label : 2 * label + 2] += 120
    return Split(inputs={"image": images.astype(np.uint8)}, targets=targets.astype(np.int64))


@pytest.fixture
def digits() -> Callable[..., Dataset]:
    """Makes a toy image set; arguments: samples and shape."""

    def make(count: int = 100, shape: tuple[int, ...] = (8, 8, 1)) -> Dataset:
        return Dataset(
            train=make_split(count, 1, shape),
            validation=make_split(30, 2, shape),
            test=make_split(20, 3, shape),
            labels=("left", "middle", "right"),
            description="noise",
            preprocessing={},
        )

    return make


@pytest.fixture
def table() -> Dataset:
    """A noisy line in three columns, its target far from 0 and wide."""

    def split(count: int, seed: int) -> Split:
        rng = np.random.default_rng(seed)
        features = rng.normal([5, -3, 100], [2, 1, 30], (count, 3)).astype(np.float32)
        targets = 1000 + features @ [[20.0], [-50.0], [2.0]] + rng.normal(0, 10, (count, 1))
        return Split(inputs={"features": features}, targets=targets.astype(np.float32))

    parts = {"train": split(200, 1), "validation": split(50, 2), "test": split(50, 3)}
    return Dataset(**parts, labels=(), description="a line", preprocessing={})


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., TrainRequest]:
    """Makes a request for a tiny mlp with dropout; keyword arguments are settings of [train]."""

    def make(*, folder: str = "out", network: str = "mlp", config: Any = None, **settings: Any) -> TrainRequest:
        usual = {"input_shape": [8, 8, 1], "hidden": [12], "classes": CLASSES, "dropout": 0.25}
        return TrainRequest(
            network=network,
            config=usual if config is None else config,
            task=settings.pop("task", "classification"),
            settings=from_dict(TrainConfig, {"epochs": 3, "batch_size": 16, **settings}),
            seed=settings.get("seed", 7),
            out_dir=tmp_path / folder,
        )

    return make
