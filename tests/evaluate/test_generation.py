"""Generated images against known Gaussians, known neighbours and a judge that is easy to see through."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from mobilenn.evaluate import evaluate
from mobilenn.evaluate.generation import frechet, judge_of, named, neighbours


def reads_the_corner(inputs):
    """A judge of three classes and one for neither: the first pixel is the class, the second its confidence in %."""
    image = inputs["image"].reshape(len(inputs["image"]), -1)
    label, sure = image[:, 0].astype(int), image[:, 1] / 100
    probabilities = np.repeat((1 - sure)[:, None] / 3, 4, axis=1)
    probabilities[np.arange(len(image)), label] = sure
    return {"probabilities": probabilities.astype(np.float32), "features": image[:, 2:5].astype(np.float32)}


def images(labels, sure, seed=0):
    made = np.random.default_rng(seed).integers(0, 256, (len(labels), 4, 4, 1)).astype(np.float32)
    made[:, 0, 0, 0], made[:, 0, 1, 0] = labels, sure
    return made


def judged(made, real, known):
    context = {"images": real, "known": known, "labels": ("a", "b", "c"), "judge": reads_the_corner}
    split = SimpleNamespace(inputs={"latent": np.zeros((len(made), 2))}, context=context)
    return evaluate("generation", lambda _: {"image": made}, split, ())


def test_it_counts_what_is_named_surely_and_what_is_not():
    made = images([0, 0, 1, 2, 3, 1], [95, 91, 99, 90, 99, 40])
    found = judged(made, images([0, 1, 2], [99] * 3, 1), images([0, 1, 2], [99] * 3, 2))
    assert (found.metric, found.value, found.higher_is_better) == ("named", 0.5, True)
    assert found.details["share_by_class"] == pytest.approx([2 / 6, 1 / 6, 0.0])
    assert found.details["smallest_class_share"] == 0.0


def test_copies_are_found_and_real_images_are_none():
    known = images([0, 1, 2] * 40, [99] * 120, 1)
    real = images([0, 1, 2] * 40, [99] * 120, 2)
    copied = judged(known[:30], real, known).details
    assert copied["novelty"] == 0.0
    assert copied["copies"] == 1.0
    itself = judged(real, real, known).details
    assert itself["novelty"] == 1.0
    assert itself["copies"] <= 0.02
    assert itself["frechet_distance"] == pytest.approx(0.0, abs=1e-6)


def test_a_judge_is_held_against_real_images_and_noise():
    real = images([0, 1, 2, 2], [99, 95, 99, 50], 1)
    split = SimpleNamespace(inputs={"image": real}, targets=np.array([0, 1, 1, 2]))
    found = judge_of(reads_the_corner, split, images([3, 3, 0, 0], [99, 99, 30, 99]), real, ("a", "b", "c"))
    assert found["accuracy"] == 0.75
    assert 0 < found["calibration_error"] < 1
    assert (found["named"], found["named_wrongly"], found["noise_named"]) == (0.75, 0.25, 0.25)
    assert found["frechet_distance"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_frechet_distance_is_that_of_the_textbook(seed):
    """Dowson and Landau's formula as it is written, with scipy's root of a matrix."""
    generator = np.random.default_rng(seed)
    one = generator.normal(size=(300, 6)) @ generator.normal(size=(6, 6)) + 3
    other = generator.normal(size=(200, 6)) @ generator.normal(size=(6, 6))
    spreads = np.cov(one.T), np.cov(other.T)
    root = sqrtm(spreads[0] @ spreads[1])
    wanted = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(spreads[0] + spreads[1] - 2 * root.real)
    assert frechet(one, other) == pytest.approx(wanted, rel=1e-8)


def test_the_frechet_distance_of_known_gaussians():
    """In one dimension (μ₁ − μ₂)² + (σ₁ − σ₂)²; independent dimensions add up."""
    base = np.random.default_rng(0).normal(size=(50_000, 3))
    one, other = base * [1, 2, 3] + [0, 0, 5], base[::-1] * [3, 2, 1] + [1, 0, 0]
    assert frechet(one, other) == pytest.approx(1 + 4 + 0 + 25 + 4, rel=0.03)


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(2, 12), st.integers(2, 12))
def test_the_frechet_distance_is_a_distance(seed, width, first, second):
    """Never negative, the same both ways, 0 to itself, blind to rotations; also of fewer samples than features."""
    generator = np.random.default_rng(seed)
    one, other = generator.normal(size=(first, width)), 2 * generator.normal(size=(second, width)) - 1
    apart = frechet(one, other)
    assert apart >= 0
    assert frechet(other, one) == pytest.approx(apart, abs=1e-6)
    assert frechet(one, one) == pytest.approx(0, abs=1e-6)
    turn = np.linalg.qr(generator.normal(size=(width, width)))[0]
    assert frechet(one @ turn, other @ turn) == pytest.approx(apart, abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_nothing_is_named_below_the_bar_or_as_neither(confidences):
    sure = np.array(confidences)
    rows = np.stack([np.zeros_like(sure), sure, 1 - sure], axis=1)
    np.testing.assert_array_equal(named(rows, 2), np.where(sure > 0.9, 1, -1))
    np.testing.assert_array_equal(named(np.roll(rows, 1, axis=1), 2), np.where(1 - sure > 0.9, 0, -1))


def test_neighbours_are_the_nearest():
    generator = np.random.default_rng(3)
    made, known = generator.uniform(0, 255, (300, 3, 3, 1)), generator.uniform(0, 255, (40, 3, 3, 1))
    distances, rows = neighbours(made, known)
    apart = np.sqrt(((made[:, None] - known[None]) ** 2).mean((2, 3, 4)))
    np.testing.assert_allclose(distances, apart.min(1), rtol=1e-9)
    np.testing.assert_array_equal(rows, apart.argmin(1))
