"""What every job with a Keras model starts from."""

from __future__ import annotations


def fresh_session(seed: int) -> None:
    """Forgets earlier models, so that a job's result does not depend on the jobs before it.

    Args:
        seed: of all generators; 0 to 2³² − 1.
    """
    import tf_keras as keras

    from mobilenn.train.tf32 import whole_float32

    whole_float32()
    keras.backend.clear_session()
    keras.mixed_precision.set_global_policy("float32")
    keras.utils.set_random_seed(seed)
