"""Tables in whole runs: iris in place of a recipe's own data, and clusters in a .csv of one's own."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import pipeline
from mobilenn.core import recipe as recipes
from mobilenn.scaffold import new_recipe

pytestmark = pytest.mark.slow
QUICK = ("floor={}", "bench={threads=[1], max_seconds=0.1}")
IRIS = {
    "mlp": ("config={input_shape=[4], hidden=[16], classes=3}", "train={epochs=60, batch_size=8, learning_rate=0.01}"),
    "kmeans": ("config={features=4, clusters=3}", "max_drop=2.0"),
}
FILES = 'variants={{float32={{precision="float32"}}, {name}={{precision="float32", trainable={{batch_size=16}}}}}}'


@pytest.mark.parametrize("name", IRIS)
def test_iris_takes_the_place_of_a_recipes_data(name, tmp_path):
    settings = ("data={name='iris'}", *IRIS[name], *QUICK, FILES.format(name="trainable"))
    report = pipeline.run(recipes.load(name, settings), tmp_path)
    assert report["recommended"] == "float32"
    assert report["data"]["labels"] == ["setosa", "versicolor", "virginica"]
    if name == "mlp":
        assert report["float"]["metric"] > 0.9
    else:
        assert report["float"]["details"]["adjusted_rand_index"] > 0.5
        assert list(report["variants"]["trainable"]["on_device"]["weights"]) == ["centroids"]
        assert report["variants"]["trainable"]["lesson"]["error"] < 1e-4


def test_clusters_in_a_table_of_ones_own(tmp_path):
    colours = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]])
    generator = np.random.default_rng(0)
    pixels = np.clip(colours[generator.integers(0, 3, 300)] + generator.normal(0, 4, (300, 3)), 0, 255)
    np.savetxt(tmp_path / "pixels.csv", pixels, "%d", ",", header="red,green,blue", comments="")
    path = new_recipe("palette", "kmeans", tmp_path / "pixels.csv", None, tmp_path / "palette")
    settings = ("config.clusters=3", *QUICK, FILES.format(name="phone"))
    report = pipeline.run(recipes.load(str(path), settings), tmp_path / "out")
    assert report["recommended"] == "float32"
    assert sum(report["float"]["details"]["cluster_sizes"]) == 75
    assert {row["predictions"]["float32"]["label"] for row in report["samples"]} <= {f"cluster {n}" for n in (1, 2, 3)}
