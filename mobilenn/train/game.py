"""A step of adversarial training: the two players, their losses, and the average of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.train.augment import augment, draw
from mobilenn.train.checkpoint import Snapshot, named
from mobilenn.train.config import TrainConfig

_LATENT, _REAL, _FAKE = 0, 1, 2  # streams folded into a step's key, so that no two uses share random numbers
Step = tf.types.experimental.PolymorphicFunction


@dataclass(frozen=True, kw_only=True)
class Players:
    """Everything that a step changes.

    Args:
        generator: latents in, images of 0..255 out.
        discriminator: images in; a logit out, positive for real, or one for each class.
        average: a generator whose weights are the running average of the other's.
        optimizers: the generator's and the discriminator's, both built.
    """

    generator: keras.Model
    discriminator: keras.Model
    average: keras.Model
    optimizers: tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer]

    def arrays(self) -> dict[str, np.ndarray]:
        """The state by name, for a snapshot."""
        made = {}
        for group, values in self._groups().items():
            made |= named(group, [value.numpy() for value in values])
        return made

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back to a snapshot's state."""
        for group, values in self._groups().items():
            for variable, value in zip(values, snapshot.group(group), strict=True):
                variable.assign(value)

    def _groups(self) -> dict[str, list[tf.Variable]]:
        models = {name: getattr(self, name).weights for name in ("generator", "discriminator", "average")}
        return {**models, **{f"optimizer{i}": list(o.variables) for i, o in enumerate(self.optimizers)}}


def make_step(players: Players, context: Mapping[str, Any], settings: TrainConfig, seed: int) -> Step:
    """Returns a function of row numbers (B,) and the step's number: it plays a step, and returns both losses, (2,).

    Everything random in a step is a function of the seed and the step's number.

    Args:
        players: whom it changes.
        context: the training split's: `images` and their `classes`.
        settings: smoothing, averaging, augmentation, batch size.
        seed: of the run.
    """
    with tf.device("/cpu:0"):
        pixels, labels = tf.constant(context["images"]), tf.constant(context["classes"])
    (length,) = players.generator.input_shape[1:]
    mine, theirs = players.optimizers

    def changed(found: tf.Tensor, key: tf.Tensor, stream: int) -> tf.Tensor:
        if not settings.augment.active:
            return found
        return augment(found, draw(settings.batch_size, _fold(key, stream), settings.augment), settings.augment)

    @tf.function
    def step(rows: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        key = tf.stack([tf.constant(seed, tf.int64), number])
        latents = tf.random.stateless_normal((settings.batch_size, length), _fold(key, _LATENT), alg="philox")
        with tf.GradientTape() as making:
            fake = changed(players.generator(latents, training=True), key, _FAKE)
        real = changed(tf.cast(tf.gather(pixels, rows), tf.float32), key, _REAL)
        with tf.GradientTape() as telling:
            seen, unseen = (players.discriminator(found, training=True) for found in (real, fake))
            told = discriminator_loss(reality(seen), reality(unseen), settings.label_smoothing)
            told += class_loss(seen, tf.gather(labels, rows))
        weights = players.discriminator.trainable_variables
        theirs.apply_gradients(zip(telling.gradient(told, weights), weights, strict=True))
        with tf.GradientTape() as seeing:
            seeing.watch(fake)
            logits = players.discriminator(fake, training=True)
            fooled = generator_loss(reality(logits))
            wanted = fooled + settings.certainty * class_entropy(logits)
        weights = players.generator.trainable_variables
        gradients = making.gradient(fake, weights, output_gradients=seeing.gradient(wanted, fake))
        mine.apply_gradients(zip(gradients, weights, strict=True))
        average(players.average.weights, players.generator.weights, settings.averaging, number)
        return tf.stack([fooled, told])

    return step


def _fold(key: tf.Tensor, stream: int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(key, stream)


def reality(logits: tf.Tensor) -> tf.Tensor:
    """The logit of an image's being real, (B, 1): the discriminator's only one, or that of any of its classes."""
    return logits if logits.shape[-1] == 1 else tf.reduce_logsumexp(logits, axis=-1, keepdims=True)


def class_loss(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the classes of real images; 0 where the discriminator knows none.

    Args:
        logits: (B, classes) or (B, 1).
        labels: (B,) int64.
    """
    if logits.shape[-1] == 1:
        return tf.constant(0.0)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


def class_entropy(logits: tf.Tensor) -> tf.Tensor:
    """Mean entropy of the class of an image, in nats, whether it is real left aside; (B, classes) in."""
    shares = tf.nn.log_softmax(logits)
    return -tf.reduce_mean(tf.reduce_sum(tf.exp(shares) * shares, axis=-1))


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor, label_smoothing: float) -> tf.Tensor:
    """Cross-entropy of telling real images, labelled 1 − label_smoothing, from generated ones, labelled 0.

    Args:
        real, fake: logits, (B, 1).
        label_smoothing: 0 ≤ s < 1; of the real side alone.
    """
    entropy = tf.nn.sigmoid_cross_entropy_with_logits
    of_real = entropy(tf.fill(tf.shape(real), 1.0 - label_smoothing), real)
    return tf.reduce_mean(of_real) + tf.reduce_mean(entropy(tf.zeros_like(fake), fake))


def generator_loss(fake: tf.Tensor) -> tf.Tensor:
    """−log D(G(z)), which does not fade where the discriminator is sure, as log(1 − D(G(z))) does; (B, 1) in."""
    return tf.reduce_mean(tf.nn.softplus(-fake))


def average(averaged: list[tf.Variable], current: list[tf.Variable], keep: float, number: tf.Tensor) -> None:
    """Moves averages towards current values, normalisation statistics among them.

    Args:
        averaged: to change in place.
        current: of the same shapes, in the same order.
        keep: share of the average that stays, 0 ≤ keep < 1; at first less of it, (1 + t) / (10 + t) in step t, so
            that the weights that training started from are soon forgotten.
        number: the step t, from 0.
    """
    done = tf.cast(number, tf.float32)
    share = tf.minimum(keep, (1.0 + done) / (10.0 + done))
    for one, other in zip(averaged, current, strict=True):
        one.assign(share * one + (1.0 - share) * other)
