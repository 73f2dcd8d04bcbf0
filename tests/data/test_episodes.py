"""Episodes as data: seeds apart, observations good and bad."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import data, environments
from mobilenn.core.errors import DataError, RecipeError


@pytest.fixture(scope="module")
def dataset():
    return data.load("episodes", {"test": 12, "validation": 8, "observations": 300}, 3)


def test_splits_hold_seeds_of_their_own_and_observations_on_the_way(dataset):
    for part, count in (("train", 64), ("validation", 8), ("test", 12)):
        split = getattr(dataset, part)
        assert len(split.context["seeds"]) == count
        assert {environments.part_of(seed) for seed in split.context["seeds"]} == {part}
        assert split.inputs["observation"].shape == (300, 4)
        assert set(split.targets) == {0, 1}
    assert dataset.labels == ("left", "right")
    assert dataset.preprocessing["environment"] == "cartpole"


def test_observations_reach_from_upright_to_fallen(dataset):
    angle = np.abs(dataset.train.inputs["observation"][:, 2])
    assert np.quantile(angle, 0.25) < 0.05
    assert angle.max() > 0.15


@pytest.mark.parametrize("settings", [{"test": 0}, {"validation": 0}, {"observations": 3}, {"tests": 5}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(RecipeError):
        data.load("episodes", settings, 0)


def test_an_environment_with_faults_is_refused_before_anything_is_recorded(tmp_path):
    path = tmp_path / "silent.py"
    path.write_text(
        "import numpy as np\n"
        "from mobilenn.environments import Environment, Step\n"
        "class Silent(Environment):\n"
        "    observation_shape, actions, max_steps = (2,), ('a', 'b'), 3\n"
        "    def reset(self, seed): return np.full(2, np.nan, np.float32)\n"
        "    def step(self, action): return Step(observation=np.zeros(3), reward=0.0, done=True)\n"
        "    def score(self): return 0.0\n"
    )
    for ask in (data.check, lambda name, settings: data.load(name, settings, 0)):
        with pytest.raises(DataError) as told:
            ask("episodes", {"environment": f"{path}:Silent"})
        assert len(told.value.faults) == 3
        assert "step 0: the observation is not finite" in told.value.faults[0]
