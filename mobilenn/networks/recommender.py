"""Two towers: a vector of a user, a vector of each item, and their products."""

from __future__ import annotations

from dataclasses import dataclass

import tf_keras as keras

from mobilenn.layers.dropout import Dropout
from mobilenn.networks._blocks import check_range, layers, probabilities


@dataclass(frozen=True, kw_only=True)
class Config:
    """Sizes of both towers.

    Args:
        items: number of items.
        hidden: units of each hidden layer of the user's tower.
        width: of the vectors.
        dropout: share of hidden activations dropped in training.
    """

    items: int = 120
    hidden: tuple[int, ...] = (64,)
    width: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_range("items", self.items, 2, 1 << 20)
        check_range("width", self.width, 1, 65536)
        check_range("dropout", self.dropout, 0.0, 0.95)
        for units in self.hidden:
            check_range("hidden", units, 1, 65536)


TINY = Config(items=6, hidden=(8,), width=4)
PUBLISHED = {"120 items, 64 and 32 wide": (Config(), 13_784)}


def build(config: Config) -> keras.Model:
    """Builds the towers: `liked` (1, items) of 0 and 1 in, `probabilities` (1, items) out, of what is liked next.

    The user's tower reads what the user likes, so that it serves users whom training has not seen; whoever shows the
    result leaves those items out. The items' tower is a table, a vector and an offset for each item; the products of
    all of its rows with the user's vector are one dense layer.

    Reference:
        Covington, Adams and Sargin, Deep neural networks for YouTube recommendations (RecSys 2016), section 3.
    """
    liked = layers.Input((config.items,), name="liked")
    made = liked
    for index, units in enumerate(config.hidden, 1):
        made = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=f"hidden{index}")(made)
        if config.dropout:
            made = Dropout(config.dropout, name=f"dropout{index}")(made)
    user = layers.Dense(config.width, name="user")(made)
    return keras.Model(liked, probabilities(user, config.items), name="recommender")
