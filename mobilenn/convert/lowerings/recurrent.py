"""Recurrent layers in forms that every runtime loads.

Keras' own LSTM converts to a fused operator with variable tensors, which neither CompiledModel nor
LiteRT.js takes; its GRU and simple RNN to a loop that multiplies the inputs anew in every step.
The forms here compute the same function. Which one is fastest depends on the machine, so the
pipeline times them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.lowerings.copies import Replacement, config_of, unwrapped

STOCK = "stock"  # what the converter makes of Keras' own layer
FORMS = ("hoisted", "blocks", "unrolled", STOCK)
MAX_UNROLLED = 256  # past so many steps the file and its loading grow without gain
# What the runtime pays for a turn of the loop, against what it pays, once a run, for each further step
# in the loop's body, whose tensors it allocates anew; see tools/results/recurrent.md.
TURN_COST = 0.2

CELLS = {keras.layers.LSTM: "lstm", keras.layers.GRU: "gru", keras.layers.SimpleRNN: "rnn"}
_GATES = {"lstm": 4, "gru": 3, "rnn": 1}
State = tuple[tf.Tensor, ...]  # (directions, units) each
Step = Callable[[tf.Tensor, State], State]


class Recurrence(keras.layers.Layer):
    """LSTM, GRU or simple RNN over a sequence of fixed length, one way or both, batch 1.

    The inputs are multiplied by their kernel before the loop: one large matrix product in place of
    many small ones. A step is then one product of the state, and element-wise operators. Both
    directions take their steps together, the second one through the inputs turned round: a row each
    of the state, so that only the products are apart.

    Args:
        cell: `lstm`, `gru` (Keras' default, which resets after the product) or `rnn`.
        units: width of the state.
        form: `hoisted` is a loop of one step a turn, `blocks` of a few, `unrolled` has none.
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
        steps, ways = inputs.shape[1], len(self.chains)
        rows = tf.reshape(inputs, (steps, inputs.shape[2]))
        projected, step = _STEPS[self.cell](rows, self.chains)
        state = (tf.zeros((ways, self.units)),) * (2 if self.cell == "lstm" else 1)
        if self.form == "unrolled":
            made, state = _unrolled(projected, step, state)
        else:
            block = block_size(steps) if self.form == "blocks" else 1
            made, state = _looped(projected, step, state, block, self.return_sequences)
        if not self.return_sequences:
            return tf.reshape(state[0], (1, ways * self.units))
        outputs = made[0] if len(made) == 1 else tf.concat(made, axis=0)
        if self.bidirectional:
            pairs = tf.reshape(outputs, (steps, ways, self.units))
            outputs = tf.concat([pairs[:, 0], tf.reverse(pairs[:, 1], [0])], axis=-1)
        return outputs[None]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("cell", "units", "form", "return_sequences", "bidirectional")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def block_size(steps: int) -> int:
    """Steps that `blocks` takes in a turn of its loop: where the turns and the body cost the least together."""
    return max(1, round((TURN_COST * steps) ** 0.5))


Chains = list[list[tf.Tensor]]
Cell = tuple[tf.Tensor, Step]  # projected inputs (T · directions, gates · units), and the step


def _projected(rows: tf.Tensor, weights: list[tuple[tf.Tensor, tf.Tensor]]) -> tf.Tensor:
    """Inputs times kernel plus bias; the directions' rows alternate, the second one's from the end."""
    turned = [tf.reverse(rows, [0]) if index else rows for index in range(len(weights))]
    made = [tf.matmul(side, kernel) + bias for side, (kernel, bias) in zip(turned, weights, strict=True)]
    if len(made) == 1:
        return made[0]
    steps, width = made[0].shape
    return tf.reshape(tf.concat(made, axis=-1), (steps * len(made), width))


def _product(hidden: tf.Tensor, weights: list[tuple[tf.Tensor, tf.Tensor | None]]) -> tf.Tensor:
    """Each direction's row of the state times its own kernel, plus its bias if it has one."""
    made = []
    for index, (kernel, bias) in enumerate(weights):
        product = tf.matmul(hidden[index : index + 1], kernel)
        made.append(product if bias is None else product + bias)
    return made[0] if len(made) == 1 else tf.concat(made, axis=0)


def _lstm(rows: tf.Tensor, chains: Chains) -> Cell:
    """Gates in the order i, f, o, g: the first three are read off one logistic."""
    units = chains[0][1].shape[0]

    def ordered(weight: tf.Tensor) -> tf.Tensor:
        i, f, g, o = tf.split(weight, 4, axis=-1)
        return tf.concat([i, f, o, g], axis=-1)

    inner = [(ordered(recurrent), None) for _, recurrent, _ in chains]

    def step(row: tf.Tensor, state: State) -> State:
        hidden, cell = state
        gates = row + _product(hidden, inner)
        # slices, not SPLIT, which XNNPACK refuses in int8; and of all gates, since slicing first costs a copy
        i, f, o = (tf.sigmoid(gates)[:, n * units : (n + 1) * units] for n in range(3))
        cell = f * cell + i * tf.tanh(gates[:, 3 * units :])
        return o * tf.tanh(cell), cell

    return _projected(rows, [(ordered(kernel), ordered(bias)) for kernel, _, bias in chains]), step


def _gru(rows: tf.Tensor, chains: Chains) -> Cell:
    """Gates in Keras' order z, r, h; the recurrent bias of z and r joins the inputs' bias."""
    units = chains[0][1].shape[0]
    zeros = tf.zeros(units)
    outer = [bias[0] + tf.concat([bias[1, : 2 * units], zeros], axis=0) for *_, bias in chains]
    inner = [(kernel, tf.concat([zeros, zeros, bias[1, 2 * units :]], axis=0)) for _, kernel, bias in chains]

    def step(row: tf.Tensor, state: State) -> State:
        (hidden,) = state
        product = _product(hidden, inner)
        gates = tf.sigmoid(row + product)  # of all three, since slicing two of them first costs two copies
        z, r = gates[:, :units], gates[:, units : 2 * units]
        candidate = tf.tanh(row[:, 2 * units :] + r * product[:, 2 * units :])
        return (candidate + z * (hidden - candidate),)

    kernels = [kernel for kernel, *_ in chains]
    return _projected(rows, list(zip(kernels, outer, strict=True))), step


def _rnn(rows: tf.Tensor, chains: Chains) -> Cell:
    inner = [(recurrent, None) for _, recurrent, _ in chains]

    def step(row: tf.Tensor, state: State) -> State:
        return (tf.tanh(row + _product(state[0], inner)),)

    return _projected(rows, [(kernel, bias) for kernel, _, bias in chains]), step


_STEPS: dict[str, Callable[[tf.Tensor, Chains], Cell]] = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}


