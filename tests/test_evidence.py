"""Which variant is recommended."""

from __future__ import annotations

import pytest

from mobilenn import evidence
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Recipe, Trainable, Variant


def recipe(prefer="size"):
    variants = {"float32": Variant(precision=Precision.FLOAT32, trainable=Trainable())}
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


def trainable(size, step):
    return row(size, 1.0) | {"on_device": {"calls_ms": {"train": {"median": step}}}}


PUPILS = {"head": trainable(90_000, 0.5), "all": trainable(89_000, 5.0), "broad": trainable(150_000, 0.1)}


@pytest.mark.parametrize(("prefer", "expected"), [("size", "near"), ("latency", "fast"), ("training", "head")])
def test_a_file_that_can_be_trained_comes_last_unless_it_is_wanted(prefer, expected):
    name, why = evidence.recommend(recipe(prefer), {**ROWS, **PUPILS})
    assert name == expected
    said = "of 3 files that can be trained where they run" if prefer == "training" else "of 4 accepted variants that on"
    assert said in why


def test_a_file_that_can_be_trained_is_shipped_where_there_is_no_other():
    name, why = evidence.recommend(recipe(), {"all": PUPILS["all"], "small": row(1, 1.0, "rejected", "worse")})
    assert name == "all"
    assert "the only accepted variant." in why


def test_a_recipe_that_prefers_training_ships_nothing_else():
    name, why = evidence.recommend(recipe("training"), ROWS)
    assert name == ""
    assert "accepted: float32, small, near, fast" in why


def test_where_none_is_accepted_the_reasons_are_given():
    name, why = evidence.recommend(recipe(), {"int8": row(1, 1.0, "rejected", "accuracy dropped by 0.0200")})
    assert name == ""
    assert "int8 rejected: accuracy dropped by 0.0200" in why
