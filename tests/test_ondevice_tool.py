"""The figures of files that train themselves: their table, and what they had to reach."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from mobilenn.core import store

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "tools" / "results"


@pytest.fixture(scope="module")
def figures():
    return store.read_json(RESULTS / "ondevice.json")


def test_the_committed_table_is_the_committed_figures(figures):
    spec = importlib.util.spec_from_file_location("ondevice_table", ROOT / "tools" / "ondevice_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (RESULTS / "ondevice.md").read_text(encoding="utf-8") == module.markdown(figures)


def test_files_have_the_losses_of_keras_over_a_hundred_steps(figures):
    for row in figures["curves"]:
        assert {name: len(losses) for name, losses in row["losses"].items()} == dict.fromkeys(row["losses"], 100)
        assert set(row["difference"]) == {"Interpreter", "CompiledModel"}
        assert max(row["difference"].values()) < 1e-4, row["name"]
        assert row["losses"]["Keras"][-1] < row["losses"]["Keras"][0] * 0.8


def test_files_move_centroids_as_scikit_learn_does(figures):
    found = figures["clusters"]
    assert {len(values) for values in found["inertia"].values()} == {20}
    assert set(found["difference"]) == {"Interpreter", "CompiledModel"}
    assert max(found["difference"].values()) < 1e-5
    assert found["inertia"]["scikit-learn"][-1] < 0.95 * found["inertia"]["scikit-learn"][0]


def test_files_learn_digits_that_they_never_saw_as_well_as_keras(figures):
    new = figures["new_digits"]
    assert (new["examples"], len(new["digits"])) == (20, 5)
    assert not set(new["digits"]) & set(new["known"]["digits"])
    assert max(new["difference"][runtime] for runtime in ("Interpreter", "CompiledModel")) < 1e-4
    for accuracy in new["accuracy"].values():
        assert accuracy > 0.7
        assert accuracy == pytest.approx(new["accuracy"]["Keras"], abs=0.01)
