"""A model's weights as a deterministic .npz: no pickle, nothing that runs when it is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tf_keras as keras

from mobilenn.core import store
from mobilenn.core.errors import ArtifactError


def save_weights(model: keras.Model, path: Path) -> str:
    """Writes a model's weights in the order of `model.weights`, whole or not at all.

    Returns:
        The file's SHA-256; equal weights give equal bytes.
    """
    arrays = {
        f"{i:04d}:{w.name}": np.asarray(v)
        for i, (w, v) in enumerate(zip(model.weights, model.get_weights(), strict=True))
    }
    with store.atomic_file(path) as file:
        np.savez(file, **arrays)
    return store.sha256_file(path)


def load_weights(model: keras.Model, path: Path) -> None:
    """Sets a model's weights from a file of `save_weights`.

    Raises:
        ArtifactError: the file is missing, damaged, or of another network.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            names = sorted(arrays.files)
            values = [arrays[name] for name in names]
    except FileNotFoundError:
        raise ArtifactError(f"There is no file {path}.") from None
    except Exception as error:  # zipfile, zlib and numpy each raise their own for damaged bytes
        raise ArtifactError(f"{path} is damaged: {error}.", "Delete it and run the command again.") from None
    expected = [(f"{i:04d}:{w.name}", tuple(w.shape)) for i, w in enumerate(model.weights)]
    found = [(name, value.shape) for name, value in zip(names, values, strict=True)]
    if found != expected:
        different = next(
            (pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]), (len(found), len(expected))
        )
        raise ArtifactError(f"{path} holds the weights of another network: {different[0]} is not {different[1]}.")
    model.set_weights(values)
