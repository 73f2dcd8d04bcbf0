"""Back-propagation written out in its four steps: forward, loss, backward, update. Pure numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mobilenn.core.errors import RecipeError

Weights = list[np.ndarray]  # kernel (in, out) and bias (out,) of each layer in turn
Activation = Literal["relu", "tanh", "sigmoid", "linear"]
Loss = Literal["softmax_cross_entropy", "mean_squared_error"]
Emit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class BackpropagationConfig:
    """How a stack of dense layers is trained.

    Args:
        descent: `batch` takes a step on all samples, `mini_batch` on `batch_size`, `stochastic` on one.
        batch_size: samples a step of `mini_batch`.
        learning_rate: η.
        momentum: share of the last step that is taken again, 0 ≤ μ < 1.
        epochs: passes over the samples.
        loss: `softmax_cross_entropy` for class indices, `mean_squared_error` for values.
        activation: of the hidden layers; the last layer is linear, its softmax is in the loss.
    """

    descent: Literal["batch", "mini_batch", "stochastic"] = "mini_batch"
    batch_size: int = 32
    learning_rate: float = 0.1
    momentum: float = 0.0
    epochs: int = 10
    loss: Loss = "softmax_cross_entropy"
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        ranges = (
            ("batch_size", self.batch_size, 1, 1 << 20),
            ("learning_rate", self.learning_rate, 1e-12, 1e3),
            ("momentum", self.momentum, 0.0, 0.999),
            ("epochs", self.epochs, 1, 100_000),
        )
        for name, value, low, high in ranges:
            if not low <= value <= high:
                raise RecipeError(f"{name} is {value}.", f"Allowed: {low:g} to {high:g}.")


_FUNCTIONS: dict[str, tuple[Callable, Callable]] = {
    # the function of z, and its derivative as a function of the function's value
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0).astype(a.dtype)),
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "sigmoid": (lambda z: 0.5 * (1 + np.tanh(0.5 * z)), lambda a: a * (1 - a)),
    "linear": (lambda z: z, np.ones_like),
}


def forward(weights: Sequence[np.ndarray], inputs: np.ndarray, activation: Activation) -> list[np.ndarray]:
    """Step 1: every layer's output, a_l = f(a_{l−1} W_l + b_l); the last layer is linear.

    Args:
        weights: kernel and bias of each layer.
        inputs: (N, features), a_0.
        activation: f of the hidden layers.

    Returns:
        a_0 … a_L; the last is the logits or the values, (N, outputs).

    Reference:
        Rumelhart, Hinton and Williams, Learning representations by back-propagating errors
        (Nature 323, 1986), equations 1 and 2.
    """
    function, _ = _FUNCTIONS[activation]
    outputs = [inputs]
    last = len(weights) // 2 - 1
    for layer, (kernel, bias) in enumerate(_pairs(weights)):
        summed = outputs[-1] @ kernel + bias
        outputs.append(summed if layer == last else function(summed))
    return outputs


def loss(made: np.ndarray, targets: np.ndarray, kind: Loss) -> tuple[float, np.ndarray]:
    """Step 2: how wrong the outputs are, and in which direction, ∂E/∂a_L.

    Args:
        made: (N, outputs) logits or values.
        targets: class indices (N,) int, or values (N, outputs).
        kind: cross-entropy of the softmax (its gradient is softmax − one-hot), or mean squared error.

    Returns:
        The mean over the samples, and its gradient by `made`.

    Reference:
        Goodfellow, Bengio and Courville, Deep Learning (2016), sections 6.2.2.3 and 5.1.4.
    """
    count = len(made)
    if kind == "mean_squared_error":
        error = made - targets.reshape(made.shape)
        return float(np.mean(error * error)), 2 * error / error.size
    shifted = made - made.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=1, keepdims=True)
    rows = np.arange(count)
    value = float(np.mean(np.log(total[:, 0]) - shifted[rows, targets]))
    gradient = exponentials / total
    gradient[rows, targets] -= 1
    return value, gradient / count


def backward(
    weights: Sequence[np.ndarray], outputs: Sequence[np.ndarray], gradient: np.ndarray, activation: Activation
) -> Weights:
    """Step 3: the chain rule, from the last layer to the first.

    With δ_L = ∂E/∂a_L and δ_{l−1} = (δ_l W_lᵀ) ⊙ f′(a_{l−1}), a kernel's gradient is a_{l−1}ᵀ δ_l
    and a bias's the sum of δ_l over the samples.

    Args:
        weights: kernel and bias of each layer.
        outputs: what `forward` returned.
        gradient: ∂E/∂a_L, what `loss` returned.
        activation: f of the hidden layers.

    Returns:
        Gradients in the order of `weights`.

    Reference:
        Rumelhart, Hinton and Williams (1986), equations 4 to 7; Goodfellow et al. (2016), algorithm 6.4.
    """
    _, derivative = _FUNCTIONS[activation]
    pairs = list(_pairs(weights))
    gradients: Weights = []
    delta = gradient
    for layer in range(len(pairs) - 1, -1, -1):
        gradients[:0] = [outputs[layer].T @ delta, delta.sum(axis=0)]
        if layer:
            delta = (delta @ pairs[layer][0].T) * derivative(outputs[layer])
    return gradients


def update(weights: Weights, gradients: Weights, velocity: Weights, settings: BackpropagationConfig) -> None:
    """Step 4: v ← μ v − η ∂E/∂w and w ← w + v, in place.

    Reference:
        Rumelhart, Hinton and Williams (1986), equations 8 and 9.
    """
    for weight, gradient, kept in zip(weights, gradients, velocity, strict=True):
        kept *= settings.momentum
        kept -= settings.learning_rate * gradient
        weight += kept


def step(
    weights: Weights, velocity: Weights, inputs: np.ndarray, targets: np.ndarray, settings: BackpropagationConfig
) -> float:
    """All four steps on one batch, in place; returns the loss before the update."""
    outputs = forward(weights, inputs, settings.activation)
    value, gradient = loss(outputs[-1], targets, settings.loss)
    update(weights, backward(weights, outputs, gradient, settings.activation), velocity, settings)
    return value


def batches(count: int, settings: BackpropagationConfig, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Rows of each batch of an epoch; the order is a function of seed and epoch alone."""
    size = {"batch": count, "mini_batch": settings.batch_size, "stochastic": 1}[settings.descent]
    order = np.random.default_rng([seed, epoch]).permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def run_epoch(
    state: tuple[Weights, Weights],
    inputs: np.ndarray,
    targets: np.ndarray,
    settings: BackpropagationConfig,
    order: tuple[int, int],
) -> float:
    """Trains one epoch in place.

    Args:
        state: weights and velocity; the latter is zeros before the first epoch.
        inputs: (N, features), in the weights' dtype.
        targets: (N,) class indices, or (N, outputs).
        settings: descent, rate, momentum, loss.
        order: seed and epoch, which decide the order of the samples.

    Returns:
        The mean loss over the samples, each before its update.
    """
    weights, velocity = state
    total = 0.0
    for rows in batches(len(inputs), settings, *order):
        total += len(rows) * step(weights, velocity, inputs[rows], targets[rows], settings)
    return total / len(inputs)


def train(
    weights: Sequence[np.ndarray],
    samples: tuple[np.ndarray, np.ndarray],
    settings: BackpropagationConfig,
    seed: int = 0,
    emit: Emit = lambda _: None,
) -> tuple[Weights, dict[str, list[float]]]:
    """Trains a stack of dense layers.

    Args:
        weights: kernel and bias of each layer; they are not changed.
        samples: inputs (N, features) and targets.
        settings: how.
        seed: of the order of the samples.
        emit: receives `{"epoch", "epochs", "metrics"}` after each epoch.

    Returns:
        The trained weights, and the loss of each epoch.
    """
    state = ([weight.copy() for weight in weights], [np.zeros_like(weight) for weight in weights])
    losses: list[float] = []
    for epoch in range(settings.epochs):
        losses.append(run_epoch(state, *samples, settings, (seed, epoch)))
        emit({"epoch": epoch + 1, "epochs": settings.epochs, "metrics": {"loss": losses[-1]}})
    return state[0], {"loss": losses}


def _pairs(weights: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Kernel and bias of each layer."""
    return zip(weights[::2], weights[1::2], strict=True)
