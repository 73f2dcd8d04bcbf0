"""Every lowering computes what the Keras layer computes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mobilenn.convert.lowerings import lower
from mobilenn.convert.lowerings.conv3d import StackedConv3D
from mobilenn.convert.lowerings.copies import config_of
from mobilenn.convert.lowerings.frames import same_padding
from mobilenn.convert.lowerings.lrn import BandNormalization, band
from mobilenn.core.errors import ConversionError
from mobilenn.layers.lrn import LocalResponseNormalization

layers = keras.layers
LRN_TOLERANCE = 2e-6  # relative; the stock kernel's own error against float64 is 5e-7
SUM_TOLERANCE = 1e-5  # of the largest output: the same products, summed in another order


def of(*stack, shape):
    """A functional model of a stack of layers."""
    inputs = made = layers.Input(shape, name="clip")
    for layer in stack:
        made = layer(made)
    return keras.Model(inputs, made)


def keeps_the_rule(window, strides):
    """TensorFlow's own 3-D kernels leave the rule of «same» padding where a stride exceeds the window."""
    return all(step <= size for step, size in zip(strides, window, strict=True))


def kinds(model):
    return [type(layer).__name__ for layer in model.layers[1:]]


def check(model, batch=2, seed=0, tolerance=SUM_TOLERANCE):
    """Compares a model with its lowered form on random values; returns the latter."""
    generator = np.random.default_rng(seed)
    model.set_weights([generator.uniform(0.2, 1.2, w.shape) * generator.choice([-1, 1]) for w in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([np.abs(weight) for weight in layer.get_weights()])
    values = generator.normal(size=(batch, *model.input_shape[1:])).astype(np.float32)
    lowered = lower(model)
    expected, found = model(values).numpy(), lowered(values).numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())
    return lowered


@given(
    channels=st.integers(1, 20),
    n=st.sampled_from([1, 3, 5, 9]),
    k=st.sampled_from([0.5, 1.0, 2.0]),
    alpha=st.sampled_from([1e-4, 0.01, 1.0]),
    beta=st.sampled_from([0.5, 0.6, 0.75, 1.0]),
    scale=st.sampled_from([0.1, 3.0, 60.0]),
)
def test_lrn_is_equal_relative_to_each_value(channels, n, k, alpha, beta, scale):
    layer = LocalResponseNormalization(n, k, alpha, beta)
    lowered = lower(of(layer, shape=(3, 4, channels)))
    assert kinds(lowered) == ["BandNormalization"]
    values = (np.random.default_rng(channels).normal(size=(2, 3, 4, channels)) * scale).astype(np.float32)
    expected = layer(values).numpy()
    assert (np.abs(lowered(values).numpy() - expected) <= LRN_TOLERANCE * np.abs(expected) + 1e-30).all()


def test_the_band_reaches_half_a_window_to_either_side():
    np.testing.assert_array_equal(band(5, 3, 0.5)[0], np.float32([0.5, 0.5, 0, 0, 0]))
    np.testing.assert_array_equal(band(5, 3, 0.5)[2], np.float32([0, 0.5, 0.5, 0.5, 0]))


@settings(max_examples=20)
@given(
    frames=st.integers(1, 7),
    size=st.integers(3, 6),
    kernel=st.tuples(*[st.integers(1, 3)] * 3),
    strides=st.tuples(*[st.integers(1, 3)] * 3),
    dilation=st.tuples(*[st.integers(1, 2)] * 3),
    padding=st.sampled_from(["same", "valid"]),
    bias=st.booleans(),
    activation=st.sampled_from([None, "relu", "tanh"]),
)
def test_convolution_of_frames_is_equal(frames, size, kernel, strides, dilation, padding, bias, activation):
    if max(strides) > 1:
        dilation = (1, 1, 1)  # Keras takes one or the other
    assume(padding == "valid" or keeps_the_rule(kernel, strides))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    assume(padding == "same" or (spans[0] <= frames and max(spans[1:]) <= size))
    options = {"strides": strides, "dilation_rate": dilation, "padding": padding, "use_bias": bias}
    layer = layers.Conv3D(3, kernel, activation=activation, **options)
    assert kinds(check(of(layer, shape=(frames, size, size, 2)))) == ["StackedConv3D"]


@settings(max_examples=20)
@given(
    kind=st.sampled_from([layers.MaxPooling3D, layers.AveragePooling3D]),
    frames=st.integers(1, 7),
    size=st.integers(3, 6),
    pool=st.tuples(*[st.integers(1, 3)] * 3),
    strides=st.none() | st.tuples(*[st.integers(1, 3)] * 3),
    padding=st.sampled_from(["same", "valid"]),
)
def test_pooling_of_frames_is_equal(kind, frames, size, pool, strides, padding):
    assume(padding == "valid" or strides is None or keeps_the_rule(pool, strides))
    assume(padding == "same" or (pool[0] <= frames and max(pool[1:]) <= size))
    lowered = check(of(kind(pool, strides, padding), shape=(frames, size, size, 2)))
    assert kinds(lowered) == [f"Framewise{kind.__name__}"]


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 4))
def test_same_padding_is_tensorflows(length, size, step):
    made = tf.nn.max_pool1d(tf.zeros((1, length, 1)), size, step, "SAME").shape[1]
    before, after = same_padding(length, size, step)
    assert (length + before + after - size) // step + 1 == made
    assert 0 <= after - before <= 1


