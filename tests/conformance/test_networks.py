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
from mobilenn.core.vocabulary import END, PAD, START
from mobilenn.jobs.quantize import quantize
from mobilenn.jobs.sequences import transcribe
from mobilenn.networks._steps import step_models
from mobilenn.networks._weights import load_weights, save_weights
from mobilenn.runtime.host import HostSession
from mobilenn.tflite.inspect import inspect, precheck
from mobilenn.tflite.merge import merge
from mobilenn.train.fit import repeatable
from mobilenn.train.tf32 import whole_float32


@pytest.fixture(params=networks.names(), scope="module")
def network(request):
    return networks.module(request.param)


def tiny(network, seed=3):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    return network.build(network.TINY)


def inputs(model, count=4, seed=0):
    """By name: pixels for images and clips, token numbers for text, shares and permissions for grids that a policy
    observes, small numbers for tables and frames."""
    generator = np.random.default_rng(seed)
    return {
        name: values(generator, name, (count, *tensor.shape[1:]), tensor.dtype)
        for name, tensor in zip(model.input_names, model.inputs, strict=True)
    }


def values(generator, name, shape, dtype):
    if dtype == "int32":
        made = generator.integers(END + 1, 20, shape, np.int32)
        if name == "target_in":  # as a decoder reads: <start>, then the text, then padding
            made[:, 0] = START
        made[1::2, -(shape[1] // 3) :] = PAD if name in ("source", "target_in") else 5
        return made
    if name == "observation" and len(shape) == 4:
        made = generator.random(shape).astype(np.float32)
        made[..., -1] = generator.integers(0, 2, shape[:-1])  # which actions are allowed
        made[:, 0, 0, -1] = 1
        return made
    if len(shape) < 4:
        return generator.normal(size=shape).astype(np.float32)
    return generator.integers(0, 256, shape).astype(np.float32)


def outputs(model, raw):
    """What a model makes of values, in the order of its outputs."""
    return [made.numpy() for made in tf.nest.flatten(model(raw))]


def said(network, model, raw):
    """By name, what a file of the network has to answer: its outputs, or of a sequence network its transcript."""
    parts = steps_of(network, model)
    if parts:
        return transcribe(model, parts, raw, batch_size=3)
    return dict(zip(model.output_names, outputs(model, raw), strict=True))


def scale(name):
    """The unit of an output: pixels go to 255."""
    return 255.0 if name == "image" else 1.0


def steps_of(network, model):
    name = network.__name__.rpartition(".")[2]
    return step_models(name, to_dict(network.TINY), model)


def converted(network, model, precision=Precision.FLOAT32):
    """The file that the pipeline makes: of a sequence network, a signature for each step."""
    parts = steps_of(network, model)
    if not parts:
        return to_flatbuffer(model, precision)
    return merge({name: to_flatbuffer(part, precision) for name, part in parts.items()})


def quantized(flatbuffer, precision, raw, tmp_path):
    """What the quantizing worker makes of a file."""
    (tmp_path / "float32.tflite").write_bytes(flatbuffer)
    paths = {"source": str(tmp_path / "float32.tflite"), "path": str(tmp_path / "made.tflite")}
    quantize({**paths, "precision": str(precision)}, raw if precision.needs_calibration else {}, lambda _: None)
    return tmp_path / "made.tflite"


def test_inputs_and_outputs_are_named_and_static(network):
    model = tiny(network)
    known = {"image", "clip", "features", "audio", "frames", "tokens", "source", "target_in", "basket", "liked"}
    assert set(model.input_names) <= {*known, "latent", "observation"}
    assert model.output_names[0] in ("probabilities", "value", "values", "image")
    assert set(model.output_names[1:]) <= {"attention", "distances", "action"}
    assert ("values" in model.output_names) == ("action" in model.output_names)
    for tensor in (*model.inputs, *model.outputs):
        assert None not in tensor.shape[1:]
    for name, made in zip(model.output_names, outputs(model, inputs(model)), strict=True):
        assert made.dtype == (np.int32 if name == "action" else np.float32)
        assert np.isfinite(made).all()


def gradients(network):
    """By weight, the gradient of a loss of all outputs, as a training step computes it."""
    keras.utils.set_random_seed(3)
    training = getattr(network, "build_for_training", None)
    model = training(network.TINY)[0] if training else network.build(network.TINY)
    with tf.GradientTape() as tape:
        made = model(inputs(model), training=True)
        numbers = [o for o in tf.nest.flatten(made) if o.dtype.is_floating]
        loss = tf.add_n([tf.reduce_sum(o * o * tf.range(1.0, o.shape[-1] + 1.0)) for o in numbers])
    names = [weight.name for weight in model.trainable_weights]
    return dict(zip(names, tape.gradient(loss, model.trainable_weights), strict=True))


def test_every_weight_has_a_finite_gradient(network):
    for name, gradient in gradients(network).items():
        assert gradient is not None, name
        assert np.isfinite(tf.convert_to_tensor(gradient).numpy()).all(), name


@pytest.mark.gpu
def test_a_gpu_repeats_every_gradient(network):
    repeatable(3)
    first, second = gradients(network), gradients(network)
    for name, gradient in first.items():
        assert "GPU" in gradient.device, name
        np.testing.assert_array_equal(*(tf.convert_to_tensor(g).numpy() for g in (gradient, second[name])), name)


@pytest.mark.gpu
def test_a_gpu_says_what_a_cpu_does(network):
    whole_float32()
    model = tiny(network)
    raw = inputs(model)
    found = outputs(model, raw)
    with tf.device("/CPU:0"):
        expected = outputs(model, raw)
    for name, ours, theirs in zip(model.output_names, found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * scale(name), err_msg=name)


def test_a_discriminator_tells_what_the_generator_makes(network):
    if not hasattr(network, "discriminator"):
        return
    generator, other = tiny(network), network.discriminator(network.TINY)
    assert other.input_names == generator.output_names == ["image"]
    assert other.output_names == ["logits"]
    with tf.GradientTape() as tape:
        made = generator(inputs(generator), training=True)
        loss = tf.reduce_sum(other(made, training=True) * [[1.0], [2.0], [-3.0], [0.5]])
    weights = [*generator.trainable_weights, *other.trainable_weights]
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        assert gradient is not None, weight.name
        assert np.isfinite(gradient.numpy()).all(), weight.name
    assert 0 <= made.numpy().min() <= made.numpy().max() <= 255


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
    flatbuffer = converted(network, model)
    assert precheck(flatbuffer) == []
    path = tmp_path / "model.tflite"
    path.write_bytes(flatbuffer)
    raw = inputs(model)
    expected = said(network, model, raw)
    for api in ("interpreter", "compiled_model"):
        with HostSession(path, api=api) as session:
            assert [spec.name for spec in session.inputs] == model.input_names
            for spec in session.inputs:
                wanted = raw[spec.name]
                length = wanted.shape[1:] if -1 not in spec.shape else spec.shape[1:]
                assert spec == TensorSpec(name=spec.name, shape=(1, *length), dtype=wanted.dtype.name)
            found = session.predict(raw)
        assert list(found) == list(expected)
        for name, wanted in expected.items():
            assert found[name].dtype == wanted.dtype
            np.testing.assert_allclose(found[name], wanted, atol=1e-5 * scale(name))


def test_a_sequence_network_names_what_its_steps_hand_on(network):
    """What mobilenn.runtime.sequence expects, so that an app can run the file by its names alone."""
    parts = steps_of(network, tiny(network))
    if not parts:
        return
    assert set(parts) <= {"encode", "decode_step"}
    decode, encode = parts["decode_step"], parts.get("encode")
    assert decode.output_names[0] == "probabilities"
    assert decode.inputs[decode.input_names.index("token")].shape[1:] == (1,)
    shapes = {name: tensor.shape for name, tensor in zip(decode.input_names, decode.inputs, strict=True)}
    given = dict(zip(encode.output_names, encode.outputs, strict=True)) if encode else {}
    for name, tensor in zip(decode.output_names, decode.outputs, strict=True):
        if name.startswith("next_"):
            assert shapes[name.removeprefix("next_")] == tensor.shape
        else:
            assert name in ("probabilities", "attention")
    handed = {name.removeprefix("next_") for name in decode.output_names}
    assert set(shapes) <= {"token", "source", *given, *handed}
    for name, tensor in given.items():
        assert shapes[name] == tensor.shape


def test_int8_takes_pixels_and_stays_close(network, tmp_path):
    model = tiny(network)
    raw = inputs(model, 24)
    path = quantized(converted(network, model), Precision.INT8, raw, tmp_path)
    spec = next(iter(inspect(path).signatures.values())).inputs[0]
    if raw[model.input_names[0]].ndim > 3 and spec.name != "observation":
        assert (spec.dtype, spec.scale, spec.zero_point) == ("uint8", 1.0, 0)
    name = "log_probability" if hasattr(network, "steps") else model.output_names[0]
    with HostSession(path) as session:
        found = session.predict(raw)[name]
    expected = said(network, model, raw)[name]
    unit = float(np.abs(expected).mean()) if name == "log_probability" else scale(name)
    assert np.abs(found - expected).mean() < 0.05 * unit


def test_equal_weights_give_equal_bytes(network):
    first = converted(network, tiny(network))
    to_flatbuffer(networks.make("perceptron", {"classes": 3}), Precision.FLOAT32)
    assert converted(network, tiny(network)) == first


def test_weights_of_another_network_are_refused(network, tmp_path):
    other = networks.make("perceptron", {"features": 7, "classes": 5})
    save_weights(other, tmp_path / "other.npz")
    with pytest.raises(ArtifactError, match="another network"):
        load_weights(tiny(network), tmp_path / "other.npz")
    (tmp_path / "other.npz").write_bytes(b"PK damaged")
    with pytest.raises(ArtifactError, match="damaged"):
        load_weights(tiny(network), tmp_path / "other.npz")
