"""Optimizers and learning-rate schedules, from settings."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras

from mobilenn.train.config import FitConfig

# Decay pulls towards 0, which is no natural value for an offset or a scale.
_SPARED = [r"/(bias|gamma|beta)\b"]


def make_optimizer(settings: FitConfig, steps_per_epoch: int, *, loss_scaling: bool = False) -> Any:
    """Builds the optimizer that `settings` asks for.

    Args:
        settings: optimizer, rate, schedule, decay and clipping.
        steps_per_epoch: turns the schedule's epochs into steps.
        loss_scaling: scales the loss so that float16 gradients neither vanish nor overflow.

    Returns:
        A Keras optimizer, not built yet.
    """
    options: dict[str, Any] = {
        "learning_rate": make_schedule(settings, steps_per_epoch),
        "weight_decay": settings.decay or None,
        "global_clipnorm": settings.clip_norm or None,
    }
    decoupled = keras.optimizers.AdamW if settings.decay else keras.optimizers.Adam  # AdamW refuses to do without
    kinds = {"adam": keras.optimizers.Adam, "adamw": decoupled, "rmsprop": keras.optimizers.RMSprop}
    if settings.optimizer in kinds:
        made = kinds[settings.optimizer](**options)
    else:
        momentum = 0.9 if settings.optimizer == "momentum" else 0.0
        made = keras.optimizers.SGD(momentum=momentum, nesterov=momentum > 0, **options)
    made.exclude_from_weight_decay(var_names=_SPARED)
    return keras.mixed_precision.LossScaleOptimizer(made) if loss_scaling else made


def make_schedule(settings: FitConfig, steps_per_epoch: int) -> Any:
    """Returns the learning rate as a number, or as a schedule over steps."""
    warmup = settings.warmup_epochs * steps_per_epoch
    steps = settings.epochs * steps_per_epoch - warmup
    rate = settings.learning_rate
    after: Any = rate
    if settings.schedule == "cosine":
        after = keras.optimizers.schedules.CosineDecay(rate, steps)
    elif settings.schedule == "step":
        boundaries = [steps // 2, steps * 3 // 4]
        after = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, [rate, rate / 10, rate / 100])
    return Warmup(after, warmup) if warmup else after


class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise over the first steps, and then another schedule from its beginning.

    Args:
        after: a rate, or the schedule that follows.
        steps: length of the rise; the first step already takes 1/steps of the rate.

    Reference:
        Goyal et al., Accurate, Large Minibatch SGD (2017), section 2.2.
    """

    def __init__(self, after: Any, steps: int) -> None:
        super().__init__()
        self.after, self.steps = after, steps

    def __call__(self, step: Any) -> tf.Tensor:
        """Returns the rate of a step, from 0."""
        done = tf.cast(step, tf.float32)
        beyond = tf.maximum(done - self.steps, 0.0)
        rate = self.after(beyond) if callable(self.after) else self.after
        return rate * tf.minimum((done + 1.0) / self.steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"after": self.after, "steps": self.steps}


def state(optimizer: Any) -> list[tf.Variable]:
    """Every variable that an optimizer needs to go on from where it was; it must be built."""
    variables = list(optimizer.variables)
    scale = getattr(optimizer, "_loss_scale", None)
    if scale is not None:  # Keras leaves the loss scale out of `variables`
        variables += [scale.current_loss_scale, scale.counter]
    return variables
