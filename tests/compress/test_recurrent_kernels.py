"""Pruning and clustering reach the kernels of recurrent layers, both ways, and survive the lowering."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from mobilenn.compress.cluster import cluster
from mobilenn.compress.config import ClusterConfig, PruneConfig
from mobilenn.compress.prune import prune
from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.core.precision import Precision
from mobilenn.networks import recurrent
from mobilenn.quantize import quantize_flatbuffer
from mobilenn.tflite.inspect import sparsity
from mobilenn.tflite.reader import read

STEPS = 12


def network(cell, both):
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    return recurrent.build(
        recurrent.Config(cell=cell, units=(16, 8), bidirectional=both, length=3, features=8, classes=4)
    )


def fit(model, callbacks):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(8 * STEPS, 3, 8)).astype(np.float32)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(inputs, np.arange(8 * STEPS) % 4, batch_size=8, verbose=0, callbacks=callbacks)


def kernels(model):
    return {weight.name: weight.numpy() for weight in model.weights if "kernel" in weight.name}


@pytest.mark.parametrize(("cell", "both"), [("gru", True), ("lstm", False)])
def test_pruned_kernels_stay_pruned_in_the_file(cell, both):
    model = network(cell, both)
    before = model.get_weights()
    pruned = prune(model, PruneConfig(sparsity=0.75), STEPS, fit)
    assert len(kernels(pruned)) == (9 if both else 5)
    assert {name: float((kernel == 0).mean()) for name, kernel in kernels(pruned).items()} == pytest.approx(
        dict.fromkeys(kernels(pruned), 0.75), abs=0.02
    )
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    values = np.ones((2, 3, 8), np.float32)
    assert pruned(values).shape == (2, 4)
    for form in ("hoisted", "unrolled"):
        flatbuffer = to_flatbuffer(pruned, Precision.FLOAT32, form=form)
        assert sparsity(read(quantize_flatbuffer(flatbuffer, Precision.DYNAMIC_INT8))) > 0.7


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "both"), [("gru", True), ("lstm", False)])
def test_clustered_kernels_keep_few_values(cell, both):
    clustered = cluster(network(cell, both), ClusterConfig(clusters=4), False, fit)
    assert max(len(np.unique(kernel)) for kernel in kernels(clustered).values()) <= 4
