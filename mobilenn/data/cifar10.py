"""CIFAR-10: 60,000 small photographs of ten classes, downloaded once in the binary version, which needs no pickle."""

from __future__ import annotations

from mobilenn.data import Dataset
from mobilenn.data._download import fetch
from mobilenn.data._image_sets import Arrays, Settings, cifar, dataset

__all__ = ["Settings", "fingerprint", "load"]

_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def fingerprint(settings: Settings) -> str:
    """The set's name; its publisher does not change it."""
    return "cifar10 1"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the set: `image` (N, 32, 32, 3) uint8.

    Raises:
        DataError: the set is not in the cache and the network is away.
    """
    return dataset(_read, _LABELS, "CIFAR-10: 60,000 real photographs, ten classes.", (settings, seed))


def _read() -> tuple[Arrays, Arrays]:
    path = fetch(_URL)
    folder = "cifar-10-batches-bin"
    batches = [f"{folder}/data_batch_{number}.bin" for number in range(1, 6)]
    return cifar(path, batches, 1), cifar(path, [f"{folder}/test_batch.bin"], 1)
