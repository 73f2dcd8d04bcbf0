"""A network that hears piece by piece says what it says of the whole, in Keras and in every runtime."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.convert.streaming import STREAM, streamed
from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision
from mobilenn.networks import recurrent
from mobilenn.runtime.interfaces import CompiledModelRun, InterpreterRun
from mobilenn.runtime.sequence import stream
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.merge import merge
from mobilenn.tflite.reader import read

layers = keras.layers
TOLERANCE = 1e-5
WINDOW, HOP = 480, 320


def network(**config):
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model = recurrent.build(recurrent.Config(**{"length": 6, "features": 4, "units": (5, 4), "classes": 3, **config}))
    generator = np.random.default_rng(2)
    model.set_weights([weight + generator.uniform(0, 0.3, weight.shape) for weight in model.get_weights()])
    return model


def runner(model):
    return lambda arrays: dict(
        zip(model.output_names, (x.numpy() for x in model([arrays[n] for n in model.input_names])), strict=True)
    )


def zeros(model):
    return {t.name: np.zeros((1, *t.shape[1:]), np.float32) for t in model.inputs[1:]}


@pytest.mark.parametrize(
    ("cell", "frames", "pooling"), [("lstm", 1, "last"), ("lstm", 3, "max"), ("gru", 3, "last"), ("rnn", 1, "max")]
)
def test_every_piece_gives_what_the_sequence_so_far_gives(cell, frames, pooling):
    piecewise = streamed(network(cell=cell, pooling=pooling), frames)
    values = np.random.default_rng(0).normal(size=(1, 6, 4)).astype(np.float32)
    chunks = np.split(values, 6 // frames, axis=1)
    said = [out["probabilities"] for out in stream(runner(piecewise), "frames", chunks, zeros(piecewise))]
    for heard, probabilities in enumerate(said, 1):
        whole = network(cell=cell, pooling=pooling, length=heard * frames)
        np.testing.assert_allclose(probabilities, whole(values[:, : heard * frames]), atol=TOLERANCE)


def test_tokens_one_by_one():
    model = network(source="tokens", vocabulary=9)
    piecewise = streamed(model, 1)
    tokens = np.array([[3, 1, 8, 0, 2, 5]], np.int32)
    *_, last = stream(runner(piecewise), "tokens", np.split(tokens, 6, axis=1), zeros(piecewise))
    np.testing.assert_allclose(last["probabilities"], model(tokens), atol=TOLERANCE)


def sound(frames):
    count = WINDOW + (frames - 1) * HOP
    return np.rint(np.random.default_rng(1).normal(scale=3000, size=(1, count))).astype(np.float32)


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.FLOAT16])
def test_sound_in_a_file_of_two_signatures_in_every_runtime(precision):
    frames, heard = 2, 8
    values = sound(heard)
    model = network(cell="gru", source="audio", length=values.shape[1], units=(8,))
    parts = {
        "serving_default": to_flatbuffer(model, precision, form="unrolled"),
        STREAM: to_flatbuffer(streamed(model, frames), precision),
    }
    made = merge(parts)
    assert len(made) < sum(map(len, parts.values())) - 10_000  # the front end's matrices are stored once
    assert precheck(made) == []
    signatures = {signature.key: signature for signature in read(made).signatures}
    inputs = {spec.name: spec.shape for spec in signatures[STREAM].inputs}
    assert inputs == {"audio": (1, frames * HOP), "tail": (1, WINDOW - HOP), "hidden_1": (1, 8)}
    # the samples before the first hop's end are the first tail
    state = {name: np.zeros(shape, np.float32) for name, shape in inputs.items() if name != "audio"}
    state["tail"] = values[:, : WINDOW - HOP]
    chunks = np.split(values[:, WINDOW - HOP :], heard // frames, axis=1)
    whole = model(values).numpy()
    runs = (
        InterpreterRun(made, "serving_default", threads=1),
        CompiledModelRun(made, signatures, "serving_default", threads=1),
    )
    for run in runs:
        *_, last = stream(run.runner(STREAM), "audio", chunks, state)
        np.testing.assert_allclose(last["probabilities"], whole, atol=2e-3 if precision == "float16" else 1e-4)
        (direct,) = run.run(iter([{"audio": values}]))
        np.testing.assert_allclose(last["probabilities"], direct["probabilities"], atol=1e-4)


def test_a_network_that_reads_from_the_end_cannot_listen():
    with pytest.raises(ConversionError, match="'both1' reads from the end"):
        streamed(network(bidirectional=True), 1)


def test_layers_that_need_the_whole_sequence_are_named():
    frames = layers.Input((6, 4), name="frames")
    flat = layers.Flatten(name="flat")(layers.GRU(3, return_sequences=True)(frames))
    with pytest.raises(ConversionError, match=r"'flat' \(Flatten\)"):
        streamed(keras.Model(frames, layers.Dense(2)(flat)), 1)
    branched = layers.Add()([layers.GRU(3)(frames), layers.GRU(3)(frames)])
    with pytest.raises(ConversionError, match="one layer after the other"):
        streamed(keras.Model(frames, branched), 1)
