"""What the datasets of sound share: rates, lengths, loudness, and noise to stand before."""

from __future__ import annotations

import math

import numpy as np

RATE = 16_000
FULL_SCALE = 32767
_HUMS_HZ = (50.0, 60.0)
_LOWEST_HZ = 20


def resampled(sound: np.ndarray, rate: int, wanted: int = RATE) -> np.ndarray:
    """Sound at another rate, by its Fourier transform: what both rates can carry stays as it is, the rest is left out.

    Args:
        sound: (samples,) at `rate`.
        rate, wanted: samples a second.

    Returns:
        (⌈samples · wanted / rate⌉,) float64.
    """
    if rate == wanted or not len(sound):
        return np.asarray(sound, np.float64)
    common = math.gcd(rate, wanted)
    whole, made = rate // common, wanted // common  # so many samples become so many
    blocks = -(-len(sound) // whole) + 1  # a block of silence keeps the end from ringing into the beginning
    spectrum = np.fft.rfft(sound, blocks * whole)
    kept = min(len(spectrum), blocks * made // 2 + 1)
    turned = np.fft.irfft(spectrum[:kept], blocks * made) * (made / whole)
    return turned[: -(-len(sound) * wanted // rate)]


def fitted(sound: np.ndarray, length: int) -> np.ndarray:
    """Sound of a given length: silence follows a shorter one, of a longer one its loudest part is taken.

    Args:
        sound: (samples,), one sample or more.
        length: samples wanted.
    """
    if len(sound) <= length:
        return np.pad(sound, (0, length - len(sound)))
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    starts = np.arange(0, len(sound) - length + 1, RATE // 100)
    start = starts[int(np.argmax(energy[starts + length] - energy[starts]))]
    return sound[start : start + length]


def pcm(sound: np.ndarray) -> np.ndarray:
    """Sound of −1..1 as 16-bit values; what is louder is clipped."""
    return np.round(np.clip(sound, -1, 1) * FULL_SCALE).astype(np.int16)


def noises(count: int, samples: int, generator: np.random.Generator) -> np.ndarray:
    """Rooms without a speaker: noise between white and brown that swells and falls; every fourth hums.

    Returns:
        (count, samples) float32 of root mean square 1.
    """
    hz = np.fft.rfftfreq(samples, 1 / RATE).astype(np.float32)
    slope = generator.uniform(0, 2, (count, 1)).astype(np.float32)  # of power: 0 is white, 1 pink, 2 brown
    shape = np.maximum(hz, _LOWEST_HZ) ** (-slope / 2) * (hz >= _LOWEST_HZ)
    spectrum = generator.standard_normal((count, 2, len(hz)), np.float32) * shape[:, None]
    made = np.fft.irfft(spectrum[:, 0] + 1j * spectrum[:, 1], samples).astype(np.float32)
    time = np.arange(samples, dtype=np.float32) / RATE
    swells = generator.uniform((0.2, 0, 0), (2.0, 2 * np.pi, 0.6), (count, 3)).astype(np.float32)
    made *= 1 + swells[:, 2:] * np.sin(2 * np.pi * swells[:, :1] * time + swells[:, 1:2])
    made /= _level(made)
    made[::4] += _hum(len(made[::4]), time, generator)
    return made / _level(made)


def _hum(count: int, time: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The mains: a few harmonics, at most as loud as the noise."""
    hz = generator.choice(_HUMS_HZ, (count, 1)) * np.arange(1, 5)
    loud, phase = generator.uniform(0, 0.5, (count, 4)), generator.uniform(0, 2 * np.pi, (count, 4))
    hz, loud, phase = (np.float32(values)[..., None] for values in (2 * np.pi * hz, loud, phase))
    return (loud * np.sin(hz * time + phase)).sum(axis=1)


def _level(sound: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(sound).mean(axis=-1, keepdims=True))
