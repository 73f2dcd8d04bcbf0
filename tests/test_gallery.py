"""Pictures of what a generator makes: in which order, how large, and which way between two latents."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mobilenn import gallery


def opened(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,")))))


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(2, 20))
def test_the_walk_keeps_its_distance_and_its_pace(seed, length, count):
    one, other = np.random.default_rng(seed).normal(size=(2, length))
    way = gallery.between(one, other, count)
    np.testing.assert_allclose(way[[0, -1]], [one, other], atol=1e-5)
    if length > 1:
        low, high = sorted(np.linalg.norm((one, other), axis=1))
        angle = np.arccos(np.clip(one @ other / (low * high), -1, 1))
        if angle < 2:  # lengths are mixed too; past that they dip on the way
            assert (np.linalg.norm(way, axis=1) >= low * np.cos(angle / 2) - 1e-4).all()
        assert (np.linalg.norm(way, axis=1) <= high / np.cos(min(angle, 2) / 2) + 1e-4).all()


def test_on_a_sphere_it_stays_there_and_steps_are_equal():
    way = gallery.between(np.array([2.0, 0, 0]), np.array([0, 2.0, 0]), 5)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 2.0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(np.diff(way, axis=0), axis=1), 4 * np.sin(np.pi / 16), atol=1e-6)


def test_from_a_latent_to_itself_is_no_way():
    latent = np.array([1.0, 2.0])
    np.testing.assert_allclose(gallery.between(latent, latent, 3), [latent] * 3, atol=1e-6)


def test_samples_are_the_first_of_each_class_and_the_unnamed_come_last():
    names = np.array([1, 1, -1, 0] * 20)
    rows = gallery.by_class(names, 3)
    assert [row.tolist() for row in rows[:1]] == [[3 + 4 * i for i in range(12)]]
    assert rows[1].tolist() == [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21]
    assert rows[2].tolist() == []
    assert rows[3].tolist() == [2 + 4 * i for i in range(12)]
    assert len(gallery.by_class(names, 100)) == gallery.ROWS + 1


def test_a_sheet_lays_images_out_and_fills_short_rows():
    made = np.arange(3, dtype=np.float32).reshape(3, 1, 1, 1) * 100 + np.zeros((3, 4, 6, 1), np.float32)
    found = gallery.sheet([made, made[:0], made[1:2]])
    assert (found.shape, found.dtype) == ((3 * 5 - 1, 12 * 7 - 1, 1), np.uint8)
    assert found[0, [0, 7, 14, 21], 0].tolist() == [0, 100, 200, 127]
    assert found[5, 0, 0] == 127
    assert found[10, [0, 7], 0].tolist() == [100, 127]


@pytest.mark.parametrize("channels", [1, 3])
def test_large_images_become_small(channels):
    uri = gallery.png(gallery.sheet([np.full((12, 500, 300, channels), 255.4, np.float32)]))
    assert max(opened(uri).shape[:2]) <= 12 * (gallery.PIXELS + 1)
    assert opened(uri).max() == 255


def test_where_nothing_can_be_shipped_float_is_shown_alone():
    images = np.random.default_rng(0).uniform(0, 255, (30, 4, 4, 1)).astype(np.float32)
    context = {
        "judge": lambda inputs: {"probabilities": np.tile([0.95, 0.05], (len(inputs["image"]), 1))},
        "labels": ("a", "b"),
        "known": images[::-1].astype(np.uint8),
        "images": images[:7].astype(np.uint8),
        "classes": np.array([0, 1, 1, 0, 1, 1, 0]),
    }
    data = SimpleNamespace(test=SimpleNamespace(inputs={"latent": np.zeros((30, 2))}, context=context))
    found = gallery.pictures(data, {"float": {"image": images}}, "", None)
    assert [picture["title"] for picture in found] == ["float: samples", "Real test images", "float: is it copied?"]
    copied = opened(found[2]["image"])
    assert opened(found[1]["image"]).shape == (2 * 5 - 1, 12 * 5 - 1)
    np.testing.assert_allclose(copied[:4], copied[5:9], atol=1)  # each has its own double below it
