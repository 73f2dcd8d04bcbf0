"""A file trains itself as Keras would train the network, step by step, in every runtime."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.convert.head import find_head
from mobilenn.convert.training import training_parts
from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Trainable
from mobilenn.networks import mlp, perceptron, vgg
from mobilenn.runtime import training
from mobilenn.runtime.interfaces import CompiledModelRun, InterpreterRun
from mobilenn.runtime.training import Descent
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.merge import SIGNATURE, merge
from mobilenn.tflite.reader import read

layers = keras.layers
RUNTIMES = ("Interpreter", "CompiledModel")
STEPS, BATCH, TOLERANCE = 100, 8, 1e-4


def made(model, **settings):
    """The file of a network: trainable, with everything else that it holds."""
    parts = training_parts(model, Trainable(**{"batch_size": BATCH, **settings}))
    return merge({SIGNATURE: to_flatbuffer(model, Precision.FLOAT32), **parts})


def opened(flatbuffer, runtime):
    signatures = {signature.key: signature for signature in read(flatbuffer).signatures}
    if runtime == "Interpreter":
        run = InterpreterRun(flatbuffer, SIGNATURE, threads=1)
    else:
        run = CompiledModelRun(flatbuffer, signatures, SIGNATURE, threads=1)
    return training.trainable(signatures, run.runner)


def network(seed=1, **config):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    return mlp.build(mlp.Config(**{"input_shape": (4, 4, 1), "hidden": (12, 8), "classes": 3, **config}))


def digits(count, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 4, 4, 1)).astype(np.float32)
    return images, images.reshape(count, -1)[:, :3].argmax(1)


def keras_curve(model, batches, settings, loss="sparse_categorical_crossentropy"):
    optimizer = keras.optimizers.SGD(settings.learning_rate, settings.momentum)
    model.compile(optimizer, loss)
    return [float(model.train_on_batch(*batch)) for batch in batches]


def file_curve(file, batches, settings):
    losses, state = [], training.beginning(file)
    for images, targets in batches:
        value, state = training.step(file, (training.prepared(file, {"image": images}), targets), state, settings)
        losses.append(value)
    return losses, state


CASES = {
    "descent": ({"activation": "tanh"}, Descent(learning_rate=0.1)),
    "momentum": ({"activation": "relu"}, Descent(learning_rate=0.02, momentum=0.9)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_hundred_steps_have_the_losses_of_keras(case):
    config, settings = CASES[case]
    images, targets = digits(BATCH * 10)
    batches = [(images[r], targets[r]) for e in range(10) for r in training.mini_batches(len(images), BATCH, (0, e))]
    flatbuffer = made(network(**config))
    assert precheck(flatbuffer) == []
    model = network(**config)
    expected = keras_curve(model, batches, settings)
    assert len(expected) == STEPS
    assert np.mean(expected[-10:]) < 0.95 * np.mean(expected[:10])
    for runtime in RUNTIMES:
        file = opened(flatbuffer, runtime)
        losses, state = file_curve(file, batches, settings)
        np.testing.assert_allclose(losses, expected, atol=TOLERANCE)
        said = training.predict(file, {"image": images[:6]}, state)
        np.testing.assert_allclose(said, model(images[:6]), atol=1e-3)


@pytest.fixture(scope="module")
def regression():
    return made(network(head="regression", classes=2, activation="sigmoid"))


@pytest.mark.parametrize("count", [3, 20])
def test_a_step_takes_fewer_samples_than_a_call_and_more(regression, count):
    images, _ = digits(count)
    values = np.random.default_rng(1).normal(size=(count, 2)).astype(np.float32)
    settings = Descent(learning_rate=0.05, momentum=0.5)
    batches = [(images, values)] * 6
    expected = keras_curve(network(head="regression", classes=2, activation="sigmoid"), batches, settings, "mse")
    for runtime in RUNTIMES:
        losses, _ = file_curve(opened(regression, runtime), batches, settings)
        np.testing.assert_allclose(losses, expected, atol=TOLERANCE)


def test_an_untrained_state_says_what_the_file_says(regression):
    images, _ = digits(2)
    file = opened(regression, "Interpreter")
    said = training.predict(file, {"image": images}, training.beginning(file))
    model = network(head="regression", classes=2, activation="sigmoid")
    np.testing.assert_allclose(said, model(images), atol=1e-5)


def test_a_frozen_base_stays_and_its_head_learns_other_classes():
    keras.utils.set_random_seed(5)
    model = vgg.build(vgg.TINY)
    flatbuffer = made(model, layers=1)
    alone = to_flatbuffer(model, Precision.FLOAT32)
    assert len(flatbuffer) < 1.5 * len(alone) + 40_000  # weights are stored once
    assert precheck(flatbuffer) == []
    images = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 1)).astype(np.float32)
    targets = np.arange(9) % 3
    body = keras.Model(model.input, model.get_layer("logits").input)
    for runtime in RUNTIMES:
        file = opened(flatbuffer, runtime)
        assert file.weights == ("logits_kernel", "logits_bias")
        found = training.prepared(file, {"image": images})
        np.testing.assert_allclose(found, body(images), atol=1e-4)
        state = training.beginning(file, blank=True)
        assert not any(value.any() for value in state.values())
        settings = Descent(learning_rate=training.steady_rate(found))
        losses = []
        for _ in range(20):
            value, state = training.step(file, (found, targets), state, settings)
            losses.append(value)
        assert losses[0] == pytest.approx(np.log(3), abs=1e-5)
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < losses[0]


def test_what_has_no_gradient_is_refused_by_name():
    with pytest.raises(ConversionError, match=r"'flatten' \(Flatten\) is written out; 4 dense layers"):
        find_head(network(), 4)
    with pytest.raises(ConversionError, match=r"'probabilities' \(Concatenate\)"):
        find_head(perceptron.build(perceptron.TINY))
    image = layers.Input((4,), name="features")
    odd = keras.Model(
        image, layers.Dense(2, activation="softmax")(layers.Dense(3, activation="elu", name="odd")(image))
    )
    assert [layer.activation for layer in find_head(odd).layers] == ["softmax"]  # what stands before is frozen
    with pytest.raises(ConversionError, match=r"'odd' \(Dense, elu\)"):
        find_head(odd, 2)
    both = keras.Model(image, [layers.Dense(2, name="a")(image), layers.Dense(2, name="b")(image)])
    with pytest.raises(ConversionError, match="the outputs a, b"):
        find_head(both)
