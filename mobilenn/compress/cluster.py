"""Weight clustering: every kernel keeps a handful of different values."""

from __future__ import annotations

from typing import Any

import tensorflow_model_optimization as tfmot
import tf_keras as keras
from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster as sparse_clustering

from mobilenn.compress._layers import copy, kernel_layers, with_weights_of
from mobilenn.compress.config import ClusterConfig

_MIN_WEIGHTS_A_CLUSTER = 4  # fewer weights than this a cluster: nothing to share


def cluster(model: keras.Model, settings: ClusterConfig, pruned: bool, fit: Any) -> keras.Model:
    """Clusters the kernels; a pruned model's zeros stay zero.

    Args:
        model: a trained model; it is not changed.
        settings: number of clusters and their initialisation.
        pruned: whether zeros are to be kept.
        fit: takes the wrapped model and a list of callbacks, and trains it.

    Returns:
        A model of the same structure with at most `clusters` different values in a kernel.

    Raises:
        ConversionError: no layer can be clustered.

    Reference:
        Han, Mao and Dally, Deep Compression (ICLR 2016), section 3.
    """
    least = _MIN_WEIGHTS_A_CLUSTER * settings.clusters
    names = [
        name for name in kernel_layers(model, "clustering", recurrent=True) if _size(model.get_layer(name)) >= least
    ]
    kinds = tfmot.clustering.keras.CentroidInitialization
    options: dict[str, Any] = {
        "number_of_clusters": settings.clusters,
        "cluster_centroids_init": {"linear": kinds.LINEAR, "density": kinds.DENSITY_BASED}[settings.initialisation],
    }

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name not in names:
            return layer
        if pruned:
            return sparse_clustering.cluster_weights(layer, preserve_sparsity=True, **options)
        return tfmot.clustering.keras.cluster_weights(layer, **options)

    wrapped = keras.models.clone_model(copy(model), clone_function=wrap)
    fit(wrapped, [])
    return with_weights_of(model, tfmot.clustering.keras.strip_clustering(wrapped))


def _size(layer: keras.layers.Layer) -> int:
    """Weights of a layer's smallest kernel; a recurrent layer has two, and a bidirectional one four."""
    return min(int(weight.shape.num_elements()) for weight in layer.trainable_weights if "kernel" in weight.name)
