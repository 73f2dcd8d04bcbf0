"""Every form of a recurrent layer computes what Keras computes, and the shipped ones run everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.convert.lowerings import lower
from mobilenn.convert.lowerings.recurrent import FORMS, MAX_UNROLLED, STOCK, TURN_COST, block_size, forms
from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision
from mobilenn.quantize import quantize_flatbuffer
from mobilenn.runtime.host import HostSession
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.reader import read

layers = keras.layers
CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}
LOWERED = tuple(form for form in FORMS if form != STOCK)
TOLERANCE = 1e-5  # a few roundings, in steps that feed each other


def network(cell, steps=9, units=5, both=False, whole=False, **options):
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    frames = layers.Input((steps, 3), name="frames")
    layer = CELLS[cell](units, return_sequences=whole, name=cell, **options)
    made = layers.Bidirectional(layer, name="both")(frames) if both else layer(frames)
    model = keras.Model(frames, layers.Activation("linear", name="value")(made))
    generator = np.random.default_rng(2)
    model.set_weights([generator.normal(scale=1 / np.sqrt(units), size=w.shape) for w in model.get_weights()])
    return model


def frames_of(model, count=4):
    return np.random.default_rng(0).normal(size=(count, *model.input_shape[1:])).astype(np.float32)


def one_by_one(model, values):
    return np.concatenate([model(values[i : i + 1]).numpy() for i in range(len(values))])


@settings(max_examples=20)
@given(
    cell=st.sampled_from(sorted(CELLS)),
    form=st.sampled_from(LOWERED),
    steps=st.integers(1, 17),
    units=st.integers(1, 9),
    both=st.booleans(),
    whole=st.booleans(),
)
def test_it_computes_what_keras_computes(cell, form, steps, units, both, whole):
    model = network(cell, steps, units, both, whole)
    lowered = lower(model, form)
    assert "Recurrence" in [type(layer).__name__ for layer in lowered.layers]
    values = frames_of(model)
    expected, found = model(values).numpy(), one_by_one(lowered, values)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.parametrize("form", LOWERED)
@pytest.mark.parametrize(("cell", "both", "whole"), [("lstm", True, True), ("gru", False, False), ("rnn", True, False)])
def test_the_file_computes_it_in_every_runtime(cell, both, whole, form, tmp_path):
    model = network(cell, both=both, whole=whole)
    flatbuffer = to_flatbuffer(model, Precision.FLOAT32, form=form)
    assert precheck(flatbuffer) == []
    assert ("WHILE" in read(flatbuffer).operators) == (form != "unrolled")
    values = frames_of(model)
    path = tmp_path / "model.tflite"
    path.write_bytes(flatbuffer)
    for api in ("interpreter", "compiled_model"):
        with HostSession(path, api=api) as session:
            np.testing.assert_allclose(session.predict({"frames": values})["value"], model(values), atol=TOLERANCE)


@pytest.mark.parametrize("form", LOWERED)
@pytest.mark.parametrize("precision", [Precision.DYNAMIC_INT8, Precision.INT8])
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_integers_stay_close_and_weights_in_loops_shrink_too(cell, precision, form, tmp_path):
    model = network(cell, units=64, both=cell == "gru")
    values = frames_of(model, 16)
    flatbuffer = to_flatbuffer(model, Precision.FLOAT32, form=form)
    made = quantize_flatbuffer(flatbuffer, precision, [{"frames": value[None]} for value in values])
    assert precheck(made) == []
    kernels = [t for t in read(made).tensors if t.weights.size >= 64 * 64]
    assert kernels
    assert {tensor.spec.dtype for tensor in kernels} == {"int8"}
    path = tmp_path / "model.tflite"
    path.write_bytes(made)
    with HostSession(path, api="compiled_model") as session:
        found = session.predict({"frames": values})["value"]
    assert np.abs(found - model(values).numpy()).mean() < 0.08


def test_keras_own_lstm_is_refused_for_what_it_is():
    with pytest.raises(ConversionError, match=r"variable tensors|UNIDIRECTIONAL_SEQUENCE_LSTM"):
        to_flatbuffer(network("lstm"), Precision.FLOAT32, form=STOCK)


def test_a_long_sequence_is_not_unrolled_and_a_network_without_recurrence_has_no_forms():
    assert forms(network("gru", steps=20)) == FORMS
    assert forms(network("gru", steps=MAX_UNROLLED + 1)) == tuple(form for form in FORMS if form != "unrolled")
    assert forms(network("gru", steps=2)) == tuple(form for form in FORMS if form != "blocks")
    inputs = layers.Input((3,), name="features")
    assert forms(keras.Model(inputs, layers.Dense(2)(inputs))) == ()


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("lstm", {"activation": "relu"}),
        ("lstm", {"recurrent_activation": "hard_sigmoid"}),
        ("gru", {"reset_after": False}),
        ("rnn", {"use_bias": False}),
        ("lstm", {"go_backwards": True}),
    ],
)
def test_settings_that_the_forms_do_not_know_are_left_to_keras(cell, options):
    model = network(cell, **options)
    assert forms(model) == ()
    np.testing.assert_array_equal(
        lower(model).predict(frames_of(model), verbose=0), model.predict(frames_of(model), verbose=0)
    )


def test_layers_with_a_mask_or_a_state_of_their_own_are_left_to_keras():
    tokens, state = layers.Input((6,), dtype="int32", name="tokens"), layers.Input((3,), name="state")
    masked = layers.Embedding(5, 4, mask_zero=True)(tokens)
    assert forms(keras.Model(tokens, layers.GRU(3)(masked))) == ()
    started = layers.GRU(3)(layers.Embedding(5, 4)(tokens), initial_state=state)
    assert forms(keras.Model([tokens, state], started)) == ()


@given(st.integers(1, 4000))
def test_a_block_costs_less_than_other_sizes(steps):
    def cost(size):
        return TURN_COST * steps / size + size

    size = block_size(steps)
    assert 1 <= size <= max(1, steps)
    assert cost(size) <= min(cost(size + 1), cost(max(1, size - 1))) + 0.1
