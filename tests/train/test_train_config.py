"""The [train] table: ranges, names, and no TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mobilenn.core.errors import RecipeError
from mobilenn.core.records import from_dict, to_dict
from mobilenn.train.config import TrainConfig


def test_defaults_survive_a_round_trip() -> None:
    assert from_dict(TrainConfig, to_dict(TrainConfig())) == TrainConfig()


def test_augment_is_a_table() -> None:
    made = from_dict(TrainConfig, {"augment": {"shift_pixels": 2}})
    assert made.augment.active
    assert not TrainConfig().augment.active


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"epochs": 3, "warmup_epochs": 3}, "warmup_epochs"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"clip_norm": -1.0}, "clip_norm"),
        ({"early_stopping": -1}, "early_stopping"),
        ({"steps_per_execution": 0}, "steps_per_execution"),
        ({"starts": 0}, "starts"),
        ({"augment": {"shift_pixels": -1}}, "augment.shift_pixels"),
        ({"xla": True, "strategy": "mirrored"}, "xla"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_range(values: dict, named: str) -> None:
    with pytest.raises(RecipeError, match=named) as caught:
        from_dict(TrainConfig, values)
    assert caught.value.hint.startswith("Allowed:")


@pytest.mark.parametrize(
    ("values", "guess"),
    [({"optimiser": "adam"}, "optimizer"), ({"optimizer": "adan"}, "adam"), ({"strategy": "mirror"}, "mirrored")],
)
def test_a_misspelt_name_is_guessed(values: dict, guess: str) -> None:
    with pytest.raises(RecipeError) as caught:
        from_dict(TrainConfig, values)
    assert guess in caught.value.hint


def test_weight_decay_follows_the_optimizer_unless_set() -> None:
    assert TrainConfig(optimizer="adam").decay == 0
    assert TrainConfig(optimizer="adamw").decay == 0.004
    assert TrainConfig(optimizer="adamw", weight_decay=0.0).decay == 0


def test_settings_are_read_without_tensorflow() -> None:
    code = "import sys, mobilenn.train.config; sys.exit('tensorflow' in sys.modules or 'tf_keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
