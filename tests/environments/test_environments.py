"""Names, settings, seeds, and environments of one's own by import path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mobilenn import environments
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.environments._faults import check
from mobilenn.environments._rollout import guided_actions, play, random_actions, replay

OWN = str(Path(__file__).with_name("corridor.py"))


def own(name="Corridor"):
    return f"{OWN}:{name}"


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(RecipeError) as told:
        environments.make("cartpol")
    assert "cartpole" in told.value.hint
    assert "package.module:Class" in told.value.hint


def test_an_unknown_setting_is_told_the_nearest():
    with pytest.raises(RecipeError, match="max_step"):
        environments.make("cartpole", {"max_step": 3})


def test_seeds_of_parts_keep_apart():
    drawn = {part: environments.seeds(part, 1000) for part in environments.PARTS}
    assert len({seed for seeds in drawn.values() for seed in seeds}) == 3000
    for part, seeds in drawn.items():
        assert {environments.part_of(seed) for seed in seeds} == {part}
    assert environments.seeds("test", 5) == environments.seeds("test", 5)
    assert environments.seeds("test", 5) != environments.seeds("test", 5, salt=1)


@pytest.mark.parametrize("name", ["Corridor", "WalledCorridor", "GymCorridor"])
def test_environments_of_ones_own_are_found_by_file(name):
    check(own(name))
    assert environments.make(own(name)).observation_shape[0] in (7, 9)


def test_environments_of_ones_own_are_found_by_module(tmp_path, monkeypatch):
    (tmp_path / "my_corridor_module.py").write_bytes(Path(OWN).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [entry for entry in __import__("sys").path if entry])
    made = environments.make("my_corridor_module:Corridor", {"length": 7})
    assert made.observation_shape == (9,)


def test_a_fingerprint_follows_the_source(tmp_path):
    copy = tmp_path / "corridor.py"
    copy.write_bytes(Path(OWN).read_bytes())
    first = environments.fingerprint(f"{copy}:Corridor")
    other = tmp_path / "other.py"
    other.write_text(copy.read_text() + "\n# changed\n")
    assert first == environments.fingerprint(own())
    assert first != environments.fingerprint(f"{other}:Corridor")
    assert environments.fingerprint("cartpole") == "cartpole 1"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module_anywhere:Corridor", "There is no module 'no_such_module_anywhere'"),
        ("nowhere.py:Corridor", "There is no environment file nowhere.py"),
        (own("Coridor"), "has no class 'Coridor'"),
        (own("Nothing"), "has no reset and no step"),
        (own("Silent"), "says nothing of its actions"),
        (own("Steering"), "The actions are"),
    ],
)
def test_an_import_that_fails_says_what_is_missing(name, said):
    with pytest.raises(RecipeError, match=said):
        environments.make(name)


def test_a_file_that_cannot_be_imported_says_why(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("1 / 0\n")
    with pytest.raises(RecipeError, match="ZeroDivisionError"):
        environments.make(f"{path}:Corridor")


def test_arguments_that_a_class_refuses_are_told():
    with pytest.raises(RecipeError, match="cannot be made: TypeError"):
        environments.make(own(), {"widht": 3})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("observation", "the observation is not finite"),
        ("reward", "the reward is nan"),
        ("shape", r"the observation has shape \(6,\); \(7,\) was declared"),
        ("endless", "the episode is not over after max_steps"),
        ("chance", "lead elsewhere when the episode is played again"),
    ],
)
def test_what_an_environment_must_not_do_is_listed(fault, said):
    with pytest.raises(DataError, match="cannot be learned in") as told:
        check(own(), {"fault": fault})
    assert told.value.faults
    assert all("seed " in line for line in told.value.faults)
    with pytest.raises(AssertionError) if said is None else pytest.raises(ValueError, match=said):
        raise ValueError("; ".join(told.value.faults))


def test_a_mask_that_is_not_in_the_observation_is_a_fault():
    with pytest.raises(DataError) as told:
        check(own("WalledCorridor"), {"fault": "mask"})
    assert "does not say which actions are allowed" in told.value.faults[0]


def test_an_environment_that_raises_is_a_fault(tmp_path):
    path = tmp_path / "raises.py"
    text = Path(OWN).read_text().replace("self._episodes += 1", "raise KeyError('door')")
    path.write_text(text)
    with pytest.raises(DataError) as told:
        check(f"{path}:Corridor")
    assert "KeyError: 'door'" in told.value.faults[0]


@pytest.mark.parametrize("old", [False, True])
def test_gym_s_interface_gives_the_same_episodes(old):
    seeds = environments.seeds("train", 20)
    ours = play(own(), {}, seeds, random_actions(3))
    gym = play(own("GymCorridor"), {"old": old}, seeds, random_actions(3))
    assert np.array_equal(ours.actions, gym.actions)
    np.testing.assert_allclose(ours.returns, gym.returns, atol=1e-6)
    assert np.isnan(gym.optima).all()


def test_a_recording_holds_what_was_done_and_can_be_played_again():
    seeds = environments.seeds("train", 300)  # more than are stepped together
    played = play(own(), {}, seeds, guided_actions(0, np.ones_like))
    assert np.array_equal(played.scores, np.ones(300))
    assert np.array_equal(played.steps, np.full(300, 2))
    assert played.actions.shape == (300, 2)
    frames = list(replay(own(), {}, seeds[0], played.actions[0]))
    assert len(frames) == 3
    assert not np.array_equal(frames[0], frames[-1])


def test_random_actions_keep_to_what_is_allowed():
    seeds = environments.seeds("train", 50)
    seen = []

    def act(observations, numbers, playing):
        actions = random_actions(len(seen))(observations, numbers, playing)
        seen.extend(env.legal()[action] for env, action in zip(playing, actions, strict=True))
        return actions

    play(own("WalledCorridor"), {}, seeds, act)
    assert seen
    assert all(seen)
