"""One step of a GRU with its state in and out, for use outside a loop."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras


class GruStep(keras.layers.GRUCell):
    """What `keras.layers.GRU` does in one step, with the same weights.

    Shape:
        [inputs (N, F), state (N, units)] to the new state (N, units).

    Reference:
        Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (EMNLP 2014), section 2.3.
    """

    def build(self, shapes: Sequence[tf.TensorShape]) -> None:
        """Makes the weights."""
        super().build(shapes[0])
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Takes the step."""
        return super().call(inputs[0], [inputs[1]])[0]