@pytest.mark.parametrize("relu", [layers.ReLU(name="relu"), layers.Activation("relu", name="relu")])
def test_normalisation_and_relu_are_folded_into_the_convolution(relu):
    conv = layers.Conv3D(3, 3, use_bias=False, name="conv")
    lowered = check(of(conv, layers.BatchNormalization(name="norm"), relu, shape=(4, 5, 5, 2)))
    assert kinds(lowered) == ["StackedConv3D", "Activation", "Activation"]
    assert lowered.get_layer("conv").activation is keras.activations.relu
    assert [layer.name for layer in lowered.layers[1:]] == ["conv", "norm", "relu"]


@pytest.mark.parametrize(
    "follower",
    [layers.ReLU(6.0), layers.ReLU(negative_slope=0.1), layers.BatchNormalization(axis=1), layers.Activation("tanh")],
)
def test_what_cannot_be_folded_stays(follower):
    lowered = check(of(layers.Conv3D(3, 3), follower, shape=(4, 5, 5, 2)))
    assert kinds(lowered) == ["StackedConv3D", type(follower).__name__]


def test_a_normalisation_is_not_folded_where_something_else_reads_the_convolution():
    clip = layers.Input((4, 5, 5, 2), name="clip")
    conv = layers.Conv3D(3, 3)(clip)
    model = keras.Model(clip, layers.Add()([conv, layers.BatchNormalization()(conv)]))
    assert "BatchNormalization" in kinds(check(model))
    both = keras.Model(clip, [conv, layers.BatchNormalization()(conv)])
    assert "BatchNormalization" in kinds(lower(both))


@pytest.mark.parametrize(
    "layer", [layers.Conv3D(4, 3, groups=2), layers.Conv2D(3, 3), layers.SeparableConv2D(3, 3), layers.Dense(3)]
)
def test_other_layers_stay(layer):
    shape = (4, 4, 4, 2) if isinstance(layer, layers.Conv3D) else (6, 6, 2)
    assert kinds(lower(of(layer, shape=shape))) == [type(layer).__name__]


def test_the_model_itself_stays_and_shares_nothing():
    model = of(layers.Conv3D(3, 3, name="conv"), layers.MaxPooling3D(2), shape=(4, 5, 5, 2))
    before = [weight.copy() for weight in model.get_weights()]
    lowered = lower(model)
    lowered.set_weights([weight + 1 for weight in lowered.get_weights()])
    assert kinds(model) == ["Conv3D", "MaxPooling3D"]
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(model.get_layer("conv").outbound_nodes) == 1


def test_nested_and_sequential_models_are_lowered_too():
    inner = keras.Sequential([layers.Input((4, 4, 3)), LocalResponseNormalization(name="lrn")], name="inner")
    lowered = lower(of(inner, layers.Flatten(), shape=(4, 4, 3)))
    assert isinstance(lowered.get_layer("inner").get_layer("lrn"), BandNormalization)


def test_a_mixed_precision_model_becomes_float32():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = of(layers.Conv3D(2, 3), layers.Flatten(), layers.Dense(3), shape=(4, 5, 5, 2))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    lowered = lower(model)
    assert {layer.compute_dtype for layer in lowered.layers[1:]} == {"float32"}
    for found, expected in zip(lowered.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_model_without_a_layer_graph_is_refused():
    class Opaque(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ConversionError, match="'opaque' cannot be copied layer by layer"):
        lower(Opaque(name="opaque"))


def test_a_replacement_can_be_made_from_its_config():
    layer = StackedConv3D(3, (1, 2, 3), strides=(2, 1, 1))
    assert StackedConv3D.from_config(layer.get_config()).get_config() == layer.get_config()


def test_copies_are_made_without_drawing_weights():
    layer = layers.Dense(3, kernel_initializer="he_normal", bias_initializer=None)
    config = config_of(layer)
    assert (config["kernel_initializer"], config["bias_initializer"]) == ("zeros", None)


def test_an_adapted_standardisation_keeps_its_statistics():
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).normal(3, 5, (50, 4)))
    model, values = of(layer, shape=(4,)), np.ones((1, 4), np.float32)
    np.testing.assert_allclose(lower(model)(values), model(values), rtol=1e-6)
    assert np.abs(model(values)).max() < 0.9
