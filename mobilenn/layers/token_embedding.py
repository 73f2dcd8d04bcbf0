"""One table of token vectors for what is read and for what is said."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class TokenEmbedding(keras.layers.Layer):
    """Looks vectors up, and scores vectors by their product with every token's.

    Reading and saying share the table, which halves a small network and keeps rare words learnable.

    Args:
        vocabulary: number of tokens, V.
        width: of a vector, d.

    Shape:
        (N, T) int32 tokens to (N, T, d) vectors; (N, T, d) vectors to (N, T, V) scores, before any softmax.

    Reference:
        Press and Wolf, Using the Output Embedding to Improve Language Models (EACL 2017), section 3.
    """

    def __init__(self, vocabulary: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.vocabulary, self.width = vocabulary, width

    def build(self, shape: tf.TensorShape) -> None:
        """Makes the table, and the bias of what is said."""
        initializer = keras.initializers.RandomNormal(stddev=self.width**-0.5)
        self.table = self.add_weight("table", (self.vocabulary, self.width), initializer=initializer)
        self.bias = self.add_weight("bias", (self.vocabulary,), initializer="zeros")
        super().build(shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Reads tokens, or scores vectors."""
        if inputs.dtype.is_integer:
            return tf.gather(tf.cast(self.table, self.compute_dtype), inputs)
        rows = tf.reshape(inputs, (-1, self.width))
        scores = tf.matmul(rows, tf.cast(self.table, rows.dtype), transpose_b=True) + tf.cast(self.bias, rows.dtype)
        return tf.reshape(scores, (-1, inputs.shape[1], self.vocabulary))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "vocabulary": self.vocabulary, "width": self.width}
