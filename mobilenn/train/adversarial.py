"""The scheme `adversarial`: a generator and a discriminator, each trained against the other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.core import store
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.evaluate import evaluate
from mobilenn.layers.dropout import reseed
from mobilenn.train import checkpoint
from mobilenn.train.augment import augment, draw
from mobilenn.train.callbacks import check_metrics
from mobilenn.train.checkpoint import Snapshot, named
from mobilenn.train.config import TrainConfig, check_taken
from mobilenn.train.events import Events
from mobilenn.train.fit import FitRun
from mobilenn.train.identity import run_key
from mobilenn.train.optimizer import make_schedule

_TAKEN = {"epochs", "batch_size", "learning_rate", "schedule", "warmup_epochs", "label_smoothing", "augment"}
_TAKEN |= {"scheme", "deterministic", "discriminator_rate", "averaging"}
_MOMENTUM = 0.5  # Adam's β₁ (Radford 2016, section 4)
_WATCHED = 20  # times that the average is judged on the validation split, over the whole run
_LATENT, _REAL, _FAKE = 0, 1, 2  # streams folded into a step's key, so that no two uses share random numbers
_ROWS = 64  # images made at a time where nothing is learned


@dataclass(frozen=True, kw_only=True)
class Players:
    """Everything that a step changes.

    Args:
        generator: latents in, images of 0..255 out.
        discriminator: images in, a logit out, positive for real.
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


def train_adversarial(model: keras.Model, data: Dataset, settings: TrainConfig, run: FitRun) -> Snapshot:
    """Trains a generator like `mobilenn.networks.gan` in place; it ends with the average of its weights.

    The loss is the non-saturating one. The discriminator has a learning rate of its own, as a rule a higher one: it
    has to keep up with the generator. Real images are labelled 1 − label_smoothing, generated ones 0: were those
    smoothed too, the discriminator would have to rise where images are worst. Random changes are made to real
    and to generated images alike, so that the generator does not learn them. Resuming, events and history are those
    of `mobilenn.train.fit`; `val_named` and `val_frechet_distance` are found about twenty times in a run, on the
    validation split's latents and images, and are None in between.

    Args:
        model: latents in, images out.
        data: `latent` splits of mobilenn.data._generative; `context` holds the images.
        settings: rates, smoothing, averaging, augmentation, epochs, batch size and schedule.
        run: task, seed, discriminator, checkpoint folder and events.

    Returns:
        The last snapshot.

    Raises:
        RecipeError: another task or network, or a setting that means nothing here.
        DataError: fewer images than a batch holds.
        MobilennError: a loss became infinite or NaN.

    Reference:
        Goodfellow et al., Generative Adversarial Nets (NIPS 2014), section 3, for the loss; Heusel et al., GANs
        Trained by a Two Time-Scale Update Rule (NIPS 2017); Salimans et al., Improved Techniques for Training
        GANs (NIPS 2016), section 3.4, for one-sided smoothing; Yazıcı et al., The Unusual Effectiveness of Averaging
        in GAN Training (ICLR 2019); Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training
        (NeurIPS 2020).
    """
    check_taken(settings, _TAKEN)
    if run.task != "generation" or run.discriminator is None:
        message = f"The scheme adversarial cannot train {model.name} for the task {run.task}."
        raise RecipeError(message, 'Allowed: a network with a discriminator, such as "gan", and task = "generation".')
    steps = len(data.train.context["images"]) // settings.batch_size
    if not steps:
        message = f"{len(data.train.context['images'])} images make no batch of {settings.batch_size}."
        raise DataError(message, "Lower train.batch_size.")
    players = _players(model, settings, steps, run)
    snapshot = _play(players, data, settings, run)
    model.set_weights(snapshot.group("average"))
    return snapshot


def _players(model: keras.Model, settings: TrainConfig, steps: int, run: FitRun) -> Players:
    """The model as the average, a twin of it that is trained, and the optimizers."""
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    rates = (settings.learning_rate, settings.discriminator_rate)
    schedules = [make_schedule(replace(settings, learning_rate=rate), steps) for rate in rates]
    optimizers = tuple(keras.optimizers.Adam(schedule, beta_1=_MOMENTUM) for schedule in schedules)
    for optimizer, player in zip(optimizers, (twin, run.discriminator), strict=True):
        optimizer.build(player.trainable_variables)
    return Players(generator=twin, discriminator=run.discriminator, average=model, optimizers=optimizers)


