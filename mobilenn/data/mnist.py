"""MNIST: 70,000 real handwritten digits, downloaded once."""

from __future__ import annotations

import numpy as np

from mobilenn.data import Dataset
from mobilenn.data._download import fetch
from mobilenn.data._image_sets import Arrays, Settings, dataset

__all__ = ["Settings", "fingerprint", "load"]

_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def fingerprint(settings: Settings) -> str:
    """The published file's hash."""
    return f"mnist {_SHA256[:16]}"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the set: `image` (N, 28, 28, 1) uint8.

    Raises:
        DataError: the set is not in the cache and the network is away.
    """
    return dataset(_read, tuple("0123456789"), "MNIST: 70,000 real handwritten digits.", (settings, seed))


def _read() -> tuple[Arrays, Arrays]:
    with np.load(fetch(_URL, _SHA256), allow_pickle=False) as arrays:
        return (
            (arrays["x_train"][..., None], arrays["y_train"].astype(np.int64)),
            (arrays["x_test"][..., None], arrays["y_test"].astype(np.int64)),
        )
