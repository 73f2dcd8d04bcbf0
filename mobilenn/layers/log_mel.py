"""Log-mel energies of sound, computed in the graph, so that phone and Python hear the same."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tf_keras as keras

PCM = 32768.0  # full scale of 16-bit samples
FLOOR = 1e-6  # added to an energy before its logarithm: that of silence, where full scale is 1


class LogMel(keras.layers.Layer):
    """Turns sound into the logarithm of its energy in bands of equal width on the mel scale.

    Every frame is multiplied by a Hann window and goes through a Fourier transform of two matrix
    products with a rotation between them, which needs no RFFT, an operator that no delegate takes.
    Against one large Fourier matrix that is a third of the products and a fortieth of the weights.
    Squares of real and imaginary parts are summed into triangular bands. All of it stays float32 in
    every quantized file: a spectrum's energies span more magnitudes than 256 steps tell apart.

    Args:
        rate: samples a second.
        window: samples of a frame; 30 ms at 16 kHz is 480.
        hop: samples between the beginnings of two frames.
        bands: number of mel bands.
        low_hz, high_hz: range of the bands.

    Shape:
        (N, samples) of 16-bit PCM values, −32768..32767, to (N, frames, bands), where frames is
        (samples − window) // hop + 1; float32.

    Reference:
        Davis and Mermelstein, Comparison of Parametric Representations for Monosyllabic Word
        Recognition (IEEE ASSP 28, 1980), with the mel scale 2595·log10(1 + f/700); Bailey, FFTs in
        External or Hierarchical Memory (J. Supercomputing 4, 1990), the four-step transform.
    """

    def __init__(
        self,
        rate: int = 16000,
        window: int = 480,
        hop: int = 320,
        bands: int = 40,
        low_hz: float = 20.0,
        high_hz: float = 4000.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.rate, self.window, self.hop, self.bands = rate, window, hop, bands
        self.low_hz, self.high_hz = low_hz, high_hz

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Hears (N, samples)."""
        plan = transform(self.rate, self.window, self.bands, self.low_hz, self.high_hz)
        frames = self._frames(tf.cast(inputs, tf.float32)) * tf.constant(plan.hann)
        columns, rows = plan.rotation_cos.shape  # of a frame read row by row: n = row · columns + column
        padded = tf.pad(frames, [[0, 0], [0, -frames.shape[1] % columns]]) if frames.shape[1] % columns else frames
        turned = tf.transpose(tf.reshape(padded, (-1, padded.shape[1] // columns, columns)), (0, 2, 1))
        first = tf.matmul(turned, tf.constant(plan.first), name="log_mel_rows")
        real, imaginary = first[..., :rows], first[..., rows:]
        cos, sin = tf.constant(plan.rotation_cos), tf.constant(plan.rotation_sin)
        rotated = tf.concat([real * cos + imaginary * sin, imaginary * cos - real * sin], axis=1)
        spectrum = tf.matmul(tf.transpose(rotated, (0, 2, 1)), tf.constant(plan.second), name="log_mel_columns")
        power = tf.square(tf.reshape(spectrum, (-1, plan.triangles.shape[0])), name="log_mel_square")
        energy = tf.matmul(power, tf.constant(plan.triangles), name="log_mel_energy")
        # Scaled here, not in the window: 16-bit floats, which weights become, hold little below 6e-5.
        made = tf.math.log(tf.add(energy, FLOOR * PCM**2, name="log_mel_floor"), name="log_mel_log")
        made = tf.subtract(made, 2 * np.log(PCM), name="log_mel_scale")
        return tf.reshape(made, (-1, self.frame_count(inputs.shape[1]), self.bands))

    def frame_count(self, samples: int) -> int:
        """Number of frames of so many samples."""
        return (samples - self.window) // self.hop + 1

    def _frames(self, sound: tf.Tensor) -> tf.Tensor:
        """(N, samples) to (N · frames, window): each of a whole hop, the next one, and so on to the window's end.

        Slices without strides, which delegates take.
        """
        count, parts = self.frame_count(sound.shape[1]), -(-self.window // self.hop)
        needed = (count - 1 + parts) * self.hop
        sound = sound[:, :needed] if needed <= sound.shape[1] else tf.pad(sound, [[0, 0], [0, needed - sound.shape[1]]])
        hops = tf.reshape(sound, (-1, count - 1 + parts, self.hop))
        lengths = [min(self.hop, self.window - part * self.hop) for part in range(parts)]
        taken = [hops[:, part : part + count, :length] for part, length in enumerate(lengths)]
        return tf.reshape(tf.concat(taken, axis=-1), (-1, self.window))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("rate", "window", "hop", "bands", "low_hz", "high_hz")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class Transform(NamedTuple):
    """Constants of a windowed Fourier transform and of the bands, float32.

    Args:
        hann: (window,), 0..1.
        first: (rows in use, 2 · rows): cosines and sines over the rows of a frame.
        rotation_cos, rotation_sin: (columns, rows).
        second: (2 · columns, 2 · heard): over the columns, for the frequencies that a band hears.
        triangles: (rows · 2 · heard, bands): sums the squares of both parts.
    """

    hann: np.ndarray
    first: np.ndarray
    rotation_cos: np.ndarray
    rotation_sin: np.ndarray
    second: np.ndarray
    triangles: np.ndarray


@functools.cache
def transform(rate: int, window: int, bands: int, low_hz: float, high_hz: float) -> Transform:
    """The constants of a transform with as many points as the next power of two.

    With n = R·row + column (R columns) and k = rows·high + low, the phase nk/points splits into
    row·low/rows + column·low/points + column·high/R, the three steps.
    """
    bits = (window - 1).bit_length()
    rows, columns = 1 << (bits // 2), 1 << (bits - bits // 2)
    points = rows * columns
    hz = np.arange(points // 2 + 1) * rate / points
    heights = mel_triangles(hz, bands, low_hz, high_hz)
    heard = int(np.flatnonzero(heights.any(axis=1)).max()) // rows + 1
    low, high = np.arange(rows), np.arange(heard)
    used = -(-window // columns)
    first = 2 * np.pi * np.outer(np.arange(used), low) / rows
    rotation = 2 * np.pi * np.outer(np.arange(columns), low) / points
    second = 2 * np.pi * np.outer(np.arange(columns), high) / columns
    cos, sin = np.cos(second), np.sin(second)
    padded = np.concatenate([heights, np.zeros((points, bands))])
    by_place = padded[rows * high[None, :] + low[:, None]]  # (rows, heard, bands)
    made = (
        0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window),
        np.concatenate([np.cos(first), -np.sin(first)], axis=1),
        np.cos(rotation),
        np.sin(rotation),
        np.block([[cos, -sin], [sin, cos]]),
        np.concatenate([by_place, by_place], axis=1).reshape(-1, bands),
    )
    return Transform(*(values.astype(np.float32) for values in made))


def mel_triangles(hz: np.ndarray, bands: int, low_hz: float, high_hz: float) -> np.ndarray:
    """(len(hz), bands): overlapping triangles whose corners are equally spaced on the mel scale."""

    def mel(frequency: np.ndarray | float) -> Any:
        return 2595 * np.log10(1 + np.asarray(frequency) / 700)

    corners = np.linspace(mel(low_hz), mel(high_hz), bands + 2)
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    place = mel(hz)[:, None]
    return np.clip(np.minimum((place - left) / (centre - left), (right - place) / (right - centre)), 0, None)
