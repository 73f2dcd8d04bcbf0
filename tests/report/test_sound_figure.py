"""Clips as pictures: what is loud is dark, at its time and pitch."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mobilenn.data import Dataset, Split
from mobilenn.report.figures.sound import sound_png
from mobilenn.samples import samples


def opacity(clip):
    """Of the waveform and of the bands, bottom row first."""
    uri = sound_png(np.asarray(clip, np.int16))
    assert uri.startswith("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as image:
        alpha = np.asarray(image)[..., 3]
    assert alpha.shape[1] > 2 * alpha.shape[0]
    return alpha[:40], alpha[46:][::-1]


def tone(hz, start=0, end=16000):
    time = np.arange(16000)
    return np.where((time >= start) & (time < end), 12000 * np.sin(2 * np.pi * hz * time / 16000), 0)


def test_a_higher_tone_stands_higher():
    rows = [int(np.argmax(opacity(tone(hz))[1].mean(axis=1))) for hz in (200, 600, 1500, 3500)]
    assert rows == sorted(rows)
    assert rows[0] < 14
    assert rows[-1] > 60


def test_sound_is_drawn_when_it_is_heard():
    wave, bands = opacity(tone(800, 8000, 16000))
    assert (wave > 0).sum(axis=0)[:155].max() <= 2
    assert (wave > 0).sum(axis=0)[165:].min() > 20
    assert bands[:, :150].max() == 0
    assert bands[:, 170:].max(axis=0).min() > 200


@pytest.mark.parametrize("clip", [np.zeros(16000), np.zeros(1)])
def test_silence_is_a_line_over_an_empty_field(clip):
    wave, bands = opacity(clip)
    assert not bands.any()
    assert 1 <= (wave > 0).sum(axis=0).max() <= 2


@pytest.mark.parametrize("samples", [1, 7, 319, 321, 64_000])
def test_a_clip_of_any_length_is_as_wide(samples):
    wave, bands = opacity(np.random.default_rng(0).integers(-9000, 9000, samples))
    assert wave.shape == (40, 320)
    assert bands.shape == (80, 320)


def test_the_extremes_of_16_bits_do_not_overflow():
    wave, _ = opacity(np.tile([-32768, 32767], 8000))
    assert (wave > 0).all()


def test_samples_of_sound_carry_the_picture():
    split = Split(inputs={"audio": np.zeros((3, 16000), np.int16)}, targets=np.array([0, 1, 0]))
    data = Dataset(
        train=split, validation=split, test=split, labels=("a", "b"), description="Silence.", preprocessing={}
    )
    shown = samples(data, {"float": {"probabilities": np.full((3, 2), 0.5, np.float32)}})
    assert all(row["image"].startswith("data:image/png;base64,") for row in shown)
