"""What else was tried for the recurrent forms: the same functions by other operators, for benchmark_recurrent.py.

Each variant is a network of the benchmark, float32, with the weights of its Keras model; the benchmark
quantizes it as it does the forms, and times it among them. Forms that won moved to
mobilenn/convert/lowerings/recurrent.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

LSTM_ORDER = "ifgo"  # Keras' order of the gates
Weights = list[np.ndarray]
Network = Callable[[tf.Tensor], dict[str, tf.Tensor]]


def _gates(weight: np.ndarray, order: str = "ifog") -> np.ndarray:
    parts = dict(zip(LSTM_ORDER, np.split(weight, 4, axis=-1), strict=True))
    return np.concatenate([parts[name] for name in order], axis=-1)


def _probabilities(hidden: tf.Tensor, weights: Weights) -> dict[str, tf.Tensor]:
    return {"probabilities": tf.nn.softmax(tf.matmul(hidden, weights[-2]) + weights[-1])}


def _unrolled_lstm(weights: Weights, gates_of: Callable[..., Any], scale: float = 1.0) -> Network:
    """One layer, step by step; `gates_of` yields i, f, o and g of a step. `scale` multiplies g's columns."""
    kernel, recurrent, bias = (_gates(weight) for weight in weights[:3])
    units = recurrent.shape[0]
    for weight in (kernel, recurrent, bias):
        weight[..., 3 * units :] *= scale

    def run(frames: tf.Tensor) -> dict[str, tf.Tensor]:
        hidden = cell = tf.zeros((1, units))
        for projected in _rows(frames, kernel, bias):
            i, f, o, g = gates_of(projected, hidden, recurrent, units)
            cell = f * cell + i * g
            hidden = o * tf.tanh(cell)
        return _probabilities(hidden, weights)

    return run


def _rows(frames: tf.Tensor, kernel: np.ndarray, bias: np.ndarray) -> list[tf.Tensor]:
    projected = tf.matmul(frames[0], kernel) + bias
    return [projected[at : at + 1] for at in range(projected.shape[0])]


def one_logistic(weights: Weights) -> Network:
    """tanh x = 2σ(2x) − 1: g's columns doubled, so that one logistic serves all four gates."""

    def gates_of(projected: tf.Tensor, hidden: tf.Tensor, recurrent: np.ndarray, units: int) -> list[tf.Tensor]:
        values = tf.sigmoid(projected + tf.matmul(hidden, recurrent))
        i, f, o, g = (values[:, at * units : (at + 1) * units] for at in range(4))
        return [i, f, o, 2 * g - 1]

    return _unrolled_lstm(weights, gates_of, scale=2.0)


def split(weights: Weights) -> Network:
    """One SPLIT in place of slices."""

    def gates_of(projected: tf.Tensor, hidden: tf.Tensor, recurrent: np.ndarray, units: int) -> list[tf.Tensor]:
        values = tf.split(tf.sigmoid(projected + tf.matmul(hidden, recurrent)), 4, axis=-1)
        return [*values[:3], 2 * values[3] - 1]

    return _unrolled_lstm(weights, gates_of, scale=2.0)


def four_products(weights: Weights) -> Network:
    """A product for each gate: no slices, four times the products."""

    def gates_of(projected: tf.Tensor, hidden: tf.Tensor, recurrent: np.ndarray, units: int) -> list[tf.Tensor]:
        parts = [slice(at * units, (at + 1) * units) for at in range(4)]
        sums = [projected[:, part] + tf.matmul(hidden, np.ascontiguousarray(recurrent[:, part])) for part in parts]
        return [*map(tf.sigmoid, sums[:3]), tf.tanh(sums[3])]

    return _unrolled_lstm(weights, gates_of)


