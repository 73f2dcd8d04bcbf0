"""RankNet: a score for each document of a list, by which it is sorted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tf_keras as keras

from mobilenn.networks._blocks import check_range, layers


@dataclass(frozen=True, kw_only=True)
class Config:
    """The list, and the scorer that all of its documents share.

    Args:
        documents: length of the list; shorter ones are filled up and the scores behind them ignored.
        features: columns of a document, those of the query among them; they are standardised inside the graph.
        hidden: units of each hidden layer.
    """

    documents: int = 20
    features: int = 10
    hidden: tuple[int, ...] = (32, 16)

    def __post_init__(self) -> None:
        check_range("documents", self.documents, 2, 65536)
        check_range("features", self.features, 1, 65536)
        for units in self.hidden:
            check_range("hidden", units, 1, 65536)


TINY = Config(documents=4, features=3, hidden=(8,))
PUBLISHED = {"two hidden layers over ten columns": (Config(), 917)}


def build(config: Config) -> keras.Model:
    """Builds the scorer: `features` (1, documents, features) in, `value` (1, documents) out, larger is better.

    The network sees one document at a time; that it learns from pairs is the loss's matter, of the task `ranking`.

    Reference:
        Burges et al., Learning to rank using gradient descent (ICML 2005), sections 3 and 4.
    """
    features = layers.Input((config.documents, config.features), name="features")
    made = layers.Normalization(name="standardise")(features)
    for index, units in enumerate(config.hidden, 1):
        made = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=f"hidden{index}")(made)
    made = layers.Dense(1, use_bias=False, name="score")(made)  # an offset common to all would sort nothing
    made = layers.Reshape((config.documents,), dtype="float32", name="value")(made)
    return keras.Model(features, made, name="ranking")


def adapt(model: keras.Model, features: np.ndarray) -> None:
    """Sets the mean and the variance that the columns are standardised with.

    Args:
        model: a network of `build`.
        features: training lists, (N, documents, features) float32.
    """
    model.get_layer("standardise").adapt(np.asarray(features, np.float32))