def _unrolled(rows: tf.Tensor, step: Step, state: State) -> tuple[list[tf.Tensor], State]:
    """Steps through projected rows; returns every step's output, and the last state."""
    ways = state[0].shape[0]
    made = []
    for at in range(0, rows.shape[0], ways):
        state = step(rows[at : at + ways], state)
        made.append(state[0])
    return made, state


def _looped(rows: tf.Tensor, step: Step, state: State, block: int, kept: bool) -> tuple[list[tf.Tensor], State]:
    """A loop of `block` steps a turn, and after it what is left over; returns as `_unrolled` does.

    A list of tensors gathers what is kept; in the file it is one tensor that goes round with the loop.
    """
    ways, units = state[0].shape
    height = ways * block
    turns = rows.shape[0] // height
    blocks = tf.reshape(rows[: turns * height], (turns, height, rows.shape[1]))
    gathered = [tf.TensorArray(tf.float32, turns, element_shape=(height, units))] if kept else []

    def turn(index: tf.Tensor, state: State, gathered: list[tf.TensorArray]) -> tuple[Any, ...]:
        made, state = _unrolled(tf.gather(blocks, index), step, state)
        return index + 1, state, [array.write(index, tf.concat(made, axis=0)) for array in gathered]

    _, state, gathered = tf.while_loop(lambda index, *_: index < turns, turn, (tf.constant(0), state, gathered))
    made = [tf.reshape(array.stack(), (turns * height, units)) for array in gathered]
    rest, state = _unrolled(rows[turns * height :], step, state)
    return [*made, *rest], state