def joined_inputs(weights: Weights) -> Network:
    """Not hoisted: x and h side by side, one product with a bias."""
    kernel, recurrent, bias = (_gates(weight) for weight in weights[:3])
    units, both = recurrent.shape[0], np.concatenate([kernel, recurrent])

    def run(frames: tf.Tensor) -> dict[str, tf.Tensor]:
        hidden = cell = tf.zeros((1, units))
        for at in range(frames.shape[1]):
            gates = tf.matmul(tf.concat([frames[:, at], hidden], axis=1), both) + bias
            i, f, o = (tf.sigmoid(gates)[:, place * units : (place + 1) * units] for place in range(3))
            cell = f * cell + i * tf.tanh(gates[:, 3 * units :])
            hidden = o * tf.tanh(cell)
        return _probabilities(hidden, weights)

    return run


def summed_pairs(weights: Weights) -> Network:
    """[i, f] · [g, c] in one product, and a sum over its halves."""
    kernel, recurrent, bias = (_gates(weight) for weight in weights[:3])
    units = recurrent.shape[0]

    def run(frames: tf.Tensor) -> dict[str, tf.Tensor]:
        hidden = cell = tf.zeros((1, units))
        for projected in _rows(frames, kernel, bias):
            gates = projected + tf.matmul(hidden, recurrent)
            values = tf.sigmoid(gates)
            pairs = values[:, : 2 * units] * tf.concat([tf.tanh(gates[:, 3 * units :]), cell], axis=1)
            cell = tf.reduce_sum(tf.reshape(pairs, (2, units)), 0, keepdims=True)
            hidden = values[:, 2 * units : 3 * units] * tf.tanh(cell)
        return _probabilities(hidden, weights)

    return run


def batched_product(weights: Weights) -> Network:
    """Both directions' products as one BATCH_MATMUL."""
    forward, backward = ([_gates(weight) for weight in weights[at : at + 3]] for at in (0, 3))
    units, recurrent = forward[1].shape[0], np.stack([forward[1], backward[1]])

    def run(frames: tf.Tensor) -> dict[str, tf.Tensor]:
        sides = _rows(frames, forward[0], forward[2]), _rows(tf.reverse(frames, [1]), backward[0], backward[2])
        hidden = cell = tf.zeros((2, units))
        for rows in zip(*sides, strict=True):
            product = tf.matmul(tf.reshape(hidden, (2, 1, units)), recurrent)
            gates = tf.concat(rows, axis=0) + tf.reshape(product, (2, 4 * units))
            i, f, o = (tf.sigmoid(gates)[:, place * units : (place + 1) * units] for place in range(3))
            cell = f * cell + i * tf.tanh(gates[:, 3 * units :])
            hidden = o * tf.tanh(cell)
        return _probabilities(tf.reshape(hidden, (1, 2 * units)), weights)

    return run


def two_gru_products(weights: Weights) -> Network:
    """GRU: the gates' product apart from the candidate's, without slices of either."""
    kernel, recurrent, biases = weights[:3]
    units = recurrent.shape[0]
    gates, candidate = slice(0, 2 * units), slice(2 * units, None)

    def run(frames: tf.Tensor) -> dict[str, tf.Tensor]:
        hidden = tf.zeros((1, units))
        sides = (
            _rows(frames, kernel[:, gates], (biases[0] + biases[1])[gates]),
            _rows(frames, kernel[:, candidate], biases[0][candidate]),
        )
        for left, right in zip(*sides, strict=True):
            values = tf.sigmoid(left + tf.matmul(hidden, recurrent[:, gates]))
            z, r = values[:, :units], values[:, units:]
            inner = tf.matmul(hidden, recurrent[:, candidate]) + biases[1][candidate]
            made = tf.tanh(right + r * inner)
            hidden = made + z * (hidden - made)
        return _probabilities(hidden, weights)

    return run


VARIANTS: dict[str, tuple[Callable[[Weights], Network], ...]] = {
    "LSTM": (one_logistic, split, four_products, joined_inputs, summed_pairs),
    "GRU": (two_gru_products,),
    "BiLSTM": (batched_product,),
}


def flatbuffer(make: Callable[[Weights], Network], weights: Weights, length: int, features: int) -> bytes:
    """Converts a variant to float32."""
    spec = tf.TensorSpec((1, length, features), tf.float32, name="frames")
    network = make(weights)
    serving_default = tf.function(lambda frames: network(frames), input_signature=[spec])
    concrete = serving_default.get_concrete_function()
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert())
