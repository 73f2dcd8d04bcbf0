"""Text by attention: tokens look at each other, and the text is the average of those that matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.dropout import Dropout
from mobilenn.layers.padding_mask import PaddingMask
from mobilenn.layers.positions import Positions
from mobilenn.networks._attention import Attention, Kind, block, check_heads, pool
from mobilenn.networks._blocks import check_range, layers, probabilities


@dataclass(frozen=True, kw_only=True)
class Config:
    """The sequence of layers between tokens and classes.

    Args:
        vocabulary: number of tokens; 0 is padding, which nothing looks at.
        length: tokens of a text.
        features: width of a token's embedding.
        order: what tells the order of the tokens: `none`, `positions` (a trained vector a place), or a
            recurrent layer that reads from both ends, `gru` or `lstm`.
        attention: kernel of the blocks and of the pooling; `mean` takes plain averages in its place.
        blocks: how many times tokens look at each other before the pooling.
        heads: of `multi_head`; they share `features`.
        hidden: width of the dense layers in the blocks, and of the pooling's score.
        dropout: on the embeddings and in the blocks, in training.
        classes: number of classes.
    """

    vocabulary: int = 20_000
    length: int = 200
    features: int = 64
    order: Literal["none", "positions", "gru", "lstm"] = "positions"
    attention: Kind = "multi_head"
    blocks: int = 1
    heads: int = 4
    hidden: int = 128
    dropout: float = 0.1
    classes: int = 2

    def __post_init__(self) -> None:
        check_range("vocabulary", self.vocabulary, 2, 1 << 20)
        check_range("length", self.length, 1, 1 << 13)
        check_range("features", self.features, 1, 4096)
        check_range("blocks", self.blocks, 0, 48)
        check_range("heads", self.heads, 1, 64)
        check_range("hidden", self.hidden, 1, 16384)
        check_range("dropout", self.dropout, 0.0, 0.95)
        check_range("classes", self.classes, 2, 65536)
        check_heads(self.features, self.heads)
        if self.order in ("gru", "lstm") and self.features % 2:
            raise RecipeError(f"[config] features is {self.features}.", "Allowed: an even number; both ends share it.")


TINY = Config(vocabulary=20, length=7, features=8, blocks=1, heads=2, hidden=12, classes=3)
# embedding V·d, places T·d, a block 4(d² + d) + 2·d·h + h + d + 4d, score d, classifier; d 64, h 128
PUBLISHED = {
    "20000-token transformer block": (Config(), 1_326_466),
    "20000-token mean": (Config(attention="mean", order="none", blocks=0), 1_280_130),
}


def build(config: Config) -> keras.Model:
    """Builds the network: `tokens` (1, length) int32 in, `probabilities` and `attention` (1, length) out.

    `attention` sums to 1 over the text, 0 where there is padding; of a text without a token it is the
    same everywhere.

    Reference:
        Vaswani et al., Attention Is All You Need (NIPS 2017); Bahdanau, Cho and Bengio (ICLR 2015); Yang
        et al., Hierarchical Attention Networks for Document Classification (NAACL 2016).
    """
    tokens = layers.Input((config.length,), dtype="int32", name="tokens")
    mask = PaddingMask(name="mask")(tokens)
    rows = _ordered(layers.Embedding(config.vocabulary, config.features, name="embedding")(tokens), config)
    if config.dropout:
        rows = Dropout(config.dropout, name="dropout")(rows)
    how = Attention(kind=config.attention, heads=config.heads, hidden=config.hidden, dropout=config.dropout)
    for number in range(1, config.blocks + 1):
        rows, _ = block(rows, mask, how, f"block{number}")
    made, weights = pool(rows, mask, config.attention, config.hidden)
    return keras.Model(tokens, [probabilities(made, config.classes), weights], name="text_attention")


def _ordered(rows: keras.KerasTensor, config: Config) -> keras.KerasTensor:
    """Embeddings that know their place."""
    if config.order == "none":
        return rows
    if config.order == "positions":
        return Positions(name="positions")(rows)
    kind = layers.GRU if config.order == "gru" else layers.LSTM
    cell = kind(config.features // 2, return_sequences=True, name=f"{config.order}1")
    return layers.Bidirectional(cell, name="both1")(rows)
