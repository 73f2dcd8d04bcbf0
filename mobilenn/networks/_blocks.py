"""Pieces that several networks share."""

from __future__ import annotations

import tf_keras as keras

from mobilenn.core.errors import RecipeError

layers = keras.layers


def scaled(width: float, channels: int) -> int:
    """Number of channels at a width multiplier: at least 4, even, so that two towers can share them."""
    return max(4, 2 * round(channels * width / 2))


def image_input(size: int, channels: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """An input of raw pixels 0..255, float32 (1, size, size, channels), and the same in 0..1."""
    image = layers.Input((size, size, channels), name="image")
    return image, layers.Rescaling(1 / 255, name="rescale")(image)


def convolution(
    inputs: keras.KerasTensor, filters: int, kernel: int, name: str, *, batch_norm: bool = False, **options: object
) -> keras.KerasTensor:
    """Convolution and ReLU, with batch normalisation between them where asked for."""
    options = {"padding": "same", "kernel_initializer": "he_normal", **options}
    if not batch_norm:
        return layers.Conv2D(filters, kernel, activation="relu", name=name, **options)(inputs)
    made = layers.Conv2D(filters, kernel, use_bias=False, name=name, **options)(inputs)
    made = layers.BatchNormalization(name=f"{name}_norm")(made)
    return layers.ReLU(name=f"{name}_relu")(made)


def probabilities(features: keras.KerasTensor, classes: int, prefix: str = "") -> keras.KerasTensor:
    """Logits and softmax; the softmax is float32 under every mixed-precision policy."""
    logits = layers.Dense(classes, name=f"{prefix}logits")(features)
    name = f"{prefix}probabilities" if not prefix else prefix.rstrip("_")
    return layers.Activation("softmax", dtype="float32", name=name)(logits)


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises RecipeError where a config's value is out of range."""
    if not low <= value <= high:
        raise RecipeError(f"[config] {name} is {value}.", f"Allowed: {low} to {high}.")