def _play(players: Players, data: Dataset, settings: TrainConfig, run: FitRun) -> Snapshot:
    """Runs the epochs that are left; returns the last snapshot."""
    snapshot = Snapshot(epoch=0, history={}, seconds=0.0, arrays=players.arrays())
    path = checkpoint.path_in(run.checkpoint_dir) if run.checkpoint_dir else None
    key = _key(players, data, settings, run)
    if path is not None:
        found = checkpoint.resume(path, key, lambda line: run.emit({"stage": run.stage, "warning": line}))
        if found.epoch:
            snapshot = found
            players.restore(found)
    step = make_step(players, data.train.context["images"], settings, run.seed)
    began = time.monotonic() - snapshot.seconds
    with checkpoint.Writer(path, key) if path else contextlib.nullcontext() as writer:
        for epoch in range(snapshot.epoch, settings.epochs):
            metrics = _epoch(players, step, data, (epoch, settings, run))
            history = {name: [*snapshot.history.get(name, []), value] for name, value in metrics.items()}
            seconds = time.monotonic() - began
            snapshot = Snapshot(epoch=epoch + 1, history=history, seconds=seconds, arrays=players.arrays())
            if writer is not None:
                writer.put(snapshot)
    return snapshot


def _key(players: Players, data: Dataset, settings: TrainConfig, run: FitRun) -> str:
    """Binds a checkpoint to the run: the real images count, and what they are told apart by."""
    images = [data.train.context["images"], data.validation.context["images"]]
    parts = [Split(inputs={"image": found}, targets=np.zeros((len(found), 0))) for found in images]
    seen = replace(data, train=parts[0], validation=parts[1])
    return store.sha256_json([run_key(players.average, seen, settings, run), players.discriminator.to_json()])


def _epoch(
    players: Players, step: tf.types.experimental.PolymorphicFunction, data: Dataset, now: tuple[int, TrainConfig, FitRun]
) -> dict[str, float | None]:
    """Trains an epoch; returns its metrics, of the validation split None where it is not watched."""
    epoch, settings, run = now
    images = data.train.context["images"]
    steps = len(images) // settings.batch_size
    order = np.random.default_rng([run.seed, epoch, 11]).permutation(len(images))
    events = Events(run.emit, run.stage, settings.epochs, steps)
    reseed(players.discriminator, run.seed, epoch)
    sums, advice = np.zeros(2), f"Lower {run.stage}.learning_rate and {run.stage}.discriminator_rate."
    for number in range(steps):
        rows = order[number * settings.batch_size : (number + 1) * settings.batch_size]
        sums += step(tf.constant(rows), tf.constant(epoch * steps + number, tf.int64)).numpy()
        losses = dict(zip(("generator_loss", "discriminator_loss"), (sums / (number + 1)).tolist(), strict=True))
        check_metrics(losses, epoch, advice)
        if number + 1 < steps and events.due(epoch, number + 1):
            events.tell(epoch, number + 1, losses)
    watched = _watched(players.average, data.validation, _is_watched(epoch, settings.epochs))
    if events.due(epoch, steps):
        events.tell(epoch, steps, {**losses, **{name: value for name, value in watched.items() if value is not None}})
    return {**losses, **watched}


def _is_watched(epoch: int, epochs: int) -> bool:
    return (epoch + 1) % max(1, epochs // _WATCHED) == 0 or epoch + 1 == epochs


def _watched(model: keras.Model, split: Split, due: bool) -> dict[str, float | None]:
    """What the judge says of the validation split's latents; nothing where there is no judge."""
    if split.context.get("judge") is None:
        return {}
    if not due:
        return {"val_named": None, "val_frechet_distance": None}
    found = evaluate("generation", lambda inputs: {"image": made(model, inputs["latent"])}, split, ())
    return {"val_named": found.value, "val_frechet_distance": found.details["frechet_distance"]}


def made(model: keras.Model, latents: np.ndarray) -> np.ndarray:
    """The images of latents, (N, H, W, C) float32 of 0..255."""
    starts = range(0, len(latents), _ROWS)
    return np.concatenate([model(latents[start : start + _ROWS], training=False).numpy() for start in starts])


def make_step(
    players: Players, images: np.ndarray, settings: TrainConfig, seed: int
) -> tf.types.experimental.PolymorphicFunction:
    """Returns a function of row numbers (B,) and the step's number: it plays a step, and returns both losses, (2,).

    Everything random in a step is a function of the seed and the step's number.
    """
    with tf.device("/cpu:0"):
        pixels = tf.constant(images)
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
            logits = (players.discriminator(real, training=True), players.discriminator(fake, training=True))
            told = discriminator_loss(*logits, settings.label_smoothing)
        weights = players.discriminator.trainable_variables
        theirs.apply_gradients(zip(telling.gradient(told, weights), weights, strict=True))
        with tf.GradientTape() as seeing:
            seeing.watch(fake)
            fooled = generator_loss(players.discriminator(fake, training=True))
        weights = players.generator.trainable_variables
        gradients = making.gradient(fake, weights, output_gradients=seeing.gradient(fooled, fake))
        mine.apply_gradients(zip(gradients, weights, strict=True))
        average(players.average.weights, players.generator.weights, settings.averaging, number)
        return tf.stack([fooled, told])

    return step


def _fold(key: tf.Tensor, stream: int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(key, stream)


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
