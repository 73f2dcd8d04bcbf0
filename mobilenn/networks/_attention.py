"""Attention as a network uses it: the kernels of mobilenn.layers with their dense projections around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.additive_attention import AdditiveAttention
from mobilenn.layers.attention_pooling import AttentionPooling
from mobilenn.layers.dropout import Dropout
from mobilenn.layers.mean_pooling import MeanPooling
from mobilenn.layers.multi_head import MultiHead
from mobilenn.networks._blocks import layers

Kind = Literal["multi_head", "additive", "mean"]


@dataclass(frozen=True, kw_only=True)
class Attention:
    """How the rows of a sequence look at each other.

    Args:
        kind: `multi_head` or `additive`; `mean` gives every row the plain average in place of attention,
            all else being equal: the network that attention has to be better than.
        heads: of `multi_head`; they share the width.
        hidden: width of the two-layer network behind it.
        activation: of that network.
        dropout: on what is added to the sequence, in training.
        epsilon: of the normalisations.
    """

    kind: Kind
    heads: int
    hidden: int
    activation: str = "relu"
    dropout: float = 0.0
    epsilon: float = 1e-6


def block(
    rows: keras.KerasTensor, mask: keras.KerasTensor | None, how: Attention, name: str
) -> tuple[keras.KerasTensor, keras.KerasTensor | None]:
    """A block of a transformer's encoder, normalised before each part: (N, T, d) in and out.

    Returns:
        The sequence, and the weights of its attention: (N, heads, T, T); None for `mean`.

    Reference:
        Vaswani et al., Attention Is All You Need (NIPS 2017), section 3.1, in the order of Dosovitskiy
        et al., An Image is Worth 16x16 Words (ICLR 2021), equations 2 and 3.
    """
    width = rows.shape[-1]
    normed = layers.LayerNormalization(epsilon=how.epsilon, name=f"{name}_norm1")(rows)
    found, weights = _look(normed, mask, how, name)
    rows = _added(rows, found, how, f"{name}_add1")
    made = layers.LayerNormalization(epsilon=how.epsilon, name=f"{name}_norm2")(rows)
    made = layers.Dense(how.hidden, activation=how.activation, name=f"{name}_dense1")(made)
    made = layers.Dense(width, name=f"{name}_dense2")(made)
    return _added(rows, made, how, f"{name}_add2"), weights


def _added(rows: keras.KerasTensor, found: keras.KerasTensor, how: Attention, name: str) -> keras.KerasTensor:
    if how.dropout:
        found = Dropout(how.dropout, name=f"{name}_dropout")(found)
    return layers.Add(name=name)([rows, found])


def _look(
    rows: keras.KerasTensor, mask: keras.KerasTensor | None, how: Attention, name: str
) -> tuple[keras.KerasTensor, keras.KerasTensor | None]:
    """Self-attention with its projections."""
    width, hidden = rows.shape[-1], [mask] if mask is not None else []
    values = layers.Dense(width, name=f"{name}_value")(rows)
    if how.kind == "mean":
        mean, _ = MeanPooling(name=f"{name}_mean")([values, *hidden])
        found, weights = layers.Reshape((1, width), name=f"{name}_row")(mean), None
    else:
        query = layers.Dense(width, name=f"{name}_query")(rows)
        keys = layers.Dense(width, name=f"{name}_key")(rows)
        kernel = MultiHead(how.heads, name=name) if how.kind == "multi_head" else AdditiveAttention(name=name)
        found, weights = kernel([query, keys, values, *hidden])
    return layers.Dense(width, name=f"{name}_output")(found), weights


def pool(
    rows: keras.KerasTensor, mask: keras.KerasTensor | None, kind: Kind, units: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """A sequence (N, T, d) as one vector.

    Args:
        rows: the sequence.
        mask: as the kernels take it; None where no row is padding.
        kind: `additive` scores a row by uᵀ·tanh(W·h + b), `multi_head` by uᵀ·h; `mean` averages.
        units: width of `additive`'s score.

    Returns:
        The vector (N, d) and the weights (N, T), in a layer called `attention`.
    """
    hidden = [mask] if mask is not None else []
    if kind == "mean":
        made, weights = MeanPooling(name="pool")([rows, *hidden])
    else:
        seen = layers.Dense(units, activation="tanh", name="pool_dense")(rows) if kind == "additive" else rows
        scores = layers.Dense(1, use_bias=False, name="pool_score")(seen)
        made, weights = AttentionPooling(name="pool")([rows, scores, *hidden])
    return made, layers.Activation("linear", dtype="float32", name="attention")(weights)


def check_heads(width: int, heads: int) -> None:
    """Raises RecipeError where heads cannot share a width evenly."""
    if width % heads:
        raise RecipeError(f"[config] {heads} heads cannot share {width}.", "Allowed: heads that divide it.")
