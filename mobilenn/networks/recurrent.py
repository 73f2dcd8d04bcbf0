"""Recurrent networks: simple RNN, LSTM and GRU, stacked and bidirectional, over sound, frames, pixels or text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.dropout import Dropout
from mobilenn.layers.log_mel import LogMel
from mobilenn.networks._blocks import check_range, layers, probabilities

_CELLS = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}
Source = Literal["audio", "frames", "tokens"]
Pooling = Literal["last", "max"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """The cell, its stack, and what it reads.

    Args:
        cell: `rnn` (Elman's), `lstm` or `gru`.
        units: width of each layer of the stack.
        bidirectional: whether each layer also reads from the end.
        source: `audio` is sound of 16 kHz, turned into log-mel frames in the graph; `frames` is a
            sequence of vectors; `tokens` are numbers of a vocabulary.
        length: samples of sound, frames, or tokens.
        features: mel bands, width of a frame, or width of a token's embedding.
        vocabulary: number of tokens; of no use elsewhere.
        pooling: what the classifier reads: the `last` output, or the `max` of each unit over all steps, by
            which gradients reach every step straight; a simple RNN learns little of long sequences without.
        dropout: on each layer's outputs, in training.
        classes: number of classes.
    """

    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    units: tuple[int, ...] = (128,)
    bidirectional: bool = False
    source: Source = "frames"
    length: int = 49
    features: int = 40
    vocabulary: int = 4000
    pooling: Pooling = "last"
    dropout: float = 0.0
    classes: int = 12

    def __post_init__(self) -> None:
        if not self.units:
            raise RecipeError("[config] units is empty.", "Allowed: one width or more, such as [128].")
        for units in self.units:
            check_range("units", units, 1, 4096)
        check_range("length", self.length, 800 if self.source == "audio" else 1, 1 << 20)
        check_range("features", self.features, 1, 4096)
        check_range("vocabulary", self.vocabulary, 2, 1 << 20)
        check_range("dropout", self.dropout, 0.0, 0.95)
        check_range("classes", self.classes, 2, 65536)


TINY = Config(cell="gru", units=(6, 5), bidirectional=True, length=7, features=4, classes=3)
# 4 (or 3, or 1) gates of (features + units + bias) · units, and the classifier
PUBLISHED = {
    "LSTM 40→128→12": (Config(), 88_076),
    "GRU 40→128→12": (Config(cell="gru"), 66_828),
    "RNN 40→128→12": (Config(cell="rnn"), 23_180),
    "BiLSTM 40→128→12": (Config(bidirectional=True), 176_140),
}


def build(config: Config) -> keras.Model:
    """Builds the network: `audio`, `frames` or `tokens` in, `probabilities` (1, classes) out.

    Reference:
        Elman, Finding Structure in Time (Cognitive Science 14, 1990); Hochreiter and Schmidhuber,
        Long Short-Term Memory (Neural Computation 9, 1997), with the forget gate of Gers,
        Schmidhuber and Cummins (2000); Cho et al., Learning Phrase Representations using RNN
        Encoder-Decoder (EMNLP 2014); Schuster and Paliwal, Bidirectional Recurrent Neural Networks
        (IEEE TSP 45, 1997).
    """
    inputs, made = sequence_input(config.source, config.length, config.features, config.vocabulary)
    for index, units in enumerate(config.units, 1):
        kept = index < len(config.units) or config.pooling == "max"
        name = f"{config.cell}{index}"
        cell = _CELLS[config.cell](units, return_sequences=kept, name=name)
        made = layers.Bidirectional(cell, name=f"both{index}")(made) if config.bidirectional else cell(made)
        if config.dropout:
            made = Dropout(config.dropout, name=f"dropout{index}")(made)
    if config.pooling == "max":
        made = layers.GlobalMaxPooling1D(name="pooled")(made)
    return keras.Model(inputs, probabilities(made, config.classes), name="recurrent")


def sequence_input(
    source: Source, length: int, features: int, vocabulary: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """A named input, and the sequence (1, T, features) that it is turned into.

    Frames of sound are normalised band by band, by statistics that training gathers.
    """
    if source == "frames":
        frames = layers.Input((length, features), name="frames")
        return frames, frames
    if source == "tokens":
        tokens = layers.Input((length,), dtype="int32", name="tokens")
        return tokens, layers.Embedding(vocabulary, features, name="embedding")(tokens)
    audio = layers.Input((length,), name="audio")
    heard = LogMel(bands=features, name="log_mel")(audio)
    return audio, layers.BatchNormalization(name="level", center=False, scale=False)(heard)
