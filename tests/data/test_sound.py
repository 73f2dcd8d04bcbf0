"""Rates, lengths and noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.data._sound import RATE, fitted, noises, pcm, resampled


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 15999])
def test_a_tone_keeps_its_pitch_and_loudness(rate):
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    made = resampled(tone, rate)
    assert len(made) == RATE
    wanted = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    middle = slice(RATE // 10, -RATE // 10)
    np.testing.assert_allclose(made[middle], wanted[middle], atol=0.01)


def test_what_the_lower_rate_cannot_carry_is_left_out():
    tone = np.sin(2 * np.pi * 12000 * np.arange(48000) / 48000)
    assert np.abs(resampled(tone, 48000)[1600:-1600]).max() < 0.01


@given(samples=st.integers(1, 300), rate=st.integers(4000, 192_000))
def test_any_length_and_rate_can_be_resampled(samples, rate):
    made = resampled(np.ones(samples), rate)
    assert len(made) == -(-samples * RATE // rate)
    assert np.isfinite(made).all()


@given(samples=st.integers(1, 2000), length=st.integers(1, 1500))
def test_a_clip_has_the_length_asked_for(samples, length):
    made = fitted(np.arange(1, samples + 1), length)
    assert len(made) == length
    assert (made[min(samples, length) :] == 0).all()


def test_of_a_long_clip_the_loudest_part_is_heard():
    sound = np.zeros(40_000)
    sound[25_000:26_000] = 1
    assert fitted(sound, 16_000).sum() == 1000


def test_loud_sound_is_clipped():
    np.testing.assert_array_equal(pcm(np.array([-2, -1, 0, 1, 2])), [-32767, -32767, 0, 32767, 32767])


def test_noises_are_equally_loud_and_all_different():
    made = noises(9, 4000, np.random.default_rng(0))
    np.testing.assert_allclose(np.sqrt((made**2).mean(axis=1)), 1, rtol=1e-4)
    assert np.abs(np.corrcoef(made) - np.eye(9)).max() < 0.9
