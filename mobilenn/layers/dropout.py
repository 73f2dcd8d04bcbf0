"""Dropout whose masks are a function of seed and epoch, so that a resumed training repeats bit for bit."""

from __future__ import annotations

import hashlib
from typing import Any

import tf_keras as keras


class Dropout(keras.layers.Dropout):
    """Keras' Dropout, with its random state in a `tf.random.Generator` that `reseed` can set.

    The stock layer draws from an operator's hidden state, which no checkpoint holds.

    Args:
        rate: share of inputs set to zero in training, 0 ≤ rate < 1; the rest are scaled by
            1 / (1 − rate), so that inference is the identity.

    Reference:
        Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting
        (JMLR 2014), section 4.
    """

    def __init__(self, rate: float, **options: Any) -> None:
        options.setdefault("seed", 0)  # `reseed` sets the real one; a fixed one keeps building repeatable
        super().__init__(rate, force_generator=True, **options)


def reseed(model: keras.Model, *numbers: int) -> None:
    """Sets the random state of every random layer of a model, also inside tfmot's wrappers.

    Args:
        model: a built model.
        numbers: what the state is a function of, such as seed and epoch; the layer's position is
            added, so that no two layers draw the same masks.
    """
    generators = [g for layer in model._flatten_layers() if (g := _generator(layer)) is not None]
    for position, generator in enumerate(generators):
        digest = hashlib.sha256(repr((*numbers, position)).encode()).digest()
        generator.reset_from_seed(int.from_bytes(digest[:7], "little"))


def _generator(layer: keras.layers.Layer) -> Any:
    """The layer's own tf.random.Generator; None where it has none."""
    return getattr(getattr(layer, "_random_generator", None), "_generator", None)
