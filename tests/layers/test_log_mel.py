"""The graph hears what numpy's Fourier transform hears."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.core.precision import Precision
from mobilenn.layers.log_mel import FLOOR, PCM, LogMel, mel_triangles
from mobilenn.quantize import quantize_flatbuffer
from mobilenn.runtime.interfaces import CompiledModelRun, InterpreterRun
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.reader import read


def sound(samples, count=2, seed=0):
    return np.random.default_rng(seed).integers(-30000, 30000, (count, samples)).astype(np.float32)


def heard(audio, layer):
    """The same by numpy in float64."""
    count = layer.frame_count(audio.shape[1])
    frames = np.stack([audio[:, t * layer.hop : t * layer.hop + layer.window] for t in range(count)], 1) / PCM
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(layer.window) / layer.window)
    points = 1 << (layer.window - 1).bit_length()
    power = np.abs(np.fft.rfft(frames * hann, points)) ** 2
    hz = np.arange(points // 2 + 1) * layer.rate / points
    return np.log(power @ mel_triangles(hz, layer.bands, layer.low_hz, layer.high_hz) + FLOOR)


@settings(max_examples=30)
@given(
    window=st.integers(20, 600),
    hop=st.integers(10, 700),
    extra=st.integers(0, 900),
    bands=st.integers(1, 8),
    high_hz=st.sampled_from([1500.0, 4000.0, 8000.0]),
)
def test_it_hears_what_numpy_hears(window, hop, extra, bands, high_hz):
    layer = LogMel(window=window, hop=hop, bands=bands, high_hz=high_hz)
    audio = sound(window + extra)
    np.testing.assert_allclose(layer(audio).numpy(), heard(audio, layer), atol=2e-4)


def test_speech_commands_frames_are_49_of_40():
    assert LogMel()(sound(16000)).shape == (2, 49, 40)


def test_a_tone_is_loudest_in_its_band_and_silence_is_the_floor():
    centres = np.linspace(*(2595 * np.log10(1 + np.array([20.0, 4000.0]) / 700)), 42)[1:-1]
    tone = 10000 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    band = int(np.argmax(LogMel()(tone[None].astype(np.float32)).numpy()[0, 20]))
    assert band == int(np.argmin(np.abs(centres - 2595 * np.log10(1 + 1000 / 700))))
    np.testing.assert_allclose(LogMel()(np.zeros((1, 16000), np.float32)), np.log(FLOOR), rtol=1e-6)


def test_every_triangle_holds_a_frequency_and_they_overlap():
    triangles = mel_triangles(np.arange(257) * 16000 / 512, 40, 20.0, 4000.0)
    assert triangles.max(axis=0).min() > 0.2
    assert triangles.min() == 0
    assert triangles.max() <= 1


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [
        (Precision.FLOAT32, 1e-3),
        (Precision.FLOAT16, 5e-3),
        (Precision.DYNAMIC_INT8, 1e-3),
        (Precision.INT8, 0.03),  # rounds the result alone
    ],
)
def test_every_file_hears_the_same_in_every_runtime(precision, tolerance):
    audio = keras.layers.Input((16000,), name="audio")
    model = keras.Model(audio, keras.layers.Activation("linear", name="value")(LogMel(name="log_mel")(audio)))
    made = precision if precision is Precision.FLOAT16 else Precision.FLOAT32
    flatbuffer = to_flatbuffer(model, made)
    assert precheck(flatbuffer) == []
    assert len(flatbuffer) < 100_000
    values = sound(16000, count=3)
    if precision is not made:
        flatbuffer = quantize_flatbuffer(flatbuffer, precision, [{"audio": value[None]} for value in values])
    signatures = {signature.key: signature for signature in read(flatbuffer).signatures}
    runs = (
        InterpreterRun(flatbuffer, "serving_default", threads=1),
        CompiledModelRun(flatbuffer, signatures, "serving_default", threads=1),
    )
    made = [
        np.concatenate([row["value"] for row in run.run({"audio": value[None]} for value in values)]) for run in runs
    ]
    np.testing.assert_allclose(made[0], heard(values, LogMel()), atol=tolerance)
    np.testing.assert_allclose(made[0], made[1], atol=1e-4 if precision is not Precision.INT8 else 0.03)
