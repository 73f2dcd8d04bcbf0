"""Why a variant is rejected: floors of the metric and of the details, baselines, and which comes first."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn.core.errors import RecipeError
from mobilenn.core.precision import Precision
from mobilenn.evaluate import Evaluation, Figure
from mobilenn.verify import Lesson, Parity, Reference, _agreement, _figure, _reason, _strayed


def reference(**changes):
    empty = {"float_outputs": {}, "golden_inputs": {}, "golden_outputs": {}, "labels": (), "split": None}
    outputs = {"parent_outputs": {"image": np.full((2, 4, 4, 1), 200.0, np.float32)}}
    return Reference(task="generation", max_drop=0.1, **empty, **outputs, **changes)


def reason(drop=0.0, max_abs=0.0, higher=True, precision=Precision.INT8, **changes):
    details = {"smallest_class_share": 0.06, "share_by_class": [0.06, 0.9], "classes": 2, "copies": 0.02}
    found = Evaluation(metric="named", value=0.9, higher_is_better=higher, details=details)
    parity = {"image": Parity(max_abs=max_abs, mean_abs=0.0, golden_max_abs=0.0)}
    return _reason(precision, parity, found, drop, reference(**changes))


def test_what_meets_every_bar_is_accepted():
    assert reason(floor={"named": 0.9, "smallest_class_share": 0.06, "copies": 0.03}, baselines={"other": 0.9}) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"floor": {"named": 0.95}}, "named is 0.9000; the recipe's floor is 0.9500"),
        ({"floor": {"smallest_class_share": 0.07}}, "smallest_class_share is 0.0600; the recipe's floor is 0.0700"),
        ({"floor": {"named": 0.5, "smallest_class_share": 0.07}}, "smallest_class_share is 0.0600"),
        ({"floor": {"copies": 0.01}}, "copies is 0.0200; the recipe's floor is 0.0100"),
        ({"floor": {"named": 0.8}, "higher": False}, "named is 0.9000; the recipe's floor is 0.8000"),
        ({"baselines": {"other": 0.91}}, "the recipe's baseline 'other' is 0.9100"),
        ({"drop": 0.2}, "named dropped by 0.2000"),
        ({"max_abs": 0.1, "precision": Precision.FLOAT32}, "output 'image' is off by 0.1; float32 allows 0.02"),
    ],
)
def test_what_misses_one_is_told_which(changes, words):
    assert words in reason(**changes)


@pytest.mark.parametrize("name", ["smallest_share", "share_by_class", "accuracy"])
def test_a_floor_for_what_is_no_figure_is_an_error_in_the_recipe(name):
    with pytest.raises(RecipeError, match=f"names '{name}', which is not measured") as caught:
        reason(floor={name: 0.1})
    assert "smallest_class_share" in str(caught.value)


def test_a_floor_for_what_only_other_data_have_says_which():
    found = Evaluation(metric="accuracy", value=0.9, higher_is_better=True, details={"macro_f1": 0.8})
    with pytest.raises(RecipeError, match="'top3_accuracy', which is measured only where there are more") as caught:
        _figure("top3_accuracy", found, "classification")
    assert caught.value.hint.endswith("Allowed: accuracy, macro_f1.")


@pytest.mark.parametrize(
    ("lesson", "apart", "words"),
    [
        (None, {"image": 0.0, "action": 0.0}, ""),
        (None, {"image": 2e-5}, "in CompiledModel, 'image' is off by 2e-05; 1e-05 is allowed"),
        (None, {"action": 0.125}, "in CompiledModel, 'action' is off by 0.12"),
        (None, {"image": float("nan")}, "in CompiledModel, 'image' is off by nan"),
        (0.0, {"image": 0.0, "lesson_losses": 9e-5}, ""),
        (0.0, {"image": 0.0, "lesson_losses": float("inf")}, "in CompiledModel, 'lesson_losses' is off by inf"),
        (2e-4, {"image": 1.0}, "trained, its losses are off by 0.0002"),
    ],
)
def test_a_file_has_to_do_the_same_in_compiled_model(lesson, apart, words):
    found = None if lesson is None else Lesson(expected=(1.0,), found=(1.0 + lesson,), error=lesson)
    said = _strayed(found, apart)
    assert said.startswith(words) if words else said == ""


@pytest.mark.parametrize("higher", [True, False])
def test_what_is_no_number_reaches_no_floor(higher):
    assert not Figure(higher_is_better=higher).reached(float("nan"), 0.5)
    assert Figure(higher_is_better=higher).reached(0.5, 0.5)


def test_images_name_no_class_to_agree_on():
    images = np.random.default_rng(0).uniform(0, 255, (5, 4, 4, 3)).astype(np.float32)
    assert _agreement({"image": images}, {"image": images[::-1]}) == 1.0
    shares = np.eye(3, dtype=np.float32)
    assert _agreement({"p": shares}, {"p": shares[[0, 2, 1]]}) == pytest.approx(1 / 3)
