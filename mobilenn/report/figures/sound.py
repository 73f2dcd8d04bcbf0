"""A clip of sound as a picture: its waveform, and below it how loud each pitch was when."""

from __future__ import annotations

import base64
import io

import numpy as np

RATE = 16_000
FULL_SCALE = 32768
# More than twice as wide as high, which the page shows across its column.
_WIDTH, _WAVE_PX, _GAP_PX, _BANDS, _BAND_PX = 320, 40, 6, 40, 2
_WINDOW, _HIGH_HZ = 480, 4000  # of the usual front end: 30 ms, and the range that it hears
_RANGE = 8.0  # natural logarithms of energy, from the loudest down to blank
_INK = (24, 122, 196)


def sound_png(clip: np.ndarray, rate: int = RATE) -> str:
    """Draws a clip on a transparent ground, so that it suits light and dark pages.

    Each picture is drawn as loud as its own loudest moment; a silent clip is a line over an empty field.

    Args:
        clip: (samples,) int16, one sample or more.
        rate: samples a second.

    Returns:
        A PNG data URI: opacity is loudness, low pitch is at the bottom.
    """
    from PIL import Image

    sound = np.asarray(clip, np.float64) / FULL_SCALE
    height = _WAVE_PX + _GAP_PX + _BANDS * _BAND_PX
    pixels = np.zeros((height, _WIDTH, 4), np.uint8)
    pixels[..., :3] = _INK
    pixels[:_WAVE_PX, :, 3] = _waveform(sound)
    pixels[_WAVE_PX + _GAP_PX :, :, 3] = _spectrogram(sound, rate).repeat(_BAND_PX, axis=0)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _waveform(sound: np.ndarray) -> np.ndarray:
    """Opacity (rows, columns): from the lowest to the highest value in each column's time."""
    at = np.linspace(0, len(sound), _WIDTH + 1).astype(int)
    parts = [
        sound[start : max(end, start + 1)] for start, end in zip(at[:-1].clip(max=len(sound) - 1), at[1:], strict=True)
    ]
    peak = max(np.abs(sound).max(), 1 / FULL_SCALE)
    middle = (_WAVE_PX - 1) / 2
    low = middle - np.array([part.max() for part in parts]) / peak * middle
    high = middle - np.array([part.min() for part in parts]) / peak * middle
    rows = np.arange(_WAVE_PX)[:, None]
    return np.where((rows >= np.floor(low)) & (rows <= np.ceil(high)), 255, 0)


def _spectrogram(sound: np.ndarray, rate: int) -> np.ndarray:
    """Opacity (bands, columns): log-mel energy against the clip's largest."""
    window = min(_WINDOW, len(sound))
    starts = np.linspace(0, len(sound) - window, _WIDTH).astype(int)
    frames = sound[starts[:, None] + np.arange(window)] * np.hanning(window + 2)[1:-1]
    points = 2 * _WINDOW
    power = np.abs(np.fft.rfft(frames, points)) ** 2
    bands = np.log(power @ _triangles(np.fft.rfftfreq(points, 1 / rate)) + 1e-9).T[::-1]
    if not sound.any():
        return np.zeros(bands.shape)
    return np.round(255 * np.clip(1 + (bands - bands.max()) / _RANGE, 0, 1))


def _triangles(hz: np.ndarray) -> np.ndarray:
    """(frequencies, bands): weights of bands of equal width on the mel scale."""
    mel = 2595 * np.log10(1 + hz / 700)
    corners = np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + _HIGH_HZ / 700), _BANDS + 2)
    rising = (mel[:, None] - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - mel[:, None]) / np.diff(corners)[1:]
    return np.clip(np.minimum(rising, falling), 0, None)
