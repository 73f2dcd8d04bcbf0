"""Points of the plane, labelled by a logical function of their signs: what one neuron can and cannot learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset
from mobilenn.data._tables import dataset


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which function, and how many points.

    Args:
        function: `and`, `or` and `xor` of the corners (0, 0) … (1, 1); `separable` by a slanted line.
        points: number of points.
        noise: standard deviation around the corners.
    """

    function: Literal["and", "or", "xor", "separable"] = "and"
    points: int = 800
    noise: float = 0.1

    def __post_init__(self) -> None:
        if not 40 <= self.points <= 1_000_000 or not 0 <= self.noise <= 1:
            raise RecipeError("[data] points or noise is out of range.", "Allowed: points 40 to 1000000, noise 0 to 1.")


def fingerprint(settings: Settings) -> str:
    """The generator's version; its settings are part of the recipe."""
    return "logic 1"


def load(settings: Settings, seed: int) -> Dataset:
    """Generates the points: `features` (N, 2) float32; the points do not depend on the recipe's seed."""
    generator = np.random.default_rng(11)
    if settings.function == "separable":
        features = generator.uniform(-1, 1, (settings.points, 2))
        distance = features @ [0.8, -0.6] + 0.1
        features += np.sign(distance)[:, None] * [0.08, -0.06]  # a gap around the line
        targets = (distance > 0).astype(np.int64)
    else:
        corners = np.arange(settings.points) % 4
        bits = np.stack([corners % 2, corners // 2], 1)
        function = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[settings.function]
        targets = function(bits[:, 0], bits[:, 1]).astype(np.int64)
        features = bits + generator.normal(0, settings.noise, bits.shape)
    described = f"{settings.points} generated points of the plane, labelled by '{settings.function}'."
    return dataset(features, targets, ("false", "true"), described, (0.15, 0.25, 0, seed))
