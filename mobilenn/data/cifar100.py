"""CIFAR-100: 60,000 small photographs of a hundred classes, downloaded once in the binary version."""

from __future__ import annotations

import tarfile

from mobilenn.data import Dataset
from mobilenn.data._download import fetch
from mobilenn.data._image_sets import Arrays, Settings, cifar, dataset

__all__ = ["Settings", "fingerprint", "load"]

_URL = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"
_FOLDER = "cifar-100-binary"


def fingerprint(settings: Settings) -> str:
    """The set's name; its publisher does not change it."""
    return "cifar100 1"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the set: `image` (N, 32, 32, 3) uint8, fine labels.

    Raises:
        DataError: the set is not in the cache and the network is away.
    """
    with tarfile.open(fetch(_URL)) as archive:
        labels = archive.extractfile(f"{_FOLDER}/fine_label_names.txt").read().decode().split()
    return dataset(_read, tuple(labels), "CIFAR-100: 60,000 real photographs, a hundred classes.", (settings, seed))


def _read() -> tuple[Arrays, Arrays]:
    path = fetch(_URL)
    return cifar(path, [f"{_FOLDER}/train.bin"], 2), cifar(path, [f"{_FOLDER}/test.bin"], 2)
