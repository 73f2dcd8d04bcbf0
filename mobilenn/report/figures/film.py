"""An episode as pictures: a strip of moments, and a film that moves."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

MOMENTS = 6  # of a strip
MAX_BYTES = 150_000  # of a film: a page with two of them is still a small one
_WIDEST, _GAP_PX, _COLORS = 200, 3, 32
_LONGEST_S, _SLOWEST_MS, _FASTEST_MS, _HELD_MS = 8.0, 500, 40, 1200
_MOST_FRAMES = 200


def strip_png(frames: Sequence[np.ndarray]) -> str:
    """Sets moments of an episode side by side, evenly spaced, the first and the last among them.

    Args:
        frames: uint8 (H, W, 3), of one size, at least one.

    Returns:
        A PNG data URI.
    """
    picked = [_small(frames[place]) for place in _places(len(frames), MOMENTS)]
    gap = np.full((picked[0].shape[0], _GAP_PX, 3), 255, np.uint8)
    row = [part for frame in picked for part in (frame, gap)][:-1]
    return _uri(_bytes(_image(np.concatenate(row, 1)), "PNG", optimize=True), "png")


def film_gif(frames: Sequence[np.ndarray]) -> str:
    """Makes a film that starts anew after its last frame; long episodes are shown with fewer frames.

    Args:
        frames: uint8 (H, W, 3), of one size, at least one.

    Returns:
        A GIF data URI of at most `MAX_BYTES` before encoding, or a single frame.
    """
    count = min(len(frames), _MOST_FRAMES)
    while True:
        places = _places(len(frames), count)
        images = [_image(_small(frames[place])) for place in places]
        wait = int(np.clip(1000 * _LONGEST_S / len(images), _FASTEST_MS, _SLOWEST_MS)) // 10 * 10
        waits = [*[wait] * (len(images) - 1), max(wait, _HELD_MS)]
        made = _bytes(images[0], "GIF", save_all=True, append_images=images[1:], duration=waits, loop=0)
        if len(made) <= MAX_BYTES or count == 1:
            return _uri(made, "gif")
        count = max(1, count * 2 // 3)


def _places(length: int, most: int) -> list[int]:
    return np.linspace(0, length - 1, min(length, most)).round().astype(int).tolist()


def _small(frame: np.ndarray) -> np.ndarray:
    stride = -(-frame.shape[1] // _WIDEST)
    return np.ascontiguousarray(frame[::stride, ::stride])


def _image(pixels: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(pixels).quantize(_COLORS, method=Image.Quantize.MEDIANCUT)


def _bytes(image: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
