"""The scheme adversarial: what its losses, its average and its resuming are, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from mobilenn import networks
from mobilenn.core.errors import DataError, MobilennError, RecipeError
from mobilenn.core.records import from_dict
from mobilenn.data import Dataset
from mobilenn.data._generative import for_generator
from mobilenn.train import events
from mobilenn.train.adversarial import _key, _players, _watched, made
from mobilenn.train.config import TrainConfig
from mobilenn.train.fit import FitRun
from mobilenn.train.game import average, class_entropy, class_loss, discriminator_loss, generator_loss, reality
from mobilenn.train.supervised import TrainRequest, train

Request = Callable[..., TrainRequest]
CONFIG = {
    "size": 8,
    "channels": 1,
    "latent": 4,
    "width": 0.05,
    "discriminator_width": 0.05,
    "doublings": 1,
    "kernel": 3,
    "dropout": 0.2,
}
SETTINGS = {"task": "generation", "scheme": "adversarial", "batch_size": 20, "network": "gan", "config": CONFIG}


def bright_or_dark(inputs: Any) -> dict[str, np.ndarray]:
    """A judge: the mean decides between two classes; the features are means of rows."""
    image = np.asarray(inputs["image"], np.float32)
    share = image.mean((1, 2, 3)) / 255
    return {"probabilities": np.stack([share, 1 - share, 0 * share], 1), "features": image.mean((2, 3))}


@pytest.fixture
def images(digits: Callable[..., Dataset]) -> Dataset:
    return for_generator(digits(100), 4, 7, bright_or_dark)


def weights(result: Any) -> bytes:
    return b"".join(weight.tobytes() for weight in result.model.get_weights())


@pytest.mark.slow
def test_the_generator_learns_where_images_are_bright(request_for: Request, images: Dataset) -> None:
    """Every training image has two bright columns among its first six; the last two are never bright."""
    rates = {"learning_rate": 5e-3, "discriminator_rate": 1e-2, "averaging": 0.95}
    wide = {**CONFIG, "width": 0.2, "discriminator_width": 0.2, "dropout": 0.0}
    result = train(request_for(epochs=60, **{**SETTINGS, "config": wide}, **rates), images)
    found = made(result.model, images.test.inputs["latent"][:200])
    assert found.shape == (200, 8, 8, 1)
    assert 0 <= found.min() <= found.max() <= 255
    columns = found.mean((0, 1, 3))
    real = images.train.context["images"].mean((0, 1, 3))
    assert np.abs(columns - real).mean() < 20
    assert columns[6:].max() < columns[:6].min()


def test_the_history_holds_both_losses_and_what_the_judge_says_now_and_then(
    request_for: Request, images: Dataset
) -> None:
    said: list[dict] = []
    result = train(request_for(epochs=41, **SETTINGS), images, said.append)
    history = result.history
    assert set(history) == {"generator_loss", "discriminator_loss", "val_named", "val_frechet_distance"}
    assert {len(values) for values in history.values()} == {41}
    known = [epoch for epoch, value in enumerate(history["val_frechet_distance"], 1) if value is not None]
    assert known == [*range(2, 41, 2), 41]
    assert said[-1]["metrics"]["val_frechet_distance"] == history["val_frechet_distance"][-1]
    assert history["val_frechet_distance"][-1] < history["val_frechet_distance"][1]


def test_without_a_judge_nothing_is_watched(images: Dataset) -> None:
    model = networks.make("gan", CONFIG)
    alone = replace(images.validation, context={**images.validation.context, "judge": None})
    assert _watched(model, alone, True) == {}
    assert _watched(model, images.validation, False) == {"val_named": None, "val_frechet_distance": None}


@pytest.mark.slow
def test_another_seed_gives_other_weights(request_for: Request, images: Dataset) -> None:
    one, other = (train(replace(request_for(epochs=1, **SETTINGS), seed=seed), images) for seed in (7, 8))
    assert weights(one) != weights(other)


def test_a_killed_run_ends_with_the_same_bits(
    request_for: Request, images: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "INTERVAL_S", 0.0)
    settings = {**SETTINGS, "epochs": 5, "augment": {"shift_pixels": 1}, "schedule": "cosine"}
    expected = train(request_for(folder="whole", **settings), images)

    def kill(event: dict[str, Any]) -> None:
        if event.get("epoch") == 3 and event["step"] == 2:
            raise KeyboardInterrupt

    request = request_for(folder="killed", **settings)
    with pytest.raises(KeyboardInterrupt):
        train(request, images, kill)
    said: list[dict] = []
    resumed = train(request, images, said.append)
    assert [event["epoch"] for event in said if event["step"] == 5] == [3, 4, 5]
    assert resumed.history == expected.history
    assert weights(resumed) == weights(expected)


def test_a_checkpoint_belongs_to_one_discriminator_and_one_set_of_images(images: Dataset) -> None:
    settings = TrainConfig(scheme="adversarial", batch_size=20)

    def key(data: Dataset, **changes: Any) -> str:
        keras.utils.set_random_seed(1)
        config = {**CONFIG, **changes}
        module = networks.module("gan")
        other = module.discriminator(from_dict(module.Config, config))
        run = FitRun(task="generation", seed=1, discriminator=other)
        return _key(_players(networks.make("gan", config), settings, 5, run), data, settings, run)

    dark = {**images.train.context, "images": images.train.context["images"] // 2}
    others = (key(images, dropout=0.4), key(replace(images, train=replace(images.train, context=dark))))
    assert key(images) == key(images)
    assert key(images) not in others


def test_the_average_is_its_formula() -> None:
    """e ← d·e + (1 − d)·w with d = min(keep, (1 + t) / (10 + t)); written out for four steps."""
    current, averaged = [tf.Variable([0.0]), tf.Variable([[1.0]])], [tf.Variable([8.0]), tf.Variable([[2.0]])]
    wanted = 8.0
    for step, value in enumerate((1.0, 5.0, -3.0, 4.0)):
        current[0].assign([value])
        average(averaged, current, 0.2, tf.constant(step, tf.int64))
        share = min(0.2, (1 + step) / (10 + step))
        wanted = share * wanted + (1 - share) * value
    assert averaged[0].numpy()[0] == pytest.approx(wanted)
    assert wanted != pytest.approx(4.0)


@pytest.mark.slow
def test_no_averaging_ships_the_last_weights_and_averaging_others(request_for: Request, images: Dataset) -> None:
    """With keep = 0 the model is the generator of the last step; a long average lies elsewhere, statistics too."""
    plain, long = (train(request_for(folder=f"{a}", epochs=3, averaging=a, **SETTINGS), images) for a in (0.0, 0.99))
    assert plain.history["generator_loss"] == long.history["generator_loss"]  # the game itself is the same
    for one, other in zip(plain.model.weights, long.model.weights, strict=True):
        assert not np.array_equal(one.numpy(), other.numpy()), one.name
    assert sum("moving" in weight.name for weight in plain.model.weights) == 2


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
def test_smoothing_is_one_sided(smoothing: float) -> None:
    """The best a discriminator can say is 1 − s of real images, and still 0 of generated ones."""
    real = tf.Variable([[0.3], [2.0]])
    fake = tf.Variable([[-0.4], [1.0]])
    with tf.GradientTape() as tape:
        loss = discriminator_loss(real, fake, smoothing)
    of_real, of_fake = tape.gradient(loss, (real, fake))
    np.testing.assert_allclose(of_real, (tf.sigmoid(real) - (1 - smoothing)) / 2, atol=1e-6)
    np.testing.assert_allclose(of_fake, tf.sigmoid(fake) / 2, atol=1e-6)


def test_the_generators_loss_does_not_saturate() -> None:
    sure = tf.Variable([[-30.0]])
    with tf.GradientTape() as tape:
        loss = generator_loss(sure)
    assert loss.numpy() == pytest.approx(30.0)
    assert tape.gradient(loss, sure).numpy()[0, 0] == pytest.approx(-1.0)


def test_a_logit_for_each_class_says_what_an_image_is_and_whether_it_is_real() -> None:
    """A softmax over the classes and `generated`, whose logit is 0: real is what is not generated."""
    logits = tf.Variable([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]])
    shares = tf.nn.softmax(tf.pad(logits, [[0, 0], [0, 1]])).numpy()
    np.testing.assert_allclose(tf.sigmoid(reality(logits))[:, 0], 1 - shares[:, -1], rtol=1e-6)
    labels = tf.constant([2, 0], tf.int64)
    of_real = shares[:, :3] / shares[:, :3].sum(1, keepdims=True)
    assert class_loss(logits, labels).numpy() == pytest.approx(-np.log(of_real[[0, 1], [2, 0]]).mean(), rel=1e-6)
    entropy = -(of_real * np.log(of_real)).sum(1).mean()
    assert class_entropy(logits).numpy() == pytest.approx(entropy, rel=1e-6)
    alone = tf.constant([[0.7], [-1.0]])
    assert reality(alone) is alone
    assert class_loss(alone, labels).numpy() == 0


def test_a_discriminator_with_classes_learns_them(request_for: Request, images: Dataset) -> None:
    known = {**SETTINGS, "config": {**CONFIG, "classes": 3}, "epochs": 2, "certainty": 0.5}
    result = train(request_for(**known), images)
    assert len(result.history["discriminator_loss"]) == 2
    with pytest.raises(RecipeError, match="tells 4 classes apart, and the data have 3"):
        train(request_for(**{**known, "config": {**CONFIG, "classes": 4}}), images)


def test_divergence_ends_in_one_line(request_for: Request, images: Dataset) -> None:
    with pytest.raises(MobilennError, match="diverged in epoch") as caught:
        train(request_for(epochs=30, learning_rate=900.0, discriminator_rate=900.0, **SETTINGS), images)
    assert "discriminator_rate" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"optimizer": "sgd"}, RecipeError, "optimizer = sgd has no place in the scheme adversarial"),
        ({"precision": "mixed_float16"}, RecipeError, "precision"),
        ({"scheme": "supervised"}, RecipeError, "no loss to descend"),
        ({"certainty": 1.0}, RecipeError, "the discriminator tells none apart"),
        ({"batch_size": 101}, DataError, "100 images make no batch of 101"),
        ({"config": {**CONFIG, "classes": -1}}, RecipeError, "classes is -1"),
        ({"config": {**CONFIG, "latent": 0}}, RecipeError, "latent is 0"),
        ({"config": {**CONFIG, "size": 16}}, RecipeError, "makes images 16×16×1, and the data give 8×8×1"),
        ({"config": {**CONFIG, "latent": 5}}, RecipeError, "takes latent 5, and the data give latent 4"),
        ({"config": {**CONFIG, "size": 10, "doublings": 2}}, RecipeError, "cannot be halved 2 times"),
    ],
)
def test_what_does_not_fit_is_refused(
    request_for: Request, images: Dataset, change: dict, kind: type, words: str
) -> None:
    with pytest.raises(kind, match=words):
        train(request_for(**{**SETTINGS, **change}), images)


def test_a_network_without_a_discriminator_is_refused(request_for: Request, digits: Callable[..., Dataset]) -> None:
    config = {"input_shape": [8, 8, 1], "hidden": [4], "classes": 3}
    with pytest.raises(RecipeError, match="cannot train mlp for the task classification"):
        train(request_for(scheme="adversarial", config=config), digits())
