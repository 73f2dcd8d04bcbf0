"""A language model of characters: stacked GRUs that foretell each character from those before it."""

from __future__ import annotations

from dataclasses import dataclass

import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.cell import GruStep
from mobilenn.layers.dropout import Dropout
from mobilenn.networks._blocks import check_range, layers


@dataclass(frozen=True, kw_only=True)
class Config:
    """The stack.

    Args:
        vocabulary: number of tokens, special ones included.
        length: tokens that are read at once in training; a file reads one at a time, and any number.
        features: width of a token's vector.
        units: width of each GRU.
        dropout: on each GRU's outputs, in training.
    """

    vocabulary: int = 96
    length: int = 128
    features: int = 64
    units: tuple[int, ...] = (512,)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if not self.units:
            raise RecipeError("[config] units is empty.", "Allowed: one width or more, such as [512].")
        for units in self.units:
            check_range("units", units, 1, 4096)
        check_range("vocabulary", self.vocabulary, 5, 1 << 20)
        check_range("length", self.length, 1, 1 << 16)
        check_range("features", self.features, 1, 4096)
        check_range("dropout", self.dropout, 0.0, 0.95)


TINY = Config(vocabulary=20, length=6, features=5, units=(7, 6))
# V · features, 3 · units · (inputs + units + 2) a GRU, and units · V + V
PUBLISHED = {
    "GRU 512": (Config(), 943_200),
    "two GRUs of 256": (Config(units=(256, 256)), 672_864),
}


def build(config: Config) -> keras.Model:
    """Builds the network as it is trained: `tokens` in, `probabilities` (N, T, V) of each next token out.

    Reference:
        Graves, Generating Sequences With Recurrent Neural Networks (2013), section 2, with the cell of Cho et
        al., Learning Phrase Representations using RNN Encoder-Decoder (EMNLP 2014).
    """
    tokens = layers.Input((config.length,), dtype="int32", name="tokens")
    made = layers.Embedding(config.vocabulary, config.features, name="embedding")(tokens)
    for number, units in enumerate(config.units, 1):
        made = layers.GRU(units, return_sequences=True, name=f"gru{number}")(made)
        if config.dropout:
            made = Dropout(config.dropout, name=f"dropout{number}")(made)
    logits = layers.Dense(config.vocabulary, name="logits")(made)
    made = layers.Activation("softmax", dtype="float32", name="probabilities")(logits)
    return keras.Model(tokens, made, name="char_lm")


def steps(config: Config) -> dict[str, keras.Model]:
    """The same network as it runs: `decode_step`; mobilenn.runtime.sequence tells what its names mean."""
    token = layers.Input((1,), dtype="int32", name="token")
    given = {f"hidden_{n}": layers.Input((u,), name=f"hidden_{n}") for n, u in enumerate(config.units, 1)}
    made = layers.Flatten(name="vector")(layers.Embedding(config.vocabulary, config.features, name="embedding")(token))
    states = []
    for number, units in enumerate(config.units, 1):
        made = GruStep(units, name=f"gru{number}")([made, given[f"hidden_{number}"]])
        states.append(layers.Activation("linear", name=f"next_hidden_{number}")(made))
    logits = layers.Dense(config.vocabulary, name="logits")(made)
    made = layers.Activation("softmax", dtype="float32", name="probabilities")(logits)
    return {"decode_step": keras.Model([token, *given.values()], [made, *states], name="decode_step")}
