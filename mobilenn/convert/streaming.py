"""A recurrent network as it listens: a few frames and its state in, probabilities and the next state out.

The signature `stream` stands beside `serving_default` in a file, with the same weights, stored once.
mobilenn.runtime.sequence.stream is the loop around it: each output `next_X` is the input X of the next
call, and all state starts as zeros.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.lowerings.copies import config_of, copied
from mobilenn.convert.lowerings.recurrent import CELLS, Recurrence, is_recurrent, reads_all, steps_of
from mobilenn.core.errors import ConversionError
from mobilenn.layers.dropout import Dropout
from mobilenn.layers.log_mel import LogMel

STREAM = "stream"  # the signature's name
_LAYERS = keras.layers
_FRAME_BY_FRAME = (_LAYERS.Dense, _LAYERS.Activation, _LAYERS.BatchNormalization, _LAYERS.Embedding, Dropout)


class RecurrentSteps(Recurrence):
    """A `Recurrence`, one way, that is handed its state and hands on the next.

    Shape:
        [(1, T, F), states (1, units)…] → [(1, T, units) or (1, units), states…]; an LSTM has two, hidden and cell.
    """

    def build(self, shapes: Sequence[tf.TensorShape]) -> None:
        """Makes the weights."""
        super().build(shapes[0])

    def call(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Takes T steps."""
        frames, *state = inputs
        rows = tf.reshape(frames, (frames.shape[1], frames.shape[2]))
        made, state = steps_of(self.cell, rows, self.chains, tuple(state))
        outputs = made[0] if len(made) == 1 else tf.concat(made, axis=0)
        return [outputs[None] if self.return_sequences else state[0], *state]


class Joined(_LAYERS.Layer):
    """Samples that were kept, and those that came in: [(1, K), (1, N)] → [(1, K + N), the last K]."""

    def call(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Joins them in time."""
        kept, sound = inputs
        joined = tf.concat([kept, sound], axis=1)
        return [joined, joined[:, -kept.shape[1] :]]


class RunningMax(_LAYERS.Layer):
    """The largest output of each unit so far: [(1, T, units), (1, units)] → [(1, units), the state].

    The state is one more than the maximum. A recurrent layer's outputs lie above −1, so that a state of
    zeros stands for none yet.
    """

    def call(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Takes T frames."""
        outputs, state = inputs
        state = tf.maximum(state, tf.reduce_max(outputs, axis=1) + 1.0)
        return [state - 1.0, state]


@dataclass
class _Chain:
    """A streaming model in the making."""

    model: keras.Model
    frames: int
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    weights: list[tuple[keras.layers.Layer, list[Any]]] = field(default_factory=list)
    recurrent: int = 0

    def state(self, name: str, width: int) -> Any:
        """A new input of state."""
        self.inputs.append(_LAYERS.Input((width,), name=name))
        return self.inputs[-1]

    def hand_on(self, name: str, value: Any) -> None:
        """Makes a value the next state of the input `name`."""
        self.outputs.append(_LAYERS.Activation("linear", name=f"next_{name}")(value))

    def refuse(self, layer: keras.layers.Layer, why: str) -> ConversionError:
        """The error of a layer that cannot go step by step."""
        message = f"{self.model.name} cannot be streamed: its layer '{layer.name}' {why}."
        return ConversionError(message, "Allowed: recurrent layers that read forwards; or leave `stream` out.")


def streamed(model: keras.Model, frames: int) -> keras.Model:
    """Turns a network that reads a whole sequence into one that reads it piece by piece.

    Run over a sequence from a state of zeros it gives at every step what the network gives for the
    sequence so far. Of sound, the samples that two pieces' frames share are state as well, called
    `tail`; before the first piece they are silence, or the sound before it.

    Args:
        model: a plain functional network, layer after layer, with one input.
        frames: frames (of sound: hops) or tokens of a piece, 1 and more.

    Returns:
        A model of the network's input, `frames` long, and its state (`tail`, `hidden_1`, `cell_1`, …,
        `most`), with the network's output and `next_` each state.

    Raises:
        ConversionError: a layer reads from the end, or is not known to go step by step.
    """
    source, *rest = _in_order(model)
    chain = _Chain(model, frames)
    length = frames * rest[0].hop if type(rest[0]) is LogMel else frames
    made = _LAYERS.Input((length, *source.output_shape[0][2:]), dtype=source.dtype, name=source.name)
    chain.inputs.append(made)
    for layer in rest:
        made = _streamed(chain, layer, made)
    final = keras.Model(chain.inputs, [made, *chain.outputs], name=STREAM)
    for layer, weights in chain.weights:
        layer.set_weights(weights)
    return final


def _in_order(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a network that is a plain chain, its input first."""
    layers = list(model.layers)
    chained = (
        len(model.inputs) == len(model.outputs) == 1
        and len(layers) > 1
        and all(
            len(layer.inbound_nodes) == 1 and layer.inbound_nodes[0].inbound_layers is before
            for before, layer in itertools.pairwise(layers)
        )
    )
    if not chained:
        raise ConversionError(f"{model.name} cannot be streamed: it is not one layer after the other.")
    return layers


def _streamed(chain: _Chain, layer: keras.layers.Layer, made: Any) -> Any:
    """Adds a layer's streaming counterpart."""
    if type(layer) is LogMel:
        return _log_mel(chain, layer, made)
    if type(layer) is _LAYERS.Bidirectional:
        raise chain.refuse(layer, "reads from the end too")
    if is_recurrent(layer) and reads_all(layer):
        return _recurrent(chain, layer, made)
    if type(layer) is _LAYERS.GlobalMaxPooling1D and chain.recurrent:
        most, state = RunningMax(name=layer.name)([made, chain.state("most", made.shape[-1])])
        chain.hand_on("most", state)
        return most
    if type(layer) not in _FRAME_BY_FRAME:
        raise chain.refuse(layer, f"({type(layer).__name__}) is not known to go step by step")
    new = copied(layer)
    made = new(made)
    chain.weights.append((new, layer.get_weights()))
    return made


def _log_mel(chain: _Chain, layer: LogMel, made: Any) -> Any:
    kept = layer.window - layer.hop
    if kept < 0:
        raise chain.refuse(layer, "leaves samples out between its frames")
    if kept:
        made, tail = Joined(name="joined")([chain.state("tail", kept), made])
        chain.hand_on("tail", tail)
    return copied(layer)(made)


def _recurrent(chain: _Chain, layer: keras.layers.Layer, made: Any) -> Any:
    chain.recurrent += 1
    names = ("hidden", "cell") if type(layer) is _LAYERS.LSTM else ("hidden",)
    states = [chain.state(f"{name}_{chain.recurrent}", layer.units) for name in names]
    new = RecurrentSteps(
        cell=CELLS[type(layer)],
        units=layer.units,
        form="unrolled",
        return_sequences=layer.return_sequences,
        bidirectional=False,
        name=layer.name,
        dtype=config_of(layer)["dtype"],
    )
    made, *after = new([made, *states])
    for name, state in zip(names, after, strict=True):
        chain.hand_on(f"{name}_{chain.recurrent}", state)
    chain.weights.append((new, layer.get_weights()))
    return made
