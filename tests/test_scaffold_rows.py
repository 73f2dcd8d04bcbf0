"""A recipe of one's own that finds clusters in a .csv without a target."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn.core import recipe as recipes
from mobilenn.core.errors import DataError
from mobilenn.data import load
from mobilenn.scaffold import DROP, new_recipe

ROWS = np.random.default_rng(0).integers(0, 256, (60, 3))


@pytest.fixture
def pixels(tmp_path):
    path = tmp_path / "pixels.csv"
    np.savetxt(path, ROWS, "%d", ",", header="red,green,blue", comments="")
    return path


def test_it_has_the_columns_of_the_file_and_no_baseline(pixels, tmp_path):
    made = recipes.load(str(new_recipe("palette", "kmeans", pixels, None, tmp_path / "palette")))
    assert made.config["features"] == 3
    assert made.data == {"name": "csv", "path": str(pixels), "task": "clustering"}
    assert made.baselines == {}
    assert list(made.variants) == list(recipes.load("kmeans").variants)
    rows = load("csv", {"path": str(pixels), "task": "clustering"}, made.seed).test.inputs["features"]
    assert made.max_drop == pytest.approx(DROP * len(rows) * rows.var(axis=0).sum(), rel=1e-4)


def test_with_a_target_its_classes_are_what_clusters_are_held_against(pixels, tmp_path):
    made = recipes.load(str(new_recipe("shades", "kmeans", pixels, "blue", tmp_path / "shades")))
    assert made.data == {"name": "csv", "path": str(pixels), "target": "blue"}


def test_another_task_still_asks_for_a_target(pixels, tmp_path):
    with pytest.raises(DataError, match="--target"):
        new_recipe("palette", "mlp", pixels, None, tmp_path / "palette")
    with pytest.raises(DataError, match="There is no"):
        new_recipe("palette", "kmeans", tmp_path / "none.csv", None, tmp_path / "palette")
