"""Recurrent layers in forms that every runtime loads.

Keras' own LSTM converts to a fused operator with variable tensors, which neither CompiledModel nor
LiteRT.js takes; its GRU and simple RNN to a loop that multiplies the inputs anew in every step.
The forms here compute the same function. Which one is fastest depends on the machine, so the
pipeline times them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.lowerings.copies import Replacement, config_of, unwrapped

STOCK = "stock"  # what the converter makes of Keras' own layer
FORMS = ("hoisted", "blocks", "unrolled", STOCK)
MAX_BLOCK = 8  # steps that `blocks` takes in a turn of the loop
MAX_UNROLLED = 256  # past so many steps the file and its loading grow without gain

_CELLS = {keras.layers.LSTM: "lstm", keras.layers.GRU: "gru", keras.layers.SimpleRNN: "rnn"}
_GATES = {"lstm": 4, "gru": 3, "rnn": 1}
State = tuple[tf.Tensor, ...]
Step = Callable[[tf.Tensor, State], State]
Chain = tuple[tf.Tensor, Step, bool]  # projected inputs, the step, whether it runs backwards


class Recurrence(keras.layers.Layer):
    """LSTM, GRU or simple RNN over a sequence of fixed length, one way or both, batch 1.

    The inputs are multiplied by their kernel before the loop: one large matrix product in place of
    many small ones. A step is then one product of the state, and element-wise operators. Both
    directions share one loop.

    Args:
        cell: `lstm`, `gru` (Keras' default, which resets after the product) or `rnn`.
        units: width of the state.
        form: `hoisted` is a loop of one step a turn, `blocks` of up to eight, `unrolled` has none.
        return_sequences: whether every step's output is returned, or the last alone.
        bidirectional: whether a second cell runs from the end; outputs stand side by side.

    Shape:
        (1, T, F) → (1, T, units) or (1, units), twice as wide where bidirectional; float32.

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory (Neural Computation 9, 1997); Cho et al.,
        Learning Phrase Representations using RNN Encoder-Decoder (EMNLP 2014), section 2.3;
        Schuster and Paliwal, Bidirectional Recurrent Neural Networks (IEEE TSP 45, 1997).
    """

    def __init__(
        self, cell: str, units: int, form: str, return_sequences: bool, bidirectional: bool, **options: Any
    ) -> None:
        super().__init__(**options)
        self.cell, self.units, self.form = cell, units, form
        self.return_sequences, self.bidirectional = return_sequences, bidirectional

    def build(self, shape: tf.TensorShape) -> None:
        """Makes weights in the order of Keras' layers: kernel, recurrent kernel, bias, by direction."""
        gates = _GATES[self.cell] * self.units
        bias = (2, gates) if self.cell == "gru" else (gates,)
        self.chains = [
            [
                self.add_weight(f"{direction}_{name}", size, initializer="zeros")
                for name, size in (("kernel", (shape[-1], gates)), ("recurrent", (self.units, gates)), ("bias", bias))
            ]
            for direction in ("forward", "backward")[: 1 + self.bidirectional]
        ]

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs (1, T, F) through the cells."""
        steps = inputs.shape[1]
        rows = tf.reshape(inputs, (steps, inputs.shape[2]))
        chains = [_STEPS[self.cell](rows, *weights, index == 1) for index, weights in enumerate(self.chains)]
        if self.form == "unrolled":
            made = [_unrolled(chain, self._start()) for chain in chains]
        else:
            block = block_size(steps) if self.form == "blocks" else 1
            made = _looped(chains, [self._start() for _ in chains], block, self.return_sequences)
        if not self.return_sequences:
            return tf.concat([outputs[-1] for outputs in made], axis=-1)
        sides = [outputs[::-1] if index else outputs for index, outputs in enumerate(made)]
        joined = [tf.concat(side, axis=0) for side in sides]
        return tf.concat(joined, axis=-1)[None]

    def _start(self) -> State:
        return tuple(tf.zeros((1, self.units)) for _ in range(2 if self.cell == "lstm" else 1))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("cell", "units", "form", "return_sequences", "bidirectional")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def block_size(steps: int) -> int:
    """The largest divisor of `steps` that is at most eight."""
    return max(size for size in range(1, MAX_BLOCK + 1) if steps % size == 0)


def _lstm(rows: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor, backwards: bool) -> Chain:
    """Gates in the order i, f, o, g: the first three are read off one logistic."""
    units = recurrent.shape[0]

    def ordered(weight: tf.Tensor) -> tf.Tensor:
        i, f, g, o = tf.split(weight, 4, axis=-1)
        return tf.concat([i, f, o, g], axis=-1)

    inner = ordered(recurrent)

    def step(projected: tf.Tensor, state: State) -> State:
        hidden, cell = state
        gates = projected + tf.matmul(hidden, inner)
        # slices, not SPLIT, which XNNPACK refuses in int8; and of all gates, since slicing first costs a copy
        i, f, o = (tf.sigmoid(gates)[:, n * units : (n + 1) * units] for n in range(3))
        cell = f * cell + i * tf.tanh(gates[:, 3 * units :])
        return o * tf.tanh(cell), cell

    return tf.matmul(rows, ordered(kernel)) + ordered(bias), step, backwards


def _gru(rows: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor, backwards: bool) -> Chain:
    """Gates in Keras' order z, r, h; the recurrent bias of z and r joins the inputs' bias."""
    units = recurrent.shape[0]
    zeros = tf.zeros(2 * units)
    outer = bias[0] + tf.concat([bias[1, : 2 * units], zeros[:units]], axis=0)
    inner = tf.concat([zeros, bias[1, 2 * units :]], axis=0)

    def step(projected: tf.Tensor, state: State) -> State:
        (hidden,) = state
        product = tf.matmul(hidden, recurrent) + inner
        gates = tf.sigmoid(projected[:, : 2 * units] + product[:, : 2 * units])
        z, r = gates[:, :units], gates[:, units:]
        candidate = tf.tanh(projected[:, 2 * units :] + r * product[:, 2 * units :])
        return (candidate + z * (hidden - candidate),)

    return tf.matmul(rows, kernel) + outer, step, backwards


def _rnn(rows: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor, backwards: bool) -> Chain:
    def step(projected: tf.Tensor, state: State) -> State:
        return (tf.tanh(projected + tf.matmul(state[0], recurrent)),)

    return tf.matmul(rows, kernel) + bias, step, backwards


_STEPS: dict[str, Callable[..., Chain]] = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}


def _unrolled(chain: Chain, state: State) -> list[tf.Tensor]:
    """Every step's output, (1, units) each, in the order in which they are made."""
    projected, step, backwards = chain
    outputs = []
    for index in range(projected.shape[0])[:: -1 if backwards else 1]:
        state = step(projected[index : index + 1], state)
        outputs.append(state[0])
    return outputs


def _looped(chains: list[Chain], states: list[State], block: int, kept: bool) -> list[list[tf.Tensor]]:
    """A loop of `block` steps a turn over all chains; returns their outputs as `_unrolled` does, or the last alone.

    A list of tensors gathers what is kept; in the file it is one tensor that goes round with the loop.
    """
    steps = chains[0][0].shape[0]
    turns, units = steps // block, states[0][0].shape[1]
    lists = [tf.TensorArray(tf.float32, turns, element_shape=(block, units)) for _ in chains if kept]
    blocks = [tf.reshape(projected, (turns, block, projected.shape[1])) for projected, *_ in chains]

    def turn(index: tf.Tensor, states: list[State], lists: list[tf.TensorArray]) -> tuple[Any, ...]:
        moved, written = [], []
        for number, (_, step, backwards) in enumerate(chains):
            rows = tf.gather(blocks[number], turns - 1 - index if backwards else index)
            outputs = _block(rows, step, states[number], backwards)
            moved.append(outputs[-1])
            if kept:
                written.append(lists[number].write(index, tf.concat([output[0] for output in outputs], axis=0)))
        return index + 1, moved, written

    _, states, lists = tf.while_loop(lambda index, *_: index < turns, turn, (tf.constant(0), states, lists))
    if not kept:
        return [[state[0]] for state in states]
    rows = [tf.reshape(made.stack(), (steps, units)) for made in lists]
    return [[row[index : index + 1] for index in range(steps)] for row in rows]


def _block(rows: tf.Tensor, step: Step, state: State, backwards: bool) -> list[State]:
    states = []
    for index in range(rows.shape[0])[:: -1 if backwards else 1]:
        state = step(rows[index : index + 1], state)
        states.append(state)
    return states


def rewrites(model: keras.Model, form: str) -> dict[str, Replacement]:
    """Replaces every recurrent layer that has a lowered form; none where `form` is `stock`."""
    if form == STOCK:
        return {}
    return {name: _replacement(layer, form) for name, layer in unwrapped(model) if is_recurrent(layer)}


def forms(model: keras.Model) -> tuple[str, ...]:
    """The forms that a model's recurrent layers can take; none where it has no such layer."""
    steps = [layer.input_shape[1] for _, layer in unwrapped(model) if is_recurrent(layer)]
    if not steps:
        return ()
    return tuple(form for form in FORMS if form != "unrolled" or max(steps) <= MAX_UNROLLED)


def is_recurrent(layer: keras.layers.Layer) -> bool:
    """Whether a layer is one of Keras' recurrent layers with the settings that the forms know."""
    if type(layer) is keras.layers.Bidirectional:
        ends = (layer.forward_layer, layer.backward_layer)
        return layer.merge_mode == "concat" and all(is_recurrent(end) for end in ends)
    if type(layer) not in _CELLS or layer.stateful or layer.return_state or not layer.use_bias:
        return False
    gate = getattr(layer, "recurrent_activation", keras.activations.sigmoid)
    plain = layer.activation is keras.activations.tanh and gate is keras.activations.sigmoid
    return plain and getattr(layer, "reset_after", True)


def _replacement(layer: keras.layers.Layer, form: str) -> Replacement:
    both = type(layer) is keras.layers.Bidirectional
    inner = layer.forward_layer if both else layer
    config = config_of(layer)
    made = Recurrence(
        cell=_CELLS[type(inner)],
        units=inner.units,
        form=form,
        return_sequences=inner.return_sequences,
        bidirectional=both,
        name=layer.name,
        dtype=config["dtype"],
    )
    return Replacement(made, layer.get_weights())
