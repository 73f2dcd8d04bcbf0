"""The benchmark of the published networks: its pictures and its table."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from mobilenn.core import store

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("benchmark_published", ROOT / "tools" / "benchmark_published.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("size", [32, 33])
def test_pictures_are_smooth_pixels_and_the_same_every_time(tool, size):
    made = tool.images((1, size, size, 3), 2)
    assert [picture.shape for picture in made] == [(1, size, size, 3)] * 2
    for picture in made:
        np.testing.assert_array_equal(picture, np.rint(picture))
        assert (picture.min(), picture.max()) == (0, 255)
        assert np.abs(np.diff(picture, axis=1)).mean() < 0.8 * picture.std()  # neighbours are alike, as in scenes
    assert not np.array_equal(*made)
    np.testing.assert_array_equal(made, tool.images((1, size, size, 3), 2))


def test_the_committed_table_is_the_committed_figures(tool):
    figures = store.read_json(ROOT / "tools" / "results" / "published.json")
    assert (ROOT / "tools" / "results" / "published.md").read_text(encoding="utf-8") == tool.markdown(figures)


def test_the_committed_figures_meet_their_targets():
    figures = store.read_json(ROOT / "tools" / "results" / "published.json")
    assert {row["network"] for row in figures["rows"]} == {"AlexNet, one tower", "VGG-16", "GoogLeNet"}
    for row in figures["rows"]:
        assert row["ratio_min"] <= row["target_ratio"], row["network"]
        assert row["mobilenn"]["fits"]
        assert row["mobilenn"]["error"] < 0.05
