"""Fashion-MNIST: 70,000 photographs of clothes, downloaded once."""

from __future__ import annotations

from mobilenn.data import Dataset
from mobilenn.data._download import fetch
from mobilenn.data._image_sets import Arrays, Settings, dataset, idx

__all__ = ["Settings", "fingerprint", "load"]

_BASE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
_LABELS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def fingerprint(settings: Settings) -> str:
    """The set's name; its publisher does not change it."""
    return "fashion_mnist 1"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the set: `image` (N, 28, 28, 1) uint8.

    Raises:
        DataError: the set is not in the cache and the network is away.
    """
    return dataset(_read, _LABELS, "Fashion-MNIST: 70,000 real photographs of clothes.", (settings, seed))


def _read() -> tuple[Arrays, Arrays]:
    return _part("train"), _part("t10k")


def _part(name: str) -> Arrays:
    images = idx(fetch(f"{_BASE}/{name}-images-idx3-ubyte.gz"))
    return images[..., None], idx(fetch(f"{_BASE}/{name}-labels-idx1-ubyte.gz"))
