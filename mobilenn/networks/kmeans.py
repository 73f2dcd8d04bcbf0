"""k-means: the assignment of rows to the nearest of some centroids."""

from __future__ import annotations

from dataclasses import dataclass

import tf_keras as keras

from mobilenn.layers.squared_distances import SquaredDistances
from mobilenn.networks._blocks import check_range, layers


@dataclass(frozen=True, kw_only=True)
class Config:
    """How many columns and clusters there are.

    Args:
        features: columns of the table; their units should be comparable, since distances add them up.
        clusters: number of centroids. Of labelled data as many as there are labels: each cluster then bears the
            name of the class that it holds most of.
        variance: of a column inside a cluster, in squared units: how fast `probabilities` turn from one cluster to
            the next; which one is the most probable does not depend on it.
    """

    features: int = 4
    clusters: int = 3
    variance: float = 1.0

    def __post_init__(self) -> None:
        check_range("features", self.features, 1, 65536)
        check_range("clusters", self.clusters, 2, 65536)
        check_range("variance", self.variance, 1e-6, 1e6)


TINY = Config()
PUBLISHED = {"three clusters of four columns": (Config(), 12)}


def build(config: Config) -> keras.Model:
    """Builds the assignment: `features` (1, features) in, `probabilities` and `distances` (1, clusters) out.

    `distances` are squared. `probabilities` are the responsibilities of a mixture of spherical Gaussians of equal
    weight and the config's variance, whose limit for small variances is k-means' hard assignment.

    Reference:
        Lloyd, Least squares quantization in PCM (1982); Bishop, Pattern Recognition and Machine Learning, 9.3.2.
    """
    features = layers.Input((config.features,), name="features")
    distances = SquaredDistances(config.clusters, name="distances")(features)
    closeness = layers.Rescaling(-0.5 / config.variance, name="closeness")(distances)
    made = layers.Activation("softmax", dtype="float32", name="probabilities")(closeness)
    return keras.Model(features, [made, distances], name="kmeans")
