"""TF32: how a GPU of 2020 and later multiplies float32 numbers unless it is told not to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf


def whole_float32() -> None:
    """Makes products of float32 keep all 24 bits of their factors, on a GPU too.

    TF32 keeps 11 of them. A step of gradient descent does not feel that. A reference does: held against one from
    TF32, a float32 file that computes what was trained is off by twenty times what it may be.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)


@contextmanager
def tensor_cores() -> Iterator[None]:
    """Allows TF32 in the block, for the speed of training; a CPU does not know it."""
    tf.config.experimental.enable_tensor_float_32_execution(True)
    try:
        yield
    finally:
        whole_float32()