def steps_of(cell: str, rows: tf.Tensor, chains: Chains, state: State) -> tuple[list[tf.Tensor], State]:
    """Steps through (T, F) from a given state: every step's output, and the last state.

    Args:
        cell: `lstm`, `gru` or `rnn`.
        rows: the inputs.
        chains: by direction: kernel, recurrent kernel, bias, as Keras has them.
        state: (directions, units) each.
    """
    projected, step = _STEPS[cell](rows, chains)
    return _unrolled(projected, step, tuple(tf.reshape(part, (len(chains), part.shape[1])) for part in state))


def rewrites(model: keras.Model, form: str) -> dict[str, Replacement]:
    """Replaces every recurrent layer that has a lowered form; none where `form` is `stock`."""
    return {} if form == STOCK else {name: _replacement(layer, form) for name, layer in _recurrent(model)}


def forms(model: keras.Model) -> tuple[str, ...]:
    """The forms that a model's recurrent layers can take; none where it has no such layer."""
    steps = [layer.input_shape[1] for _, layer in _recurrent(model)]
    if not steps:
        return ()
    useless = {"unrolled"} if max(steps) > MAX_UNROLLED else set()
    if block_size(max(steps)) == 1:
        useless.add("blocks")  # it would be `hoisted`
    return tuple(form for form in FORMS if form not in useless)


def _recurrent(model: keras.Model) -> Iterator[tuple[str, keras.layers.Layer]]:
    """The layers that the forms take the place of, by name."""
    for name, layer in unwrapped(model):
        if is_recurrent(layer) and reads_all(model.get_layer(name)):
            yield name, layer


def reads_all(layer: keras.layers.Layer) -> bool:
    """Whether a layer reads whole sequences from a state of zeros, in every place where it stands.

    Not so where it is given an initial state, or a mask, as after Embedding(mask_zero=True).
    """
    given = [layer.get_input_at(place) for place in range(len(layer.inbound_nodes))]
    return not any(isinstance(g, list | tuple) or getattr(g, "_keras_mask", None) is not None for g in given)


def is_recurrent(layer: keras.layers.Layer, backwards: bool = False) -> bool:
    """Whether a layer is one of Keras' recurrent layers with the settings that the forms know."""
    if type(layer) is keras.layers.Bidirectional:
        ends = is_recurrent(layer.forward_layer) and is_recurrent(layer.backward_layer, backwards=True)
        return layer.merge_mode == "concat" and ends
    if type(layer) not in CELLS or layer.go_backwards != backwards or layer.time_major:
        return False
    if layer.stateful or layer.return_state or not layer.use_bias:
        return False
    gate = getattr(layer, "recurrent_activation", keras.activations.sigmoid)
    plain = layer.activation is keras.activations.tanh and gate is keras.activations.sigmoid
    return plain and getattr(layer, "reset_after", True)


def _replacement(layer: keras.layers.Layer, form: str) -> Replacement:
    both = type(layer) is keras.layers.Bidirectional
    inner = layer.forward_layer if both else layer
    config = config_of(layer)
    made = Recurrence(
        cell=CELLS[type(inner)],
        units=inner.units,
        form=form,
        return_sequences=inner.return_sequences,
        bidirectional=both,
        name=layer.name,
        dtype=config["dtype"],
    )
    return Replacement(made, layer.get_weights())
