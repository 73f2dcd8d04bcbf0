"""The scheme `adversarial`: a generator and a discriminator, each trained against the other."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.core import store
from mobilenn.core.errors import DataError, MobilennError, RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.evaluate import evaluate
from mobilenn.layers.dropout import reseed
from mobilenn.train import checkpoint
from mobilenn.train.callbacks import check_metrics
from mobilenn.train.checkpoint import Snapshot
from mobilenn.train.config import TrainConfig, check_taken
from mobilenn.train.events import Events
from mobilenn.train.fit import FitRun
from mobilenn.train.game import Players, Step, make_step
from mobilenn.train.identity import run_key
from mobilenn.train.optimizer import make_schedule

_TAKEN = {"epochs", "batch_size", "learning_rate", "schedule", "warmup_epochs", "label_smoothing", "augment"}
_TAKEN |= {"scheme", "deterministic", "discriminator_rate", "certainty", "averaging"}
_MOMENTUM = 0.5  # Adam's β₁ (Radford 2016, section 4)
_WATCHED = 20  # times that the average is judged on the validation split, over the whole run
_LOST = 100.0  # a generator's loss at which the discriminator is past being deceived
_ROWS = 64  # images made at a time where nothing is learned


def train_adversarial(model: keras.Model, data: Dataset, settings: TrainConfig, run: FitRun) -> Snapshot:
    """Trains a generator like `mobilenn.networks.gan` in place; it ends with the average of its weights.

    The loss is the non-saturating one. Generator and discriminator have learning rates of their own, so that neither
    outruns the other. Real images are labelled 1 − label_smoothing, generated ones 0: were those
    smoothed too, the discriminator would have to rise where images are worst. Random changes are made to real
    and to generated images alike, so that the generator does not learn them. A discriminator with a logit for each
    class also learns the classes of the real images, beside what it is for. Resuming, events and history are those
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
        MobilennError: a loss became infinite or NaN, or the discriminator can no longer be deceived.

    Reference:
        Goodfellow et al., Generative Adversarial Nets (NIPS 2014), section 3, for the loss; Heusel et al., GANs
        Trained by a Two Time-Scale Update Rule (NIPS 2017); Salimans et al., Improved Techniques for Training GANs
        (NIPS 2016), section 3.4 for one-sided smoothing and section 5 for the classes; Springenberg, Unsupervised
        and Semi-supervised Learning with Categorical GANs (ICLR 2016), section 3, for the certainty; Yazıcı et al.,
        The Unusual Effectiveness of Averaging in GAN Training (ICLR 2019); Zhao et al., Differentiable Augmentation
        for Data-Efficient GAN Training (NeurIPS 2020).
    """
    steps = _checked(model, data, settings, run)
    players = _players(model, settings, steps, run)
    snapshot = _play(players, data, settings, run)
    model.set_weights(snapshot.group("average"))
    return snapshot


def _checked(model: keras.Model, data: Dataset, settings: TrainConfig, run: FitRun) -> int:
    """Raises what does not fit together; returns the steps of an epoch."""
    check_taken(settings, _TAKEN)
    if run.task != "generation" or run.discriminator is None:
        message = f"The scheme adversarial cannot train {model.name} for the task {run.task}."
        raise RecipeError(message, 'Allowed: a network with a discriminator, such as "gan", and task = "generation".')
    known, labels = run.discriminator.output_shape[-1], data.train.context["labels"]
    if known not in (1, len(labels)):
        message = f"The discriminator tells {known} classes apart, and the data have {len(labels)}."
        raise RecipeError(message, f"Set config.classes = {len(labels)}, or 0.")
    if settings.certainty and known == 1:
        message = "[train] certainty counts classes, and the discriminator tells none apart."
        raise RecipeError(message, f"Set config.classes = {len(labels)}, or leave it out.")
    steps = len(data.train.context["images"]) // settings.batch_size
    if not steps:
        message = f"{len(data.train.context['images'])} images make no batch of {settings.batch_size}."
        raise DataError(message, "Lower train.batch_size.")
    return steps


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
    step = make_step(players, data.train.context, settings, run.seed)
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
    images, classes = ([part.context[name] for part in (data.train, data.validation)] for name in ("images", "classes"))
    parts = [Split(inputs={"image": i}, targets=c) for i, c in zip(images, classes, strict=True)]
    seen = replace(data, train=parts[0], validation=parts[1])
    return store.sha256_json([run_key(players.average, seen, settings, run), players.discriminator.to_json()])


def _epoch(
    players: Players,
    step: Step,
    data: Dataset,
    now: tuple[int, TrainConfig, FitRun],
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
        if losses["generator_loss"] > _LOST:
            loss = losses["generator_loss"]
            raise MobilennError(f"Training diverged in epoch {epoch + 1}: generator_loss is {loss:.4g}.", advice)
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
