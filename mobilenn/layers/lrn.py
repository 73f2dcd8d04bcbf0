"""Local response normalisation of AlexNet and GoogLeNet."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class LocalResponseNormalization(keras.layers.Layer):
    """Divides each activation by a power of the energy of its neighbours across channels.

    b[c] = a[c] / (k + α · Σ a[j]²)^β over the n channels j around c. TensorFlow's operator takes
    the half-width n // 2 and calls k `bias`; its α is the paper's α (Caffe's is divided by n). In
    a .tflite the operator is float-only, never delegated, and costs more than the convolutions
    around it: mobilenn.convert.lowerings.lrn replaces it by an equal form.

    Args:
        n: number of channels in the window, odd.
        k: added to the sum, > 0.
        alpha: weight of the sum.
        beta: exponent.

    Shape:
        (N, H, W, C) in and out, float32.

    Reference:
        Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural
        Networks (NIPS 2012), section 3.3.
    """

    def __init__(self, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **options: Any) -> None:
        super().__init__(**options)
        self.n, self.k, self.alpha, self.beta = n, k, alpha, beta

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Normalises (N, H, W, C); computes in float32 whatever the policy, since squares overflow float16."""
        wide = tf.cast(inputs, tf.float32)
        made = tf.nn.local_response_normalization(wide, self.n // 2, self.k, self.alpha, self.beta)
        return tf.cast(made, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "n": self.n, "k": self.k, "alpha": self.alpha, "beta": self.beta}
