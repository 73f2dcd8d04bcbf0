"""Every technique over every network, and what it leaves in the weights."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from mobilenn import networks
from mobilenn.compress.config import ClusterConfig, PruneConfig, QatConfig
from mobilenn.compress.qat import transform_name
from mobilenn.compress.rebuild import rebuild
from mobilenn.compress.steps import apply_step
from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.core.artifacts import KerasModel, Lineage
from mobilenn.core.errors import ConversionError, RecipeError
from mobilenn.core.precision import Precision
from mobilenn.core.records import to_dict
from mobilenn.data import Dataset, Split
from mobilenn.networks._steps import step_models
from mobilenn.networks._weights import save_weights
from mobilenn.tflite.inspect import precheck, sparsity
from mobilenn.tflite.merge import merge
from mobilenn.tflite.reader import read

STEPS = ("prune", "cluster", "qat")
# Networks of tasks that have schemes of their own, after which nothing can train on.
WITHOUT_STEPS = ("gan", "item_policy", "kmeans", "planner", "policy", "rules")


def dataset(model, classes):
    generator = np.random.default_rng(0)
    shape = model.inputs[0].shape[1:]

    def split(count):
        values = generator.integers(0, 256, (count, *shape)).astype(np.uint8)
        if model.inputs[0].dtype == "int32":
            values = generator.integers(0, 20, (count, *shape), np.int32)
        elif len(shape) < 3:
            values = generator.normal(size=(count, *shape)).astype(np.float32)
        return Split(inputs={model.input_names[0]: values}, targets=np.arange(count) % classes)

    def texts(count):
        rows = {
            n: generator.integers(4, 20, (count, *t.shape[1:]), np.int32)
            for n, t in zip(names, model.inputs, strict=True)
        }
        return Split(inputs=rows, targets=rows[names[-1]])

    def lists(count):
        grades = generator.integers(0, 3, (count, classes)).astype(np.float32)
        return Split(inputs=split(count).inputs, targets=grades)

    names, task = model.input_names, task_of(model)
    say = {"translation": texts, "ranking": lists}.get(task, split)
    labels = tuple(str(i) for i in range(classes)) if task == "classification" else ()
    parts = {"train": say(16), "validation": say(4), "test": say(4)}
    return Dataset(**parts, labels=labels, description="made.", preprocessing={})


def says(model):
    """Whether a network says texts, token by token."""
    return model.outputs[0].shape.rank == 3


def task_of(model):
    """What a network can be trained for, told by its outputs."""
    if says(model):
        return "translation"
    return "ranking" if any(name.endswith("value") for name in model.output_names) else "classification"


def apply(model, step, settings=None, done=()):
    classes = model.outputs[0].shape[-1]
    arguments = {
        "step": step,
        "settings": {"epochs": 1, "batch_size": 8, **(settings or {})},
        "done": list(done),
        "task": task_of(model),
        "train": {},
        "seed": 1,
        "folder": "",
    }
    return apply_step(model, dataset(model, classes), arguments, lambda _: None)


def tiny(name):
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    module = networks.module(name)
    return module.build(module.TINY)


def mlp():
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    return networks.make("mlp", {"input_shape": [8, 8, 1], "hidden": [32], "classes": 4})


def kernels(model):
    return {w.name: w.numpy() for w in model.weights if "kernel" in w.name and w.shape.rank > 1}


def zeros(array):
    return float((array == 0).mean())


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", networks.names())
def test_every_network_goes_through_every_technique_and_converts(name, step):
    if name in WITHOUT_STEPS or (step == "cluster" and name == "perceptron"):
        return  # the perceptron has two weights: nothing to share
    made, transforms = apply(tiny(name), step)
    if says(made):
        parts = step_models(name, to_dict(networks.module(name).TINY), made)
        assert precheck(merge({key: to_flatbuffer(part, Precision.FLOAT32) for key, part in parts.items()})) == []
        return
    precision = Precision.INT8 if transforms else Precision.FLOAT32
    assert precheck(to_flatbuffer(made, precision)) == []


@pytest.mark.gpu
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", ["alexnet", "vgg", "image_attention"])
def test_a_gpu_repeats_every_technique(name, step):
    """Rounding and batch normalisation have gradients that a GPU sums in no fixed order unless it is told to."""
    first, second = (apply(tiny(name), step)[0].get_weights() for _ in range(2))
    for weight, again in zip(first, second, strict=True):
        np.testing.assert_array_equal(weight, again)


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_pruned_kernels_have_the_asked_sparsity(share):
    model = mlp()
    before = [w.copy() for w in model.get_weights()]
    made, transforms = apply(model, "prune", {"sparsity": share, "epochs": 4})
    assert transforms == ()
    assert [layer.name for layer in made.layers] == [layer.name for layer in model.layers]
    for kernel in kernels(made).values():
        assert zeros(kernel) == pytest.approx(share, abs=1.5 / kernel.size + 0.01)
    for old, kept in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, kept)


def test_two_of_four_neighbours_are_zero():
    made, _ = apply(mlp(), "prune", {"structure": "2:4"})
    kernel = made.get_layer("hidden1").kernel.numpy()
    groups = kernel.T.reshape(-1, 4)
    assert ((groups == 0).sum(1) >= 2).all()


def test_clustered_kernels_have_few_values():
    made, _ = apply(mlp(), "cluster", {"clusters": 8})
    for name, kernel in kernels(made).items():
        limit = 8 if kernel.size >= 32 else kernel.size
        assert len(np.unique(kernel)) <= limit, name


def test_pruning_survives_clustering_and_quantization():
    pruned, _ = apply(mlp(), "prune", {"sparsity": 0.6, "epochs": 4})
    clustered, _ = apply(pruned, "cluster", {"clusters": 8}, ["prune"])
    for kernel in kernels(clustered).values():
        assert zeros(kernel) > 0.55
        assert len(np.unique(kernel)) <= 9
    quantized, transforms = apply(clustered, "qat", done=["prune", "cluster"])
    assert transforms == ("qat",)
    contents = read(to_flatbuffer(quantized, Precision.INT8))
    assert sparsity(contents) > 0.55
    stored = [t.weights.view(np.int8) for t in contents.tensors if t.spec.dtype == "int8" and t.weights.size > 100]
    assert stored
    assert all(len(np.unique(values)) <= 9 for values in stored)


def test_plain_qat_would_lose_the_zeros_that_the_preserving_scheme_keeps():
    pruned, _ = apply(mlp(), "prune", {"sparsity": 0.6, "epochs": 4})
    kept, _ = apply(pruned, "qat", {"learning_rate": 1e-2}, done=["prune"])
    plain, _ = apply(pruned, "qat", {"learning_rate": 1e-2})
    shares = [sparsity(read(to_flatbuffer(model, Precision.INT8))) for model in (kept, plain)]
    assert shares[0] > 0.55
    assert shares[1] < shares[0] - 0.2


@pytest.mark.parametrize("step", STEPS)
def test_a_step_repeats_bit_for_bit(step):
    first, second = (apply(mlp(), step)[0].get_weights() for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_stored_model_is_rebuilt_bit_for_bit(tmp_path):
    model, transforms = apply(mlp(), "qat")
    digest = save_weights(model, tmp_path / "weights.npz")
    artifact = KerasModel(
        path=tmp_path / "weights.npz",
        sha256=digest,
        network="mlp",
        config={"input_shape": [8, 8, 1], "hidden": [32], "classes": 4},
        transforms=transforms,
        inputs=(),
        outputs=(),
        lineage=Lineage(stage="qat", parent=""),
    )
    keras.backend.clear_session()
    again = rebuild(artifact)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert to_flatbuffer(again, Precision.INT8) == to_flatbuffer(model, Precision.INT8)


def test_a_model_without_kernels_is_refused_in_one_line():
    features = keras.layers.Input((3,), name="features")
    empty = keras.Model(features, keras.layers.ReLU(name="probabilities")(features), name="empty")
    for step in STEPS:
        with pytest.raises(ConversionError, match="empty has no layer"):
            apply(empty, step)


@pytest.mark.parametrize(
    ("done", "name"),
    [
        ((), "qat"),
        (("prune",), "qat_prune_preserve"),
        (("cluster",), "qat_cluster_preserve"),
        (("prune", "cluster"), "qat_prune_cluster_preserve"),
    ],
)
def test_the_scheme_keeps_what_was_done(done, name):
    assert transform_name(done) == name


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (PruneConfig, {"sparsity": 1.0}),
        (PruneConfig, {"epochs": 0}),
        (ClusterConfig, {"clusters": 1}),
        (QatConfig, {"learning_rate": 0.0}),
    ],
)
def test_settings_out_of_range_are_named(kind, values):
    with pytest.raises(RecipeError, match=next(iter(values))):
        kind(**values)
