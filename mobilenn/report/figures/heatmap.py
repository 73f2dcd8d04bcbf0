"""A confusion matrix of many classes as a picture: too many cells for a table."""

from __future__ import annotations

import base64
import io

import numpy as np

_LEAST_PX = 480
_RIGHT = (10, 108, 176)
_WRONG = (201, 84, 20)


def confusion_png(shares: np.ndarray) -> str:
    """Draws the matrix on a transparent ground, so that it suits light and dark pages.

    Args:
        shares: (classes, classes), rows are the truth and sum to 1, columns the prediction.

    Returns:
        A PNG data URI; right answers blue, mistakes orange, the square root of the share as opacity.
    """
    from PIL import Image

    classes = len(shares)
    pixels = np.zeros((classes, classes, 4), np.uint8)
    pixels[..., :3] = _WRONG
    pixels[np.arange(classes), np.arange(classes), :3] = _RIGHT
    pixels[..., 3] = np.round(255 * np.sqrt(np.clip(shares, 0, 1)))
    scale = -(-_LEAST_PX // classes)
    buffer = io.BytesIO()
    Image.fromarray(pixels.repeat(scale, 0).repeat(scale, 1)).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
