"""Which variant is recommended, and which samples are shown."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import evidence
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Recipe, Variant
from mobilenn.data import Split


def recipe(prefer="size"):
    variants = {"float32": Variant(precision=Precision.FLOAT32)}
    return Recipe(
        name="x", summary="", task="classification", network="mlp", data={"name": "d"}, variants=variants, prefer=prefer
    )


def row(size, latency, status="accepted", reason=""):
    return {
        "zip_bytes": size,
        "latency_ms": {"median": latency},
        "metric_drop": 0.001,
        "status": status,
        "reason": reason,
    }


ROWS = {"float32": row(400_000, 2.0), "small": row(100_000, 3.0), "near": row(108_000, 1.0), "fast": row(200_000, 0.5)}


@pytest.mark.parametrize(("prefer", "expected"), [("size", "near"), ("latency", "fast")])
def test_the_best_in_what_is_preferred_wins_and_near_ones_are_told_apart(prefer, expected):
    name, why = evidence.recommend(recipe(prefer), ROWS)
    assert name == expected
    assert why.startswith(f"Ship {expected}:")
    assert "Against float32" in why


@pytest.mark.parametrize("status", ["rejected", "failed"])
def test_a_variant_that_was_not_accepted_is_never_recommended(status):
    rows = {**ROWS, "near": row(1, 0.001, status, "dropped by 0.02")}
    assert evidence.recommend(recipe(), rows)[0] == "small"


def test_where_none_is_accepted_the_reasons_are_given():
    name, why = evidence.recommend(recipe(), {"int8": row(1, 1.0, "rejected", "accuracy dropped by 0.0200")})
    assert name == ""
    assert "int8 rejected: accuracy dropped by 0.0200" in why


def test_samples_show_wrong_ones_first_with_images_and_predictions():
    images = np.arange(40 * 4 * 4, dtype=np.uint16).reshape(40, 4, 4, 1).astype(np.uint8)
    targets = np.zeros(40, np.int64)
    good = np.tile(np.array([0.9, 0.1], np.float32), (40, 1))
    bad = good.copy()
    bad[33] = [0.2, 0.8]
    split = Split(inputs={"image": images}, targets=targets)
    shown = evidence.samples(split, ("cat", "dog"), {"float": {"probabilities": good}, "int8": {"probabilities": bad}})
    assert len(shown) == evidence.SAMPLE_COUNT
    assert shown[0]["index"] == 33
    assert shown[0]["predictions"]["int8"] == {"label": "dog", "confidence": pytest.approx(0.8)}
    assert shown[0]["target"] == "cat"
    assert all(sample["image"].startswith("data:image/png;base64,") for sample in shown)
    assert len({sample["index"] for sample in shown}) == len(shown)


def test_regression_samples_show_values():
    split = Split(inputs={"features": np.zeros((3, 2), np.float32)}, targets=np.array([[1.5], [2], [3]], np.float32))
    shown = evidence.samples(split, (), {"float": {"value": np.array([[1.25], [2], [3]], np.float32)}})
    first = next(sample for sample in shown if sample["index"] == 0)
    assert first["target"] == "1.5"
    assert first["predictions"]["float"]["label"] == "1.25"
    assert first["image"] == ""
