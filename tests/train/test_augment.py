"""Shifts and flips: against the same thing by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from mobilenn.train.augment import augment, draw
from mobilenn.train.config import Augment

ALL = Augment(shift_pixels=2, horizontal_flip=True)


def by_hand(image: np.ndarray, down: int, right: int, mirrored: int) -> np.ndarray:
    """Mirrors, pads by repeating the edge, cuts the window."""
    height, width, _ = image.shape
    padded = np.pad(image[:, ::-1] if mirrored else image, ((2, 2), (2, 2), (0, 0)), mode="edge")
    return padded[2 - down : 2 - down + height, 2 - right : 2 - right + width]


@pytest.mark.parametrize("draws", [(0, 0, 0), (2, 0, 0), (0, -2, 0), (-1, 2, 0), (0, 0, 1), (1, -2, 1)])
def test_a_draw_does_what_padding_and_cutting_does(draws: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 2)).astype(np.uint8)
    made = augment(tf.constant(image[None]), tf.constant([draws]), ALL)
    np.testing.assert_array_equal(made[0], by_hand(image, *draws))
    assert made.dtype == tf.uint8


def test_every_frame_of_a_clip_moves_alike() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 6, 1)).astype(np.uint8)
    clip = np.stack([image] * 3)[None]
    made = augment(tf.constant(clip), tf.constant([[1, -2, 1]]), ALL).numpy()[0]
    assert (made == made[0]).all()
    np.testing.assert_array_equal(made[0], augment(tf.constant(image[None]), tf.constant([[1, -2, 1]]), ALL)[0])


def test_tables_pass_unchanged() -> None:
    rows = tf.constant([[1.0, 2.0]])
    assert augment(rows, tf.constant([[1, 1, 1]]), ALL) is rows


def test_draws_reach_every_value_and_no_other() -> None:
    draws = draw(2000, tf.constant([1, 2], tf.int64), ALL).numpy()
    assert [sorted(set(column)) for column in draws.T] == [[-2, -1, 0, 1, 2], [-2, -1, 0, 1, 2], [0, 1]]
    still = draw(100, tf.constant([1, 2], tf.int64), Augment(shift_pixels=1)).numpy()
    assert (still[:, 2] == 0).all()
