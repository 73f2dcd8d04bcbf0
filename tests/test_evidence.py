"""Which variant is recommended."""

from __future__ import annotations

import pytest

from mobilenn import evidence
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Recipe, Variant


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
