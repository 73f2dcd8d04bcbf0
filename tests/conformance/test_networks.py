"""One kit for every network: whatever stands in mobilenn/networks has to pass it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from mobilenn import networks
from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.core.artifacts import TensorSpec
from mobilenn.core.errors import ArtifactError, RecipeError
from mobilenn.core.precision import Precision
from mobilenn.core.records import from_dict, to_dict
from mobilenn.networks._weights import load_weights, save_weights
from mobilenn.quantize import quantize_flatbuffer
from mobilenn.runtime.host import HostSession
from mobilenn.tflite.inspect import inspect, precheck


@pytest.fixture(params=networks.names(), scope="module")
def network(request):
    return networks.module(request.param)


def tiny(network, seed=3):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    return network.build(network.TINY)


def inputs(model, count=4, seed=0):
    """Pixels for images and clips, token numbers for text, small numbers for tables and frames."""
    generator = np.random.default_rng(seed)
    shape = (count, *model.inputs[0].shape[1:])
    if model.inputs[0].dtype == "int32":
        return generator.integers(0, 20, shape, np.int32)
    if len(shape) < 4:
        return generator.normal(size=shape).astype(np.float32)
    return generator.integers(0, 256, shape).astype(np.float32)


def outputs(model, values):
    """What a model makes of values, in the order of its outputs."""
    return [made.numpy() for made in tf.nest.flatten(model(values))]


def test_inputs_and_outputs_are_named_and_static(network):
    model = tiny(network)
    assert set(model.input_names) <= {"image", "clip", "features", "audio", "frames", "tokens"}
    assert model.output_names[0] in ("probabilities", "value")
    assert set(model.output_names[1:]) <= {"attention"}
    for tensor in (*model.inputs, *model.outputs):
        assert None not in tensor.shape[1:]
    for made in outputs(model, inputs(model)):
        assert made.dtype == np.float32
        assert np.isfinite(made).all()


def test_every_weight_has_a_finite_gradient(network):
    keras.utils.set_random_seed(3)
    training = getattr(network, "build_for_training", None)
    model = training(network.TINY)[0] if training else network.build(network.TINY)
    with tf.GradientTape() as tape:
        made = model(inputs(model), training=True)
        loss = tf.add_n([tf.reduce_sum(o * o * tf.range(1.0, o.shape[-1] + 1.0)) for o in tf.nest.flatten(made)])
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        assert gradient is not None, weight.name
        assert np.isfinite(tf.convert_to_tensor(gradient).numpy()).all(), weight.name


def test_weights_saved_and_loaded_are_equal(network, tmp_path):
    model, other = tiny(network), tiny(network, seed=4)
    first = save_weights(model, tmp_path / "a.npz")
    assert save_weights(model, tmp_path / "b.npz") == first
    load_weights(other, tmp_path / "a.npz")
    for made, again in zip(outputs(model, inputs(model)), outputs(other, inputs(model)), strict=True):
        np.testing.assert_array_equal(made, again)


def test_the_same_seed_builds_the_same_network(network):
    for a, b in zip(tiny(network).get_weights(), tiny(network).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_can_be_cloned(network):
    model = tiny(network)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for made, again in zip(outputs(model, inputs(model)), outputs(clone, inputs(model)), strict=True):
        np.testing.assert_array_equal(made, again)


def test_its_config_survives_plain_values(network):
    assert from_dict(network.Config, to_dict(network.TINY)) == network.TINY
    with pytest.raises(RecipeError, match="Unknown key 'colour'"):
        from_dict(network.Config, {"colour": 1})


def test_layers_of_the_training_form_bear_the_same_names(network):
    training = getattr(network, "build_for_training", None)
    if training is None:
        return
    model, weights = training(network.TINY)
    assert set(weights) <= set(model.output_names)
    shipped = {layer.name for layer in tiny(network).layers if layer.weights}
    assert shipped <= {layer.name for layer in model.layers}


def test_it_has_its_published_sizes(network):
    assert network.PUBLISHED
    for config, parameters in network.PUBLISHED.values():
        if parameters > 20_000_000:
            continue  # the large ones are counted in tests/networks
        assert network.build(config).count_params() == parameters


def test_the_flatbuffer_computes_the_network_in_every_runtime(network, tmp_path):
    model = tiny(network)
    flatbuffer = to_flatbuffer(model, Precision.FLOAT32)
    assert precheck(flatbuffer) == []
    path = tmp_path / "model.tflite"
    path.write_bytes(flatbuffer)
    raw = inputs(model)
    expected = dict(zip(model.output_names, outputs(model, raw), strict=True))
    for api in ("interpreter", "compiled_model"):
        with HostSession(path, api=api) as session:
            assert [spec.name for spec in session.inputs] == model.input_names
            assert session.inputs[0] == TensorSpec(
                name=model.input_names[0], shape=(1, *raw.shape[1:]), dtype=raw.dtype.name
            )
            found = session.predict({model.input_names[0]: raw})
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, atol=1e-5)


def test_int8_takes_pixels_and_stays_close(network, tmp_path):
    model = tiny(network)
    raw = inputs(model, 24)
    samples = [{model.input_names[0]: raw[i : i + 1]} for i in range(len(raw))]
    flatbuffer = quantize_flatbuffer(to_flatbuffer(model, Precision.FLOAT32), Precision.INT8, samples)
    path = tmp_path / "model.tflite"
    path.write_bytes(flatbuffer)
    spec = inspect(path).signatures["serving_default"].inputs[0]
    if raw.ndim > 3:
        assert (spec.dtype, spec.scale, spec.zero_point) == ("uint8", 1.0, 0)
    with HostSession(path) as session:
        found = session.predict({model.input_names[0]: raw})
    assert np.abs(found[model.output_names[0]] - outputs(model, raw)[0]).mean() < 0.05


def test_equal_weights_give_equal_bytes(network):
    first = to_flatbuffer(tiny(network), Precision.FLOAT32)
    to_flatbuffer(networks.make("perceptron", {"classes": 3}), Precision.FLOAT32)
    assert to_flatbuffer(tiny(network), Precision.FLOAT32) == first


def test_weights_of_another_network_are_refused(network, tmp_path):
    other = networks.make("perceptron", {"features": 7, "classes": 5})
    save_weights(other, tmp_path / "other.npz")
    with pytest.raises(ArtifactError, match="another network"):
        load_weights(tiny(network), tmp_path / "other.npz")
    (tmp_path / "other.npz").write_bytes(b"PK damaged")
    with pytest.raises(ArtifactError, match="damaged"):
        load_weights(tiny(network), tmp_path / "other.npz")
