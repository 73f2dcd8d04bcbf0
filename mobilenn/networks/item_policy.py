"""A policy that chooses one of several items, whatever their order."""

from __future__ import annotations

from dataclasses import dataclass

import tf_keras as keras

from mobilenn.layers.best_action import BestAction
from mobilenn.networks._attention import Attention, Kind, block, check_heads
from mobilenn.networks._blocks import check_range, layers


@dataclass(frozen=True, kw_only=True)
class Config:
    """The items, and how they look at each other.

    Args:
        items: how many; an action each.
        features: of an item; the last one says whether it may be chosen.
        width: of an item's vector.
        blocks: how many times items look at each other.
        attention: kernel of the blocks; `mean` takes plain averages in its place.
        heads: of `multi_head`; they share `width`.
        hidden: width of the dense layers in the blocks.
    """

    items: int = 12
    features: int = 4
    width: int = 32
    blocks: int = 2
    attention: Kind = "multi_head"
    heads: int = 2
    hidden: int = 64

    def __post_init__(self) -> None:
        check_range("items", self.items, 2, 4096)
        check_range("features", self.features, 2, 4096)
        check_range("width", self.width, 1, 4096)
        check_range("blocks", self.blocks, 1, 48)
        check_range("heads", self.heads, 1, 64)
        check_range("hidden", self.hidden, 1, 16384)
        check_heads(self.width, self.heads)


TINY = Config(items=5, features=3, width=8, blocks=1, heads=2, hidden=12)
PUBLISHED = {"two blocks over twelve items": (Config(), 17_345)}


def build(config: Config) -> keras.Model:
    """Builds the network: `observation` (1, items, 1, features) in; `values` (1, items) and `action` (1,) out.

    All items share the same weights, and no place in the list is special, so that what was learned of one item holds
    for all: another order of the items gives the values in that order.

    Reference:
        Kool, van Hoof and Welling, Attention, learn to solve routing problems (ICLR 2019), section 3: its encoder;
        here it runs at every choice, over what can still be chosen, and a dense layer scores the items.
    """
    observation = layers.Input((config.items, 1, config.features), name="observation")
    rows = layers.Reshape((config.items, config.features), name="items")(observation)
    rows = layers.Dense(config.width, name="embedding")(rows)
    how = Attention(kind=config.attention, heads=config.heads, hidden=config.hidden)
    for number in range(1, config.blocks + 1):
        rows, _ = block(rows, None, how, f"block{number}")
    rows = layers.LayerNormalization(epsilon=how.epsilon, name="norm")(rows)
    scores = layers.Dense(1, name="scores")(rows)
    values = layers.Reshape((config.items,), dtype="float32", name="values")(scores)
    action = BestAction(masked=True, dtype="float32", name="action")([values, observation])
    return keras.Model(observation, [values, action], name="item_policy")
