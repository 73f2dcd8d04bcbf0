"""Latents in place of images, and images that show none of the classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mobilenn import data
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import _generative as generative


@pytest.fixture(scope="module")
def digits():
    return data.load("mnist5k", {"size": 8}, 1)


def latents(dataset, seed=1, length=5):
    return generative.for_generator(dataset, length, seed, lambda inputs: {})


def test_a_generator_gets_latents_and_the_real_images_beside_them(digits):
    made = latents(digits)
    data.validate(made)
    assert made.labels == ()
    for part, count in (("train", 3600), ("validation", 500), ("test", 1000)):
        split = getattr(made, part)
        values = split.inputs["latent"]
        assert (values.shape, values.dtype, split.targets.shape) == ((count, 5), np.float32, (count, 0))
        assert abs(values.mean()) < 0.1
        assert abs(values.std() - 1) < 0.05
        np.testing.assert_array_equal(split.context["images"], getattr(digits, part).inputs["image"])
        np.testing.assert_array_equal(split.context["known"], digits.train.inputs["image"])
        assert split.context["labels"] == digits.labels


def test_test_latents_are_the_same_for_every_seed_and_no_split_shares_one(digits):
    one, other = latents(digits, 1), latents(digits, 2)
    np.testing.assert_array_equal(one.test.inputs["latent"], other.test.inputs["latent"])
    assert not np.array_equal(one.train.inputs["latent"], other.train.inputs["latent"])
    rows = [row.tobytes() for part in ("train", "validation", "test") for row in getattr(one, part).inputs["latent"]]
    assert len(set(rows)) == len(rows)


def test_calibration_and_golden_pairs_come_from_latents(digits):
    made = latents(digits)
    samples = data.representative(made.train, 10, 1)
    assert [sample["latent"].shape for sample in samples] == [(1, 5)] * 10
    assert data.golden(made.test, 4)["latent"].shape == (4, 5)


def test_a_judge_gets_a_class_more(digits):
    made = generative.for_judge(digits, 1)
    data.validate(made)
    assert made.labels == (*digits.labels, "neither")
    for part in ("train", "validation", "test"):
        split, real = getattr(made, part), getattr(digits, part)
        np.testing.assert_array_equal(split.inputs["image"][: len(real)], real.inputs["image"])
        assert (split.targets[len(real) :] == 10).all()
        assert len(split) == len(real) + round(len(real) / 4)
    again = generative.for_judge(digits, 1)
    np.testing.assert_array_equal(again.train.inputs["image"], made.train.inputs["image"])
    other = generative.for_judge(digits, 2)
    np.testing.assert_array_equal(other.test.inputs["image"], made.test.inputs["image"])


def test_impostors_are_noise_puzzles_and_blends():
    images = np.arange(4 * 9 * 9 * 3, dtype=np.uint8).reshape(4, 9, 9, 3)
    made = generative.impostors(images, np.array([0, 0, 1, 2]), 30, np.random.default_rng(0))
    assert (made.shape, made.dtype) == ((30, 9, 9, 3), np.uint8)
    for puzzle in made[1::3]:  # the same pixels in another order
        assert any(np.array_equal(np.sort(puzzle, axis=None), np.sort(image, axis=None)) for image in images)
    for blend in made[2::3]:
        assert sum((blend >= image).all() for image in images) >= 2


def test_the_role_decides(digits):
    assert generative.prepared(digits, {}, 1, None) is digits
    assert generative.prepared(digits, {"judges": True}, 1, None).labels[-1] == "neither"
    made = generative.prepared(digits, {"generates": 3, "judge": "/a"}, 1, lambda path: lambda inputs: {"at": path})
    assert made.test.inputs["latent"].shape == (1000, 3)
    assert str(made.test.context["judge"]({})["at"]) == "/a"


def test_data_without_labels_or_images_are_one_clear_line(digits):
    with pytest.raises(DataError, match="no labels"):
        latents(replace(digits, labels=()))
    with pytest.raises(RecipeError, match="the data give features"):
        latents(data.load("iris", {}, 1))
    with pytest.raises(RecipeError, match="the data give features"):
        generative.for_judge(data.load("iris", {}, 1), 1)
