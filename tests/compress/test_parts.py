"""Networks with layers that tfmot refuses: pruned and trained for int8 in their dense parts."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from mobilenn import networks
from mobilenn.compress.parts import dense_parts, is_refused_whole, note, table_note, train_parts
from mobilenn.core.errors import ConversionError

REFUSED = ("text_attention", "video_attention")


def tiny(name):
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    module = networks.module(name)
    return module.build(module.TINY)


def fit(model, callbacks):
    """Two steps towards random outputs."""
    generator = np.random.default_rng(0)
    shape = (8, *model.inputs[0].shape[1:])
    values = generator.integers(0, 20, shape).astype(model.inputs[0].dtype.name)
    model.compile(keras.optimizers.legacy.Adam(0.01), ["mse"] + [None] * (len(model.outputs) - 1))
    first = np.eye(3, dtype=np.float32)[generator.integers(0, 3, 8)]
    wanted = [first if n == 0 else np.zeros((8, *output.shape[1:])) for n, output in enumerate(model.outputs)]
    model.fit(values, wanted, batch_size=4, callbacks=callbacks, verbose=0)


@pytest.mark.parametrize("name", ["mlp", "vgg", "c3d", "googlenet", "perceptron"])
def test_plain_networks_are_quantized_whole(name):
    assert not is_refused_whole(tiny(name))


@pytest.mark.parametrize("name", [*REFUSED, "image_attention", "recurrent"])
def test_attention_and_recurrence_are_not(name):
    assert is_refused_whole(tiny(name))


@pytest.mark.parametrize("name", REFUSED)
def test_refused_networks_are_trained_in_their_parts_and_stay_plain(name):
    model = tiny(name)
    before = model.get_weights()
    made = train_parts(model, (), fit)
    assert [type(layer) for layer in made.layers] == [type(layer) for layer in model.layers]
    changed = [
        layer.name
        for layer, old in zip(made.layers, model.layers, strict=True)
        if layer.weights and any((a != b).any() for a, b in zip(layer.get_weights(), old.get_weights(), strict=True))
    ]
    assert set(dense_parts(model)) <= set(changed)
    for old, kept in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, kept)


def test_training_for_int8_keeps_zeros_where_it_is_to():
    pruned = tiny("text_attention")
    zeros = {}
    for name in dense_parts(pruned):
        kernel = pruned.get_layer(name).kernel
        zeros[name] = np.abs(kernel.numpy()) < np.median(np.abs(kernel.numpy()))
        kernel.assign(np.where(zeros[name], 0, kernel.numpy()))
    made = train_parts(pruned, ("prune",), fit)
    for name, zero in zeros.items():
        assert (made.get_layer(name).kernel.numpy()[zero] == 0).all()


def test_the_rounding_is_in_the_forward_pass():
    seen = {}

    def keep(model, callbacks):
        seen["model"] = model
        fit(model, callbacks)

    train_parts(tiny("image_attention"), (), keep)
    wrapper = seen["model"].get_layer("logits")
    kernel, quantizer, variables = wrapper._weight_vars[0]
    rounded = np.asarray(quantizer(kernel, False, weights=variables))
    scale = variables["max_var"].numpy() / 127
    np.testing.assert_allclose(rounded / scale, np.rint(rounded / scale), atol=1e-3)
    assert (rounded != kernel.numpy()).any()


def test_what_is_trained_and_what_is_not_is_said_in_a_sentence():
    said = note(tiny("text_attention"))
    assert said.startswith(
        "tfmot refuses text_attention whole: its 8 dense and convolution layers are trained for int8"
    )
    large = networks.make("text_attention", {"vocabulary": 50_000, "blocks": 0, "attention": "mean"})
    assert "too little to expect a gain" in note(large)


def test_clusters_are_not_lost_unsaid():
    with pytest.raises(ConversionError, match="would lose its clusters"):
        train_parts(tiny("text_attention"), ("cluster",), fit)


def test_pruning_says_where_it_can_reach_little():
    large = networks.make("text_attention", {"vocabulary": 5000})
    assert table_note(large, "prune") == (
        "Pruning leaves text_attention's table of vectors alone, 87% of its parameters: expect little gain."
    )
    assert table_note(tiny("image_attention"), "cluster") == ""


def test_a_network_without_such_parts_is_refused_in_one_line():
    features = keras.layers.Input((3,), name="features")
    made = keras.layers.LayerNormalization(name="probabilities")(features)
    with pytest.raises(ConversionError, match="has no layer"):
        train_parts(keras.Model(features, made, name="empty"), (), fit)
