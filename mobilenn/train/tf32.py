"""TF32: how a GPU of 2020 and later multiplies float32 numbers unless it is told not to."""

from __future__ import annotations

import tensorflow as tf


def whole_float32() -> None:
    """Makes products of float32 keep all 24 bits of their factors, on a GPU too; TF32 keeps 11.

    Gradient descent would not feel the difference. References do: held against one from TF32, the float32 file of
    AlexNet was off by 0.002, twenty times what it may be, and was rejected. So it was where TF32 was allowed for
    training and ruled out after it: what a process once chose for a shape seems to stay. Who wants tensor cores trains
    in mixed_float16.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
