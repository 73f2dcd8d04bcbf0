"""What a variant's prune, cluster and qat tables may say; free of TensorFlow, so that a wrong key is found at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mobilenn.core.errors import RecipeError


@dataclass(frozen=True, kw_only=True)
class FineTune:
    """How a technique's fine-tuning runs.

    Args:
        epochs: passes over the training split.
        batch_size: samples a step.
        learning_rate: about a tenth of the training's, so that what was learned stays.
    """

    epochs: int = 2
    batch_size: int = 64
    learning_rate: float = 2e-4

    def __post_init__(self) -> None:
        _check("epochs", self.epochs, 1, 10_000)
        _check("batch_size", self.batch_size, 1, 1 << 20)
        _check("learning_rate", self.learning_rate, 1e-12, 1e3)


@dataclass(frozen=True, kw_only=True)
class PruneConfig(FineTune):
    """Magnitude pruning.

    Args:
        sparsity: share of each kernel's weights that end at zero.
        schedule: `polynomial` rises to it over the first three quarters of the fine-tuning;
            `constant` has it from the first step.
        structure: `2:4` zeroes two of every four neighbours, a form that some accelerators use;
            `sparsity` is then a half.
    """

    sparsity: float = 0.5
    schedule: Literal["polynomial", "constant"] = "polynomial"
    structure: Literal["unstructured", "2:4"] = "unstructured"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("sparsity", self.sparsity, 0.01, 0.99)


@dataclass(frozen=True, kw_only=True)
class ClusterConfig(FineTune):
    """Weight clustering: every kernel keeps few different values, which compress well.

    Args:
        clusters: number of different values in a kernel.
        initialisation: of the centroids: evenly over the range, or by density.
    """

    clusters: int = 16
    initialisation: Literal["linear", "density"] = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("clusters", self.clusters, 2, 256)


@dataclass(frozen=True, kw_only=True)
class QatConfig(FineTune):
    """Quantization-aware training for int8."""


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise RecipeError(f"{name} is {value}.", f"Allowed: {low:g} to {high:g}.")
