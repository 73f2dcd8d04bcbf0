"""Policies learn from episodes, repeat, and go on after a kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from mobilenn import data as datasets
from mobilenn import environments
from mobilenn.core.errors import DataError, MobilennError, RecipeError
from mobilenn.core.records import from_dict
from mobilenn.environments._agents import FromAgents
from mobilenn.environments._rollout import play
from mobilenn.train import reinforcement
from mobilenn.train._agents import array_spec
from mobilenn.train.agent_config import AgentConfig
from mobilenn.train.choice_learner import Ordered
from mobilenn.train.config import TrainConfig
from mobilenn.train.crew import Crew
from mobilenn.train.py_environment import AsPyEnvironment
from mobilenn.train.supervised import TrainRequest, train

OWN = Path(__file__).parents[1] / "environments" / "corridor.py"
SHORT = {"environments": 8, "steps": 60, "reward_scale": 1.0, "discount": 0.9}
AGENTS = {
    "dqn": {**SHORT, "warmup": 100, "exploration_epochs": 2, "target_period": 20, "ahead": 2, "updates": 2},
    "ppo": {**SHORT, "horizon": 10, "updates": 3},
    "reinforce": {**SHORT, "horizon": 20, "steps": 300},
}


def data(name="Corridor", **settings):
    return datasets.load(
        "episodes",
        {"environment": f"{OWN}:{name}", "settings": settings, "validation": 20, "test": 20, "observations": 50},
        seed=1,
    )


def request(folder, algorithm, name="Corridor", **changes):
    masked = name == "WalledCorridor"
    table = {"scheme": "reinforcement", "epochs": 4, "batch_size": 32, "learning_rate": 0.01}
    table |= {"agent": {"algorithm": algorithm, **AGENTS[algorithm], **changes.pop("agent", {})}, **changes}
    return TrainRequest(
        network="policy",
        config={"observation_shape": [9 if masked else 7], "actions": 2, "hidden": [16], "masked": masked},
        task="control",
        settings=from_dict(TrainConfig, table, "[train]"),
        seed=5,
        out_dir=folder,
    )


def solved(model, split):
    def act(observations, numbers, playing):
        return model(observations)[1].numpy()

    known = split.context
    return play(known["environment"], known["settings"], known["seeds"], act)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("ppo", "reinforce")]  # they take long to be traced


@pytest.mark.parametrize("algorithm", ["dqn", *SLOW])
def test_a_corridor_is_learned(tmp_path, algorithm):
    found = data()
    told = []
    result = train(request(tmp_path, algorithm), found, told.append)
    played = solved(result.model, found.test)
    assert played.scores.mean() == 1.0
    assert played.steps.max() == 2
    assert max(result.history["val_solved"]) == 1.0
    assert len(result.history["loss"]) == 4
    assert told[-1]["epoch"] == told[-1]["epochs"] == 4


def test_what_is_forbidden_is_never_done(tmp_path):
    found = data("WalledCorridor")
    model = train(request(tmp_path, "dqn", "WalledCorridor"), found).model
    forbidden = []

    def act(observations, numbers, playing):
        actions = model(observations)[1].numpy()
        forbidden.extend(not env.legal()[action] for env, action in zip(playing, actions, strict=True))
        return actions

    known = found.test.context
    assert play(known["environment"], {}, known["seeds"], act).scores.mean() == 1.0
    assert not any(forbidden)


@pytest.mark.parametrize("algorithm", ["dqn", SLOW[0]])
def test_a_run_that_was_killed_ends_as_one_that_was_not(tmp_path, monkeypatch, algorithm):
    monkeypatch.setattr(reinforcement, "SAVED_EVERY_S", 0.0)
    found = data()
    whole = train(request(tmp_path / "whole", algorithm), found)

    def kill(event):
        if event.get("epoch") == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("mobilenn.train.events.INTERVAL_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        train(request(tmp_path / "killed", algorithm), found, kill)
    assert (tmp_path / "killed" / "checkpoint" / "checkpoint.npz").is_file()
    epochs = []
    resumed = train(request(tmp_path / "killed", algorithm), found, lambda event: epochs.append(event["epoch"]))
    assert min(epochs) == 3
    assert resumed.history == whole.history
    for one, other in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_weights_of_the_best_epoch_are_kept_and_patience_ends_a_run(tmp_path, monkeypatch):
    scores = iter([0.2, 0.9, 0.9, 0.1, 0.3, 0.4])
    weights = []

    def validation(model, known):
        def validate():
            weights.append(model.get_weights())
            return next(scores)

        return validate

    monkeypatch.setattr(reinforcement, "_validation", validation)
    asked = request(tmp_path, "dqn", epochs=6, early_stopping=3, agent={"steps": 20})
    result = train(asked, data())
    assert result.history["val_solved"] == [0.2, 0.9, 0.9, 0.1, 0.3]
    for one, other in zip(result.model.get_weights(), weights[2], strict=True):  # of equal ones the last
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("fault", "said"), [("reward", "the reward is nan"), ("observation", "the observation is not finite")]
)
def test_an_environment_that_breaks_its_word_late_is_told_by_seed_and_step(fault, said):
    crew = Crew(f"{OWN}:Corridor", {"fault": fault, "after": 3}, 2, np.random.default_rng(0))
    with pytest.raises(DataError, match="broke its word") as told:
        list(map(crew.advance, [np.ones(2, np.int64)] * 100))
    assert said in told.value.faults[0]
    assert told.value.faults[0].startswith("seed ")


def test_a_run_that_diverges_says_so(tmp_path):
    with pytest.raises(MobilennError, match="diverged in epoch 1") as told:
        train(request(tmp_path, "dqn", agent={"ahead": 1}), data(fault="huge"))
    assert "train.learning_rate" in told.value.hint


def test_a_network_that_ignores_the_mask_is_refused(tmp_path):
    asked = request(tmp_path, "dqn", "WalledCorridor")
    asked = replace(asked, config={**asked.config, "masked": False})
    with pytest.raises(RecipeError, match="does not look for") as told:
        train(asked, data("WalledCorridor"))
    assert "config.masked = true" in told.value.hint


def test_another_task_is_refused(tmp_path):
    rows = np.zeros((20, 7), np.float32)
    split = datasets.Split(inputs={"observation": rows}, targets=np.arange(20) % 2)
    other = datasets.Dataset(
        train=split, validation=split, test=split, labels=("back", "on"), description="", preprocessing={}
    )
    with pytest.raises(RecipeError, match="cannot train policy"):
        train(request(tmp_path, "dqn"), other)


def test_settings_of_another_scheme_or_algorithm_are_refused(tmp_path):
    with pytest.raises(RecipeError, match="label_smoothing"):
        train(request(tmp_path, "dqn", label_smoothing=0.1), data())
    with pytest.raises(RecipeError, match="has no place in ppo"):
        AgentConfig(algorithm="ppo", replay=500)
    with pytest.raises(RecipeError, match="discount is"):
        AgentConfig(discount=1.5)


def test_an_epoch_is_cut_up_into_rounds():
    assert AgentConfig(steps=25).rounds == (10, 10, 5)
    assert AgentConfig(steps=25, updates=3).descents == 75
    assert AgentConfig(algorithm="ppo", steps=128).rounds == (64, 64)
    assert AgentConfig(algorithm="ppo", steps=128).descents == 20


def test_a_crew_is_put_back_where_it_stood():
    crews = [Crew(f"{OWN}:Corridor", {}, 3, np.random.default_rng(seed)) for seed in (1, 2)]
    generator = np.random.default_rng(0)
    for _ in range(7):
        crews[0].advance(generator.integers(0, 2, 3))
    crews[1].restore(crews[0].state())
    np.testing.assert_array_equal(crews[0].observations, crews[1].observations)
    for crew in crews:
        crew.generator = np.random.default_rng(9)
    for _ in range(20):
        actions = generator.integers(0, 2, 3)
        one, other = (crew.advance(actions) for crew in crews)
        np.testing.assert_array_equal(one.following, other.following)
        np.testing.assert_array_equal(one.done, other.done)
    assert crews[0].scores()[-3:] == crews[1].scores()[-3:]


class Stranger(AsPyEnvironment):
    """A PyEnvironment of a user's own, as TF-Agents wants them."""

    max_steps = 10

    def __init__(self):
        self._seed = 0
        super().__init__(environments.make(f"{OWN}:Corridor"), iter(lambda: self._seed, None))

    def seed(self, seed=None):
        self._seed = seed


def test_a_py_environment_gives_the_same_episodes_as_what_it_stands_for():
    theirs, ours = FromAgents(Stranger()), environments.make(f"{OWN}:Corridor")
    assert (theirs.observation_shape, len(theirs.actions), theirs.max_steps) == ((7,), 2, 10)
    generator = np.random.default_rng(4)
    for seed in environments.seeds("train", 10):
        np.testing.assert_array_equal(theirs.reset(seed), ours.reset(seed))
        done = False
        while not done:
            action = int(generator.integers(2))
            one, other = theirs.step(action), ours.step(action)
            np.testing.assert_array_equal(one.observation, other.observation)
            assert one.reward == pytest.approx(other.reward)
            assert (one.done, one.truncated) == (other.done, other.truncated)
            done = one.done


def test_a_py_environment_of_several_choices_is_refused():
    stranger = Stranger()
    stranger._acted = array_spec.ArraySpec((2,), np.float32)
    with pytest.raises(RecipeError, match="The actions are"):
        FromAgents(stranger)


def test_the_optimizer_sees_gradients_in_one_order_whatever_that_of_the_agent():
    seen = []
    variables = [tf.Variable([float(i)], name="kernel") for i in range(5)]
    optimizer = SimpleNamespace(apply_gradients=lambda pairs: seen.append([float(g) for g, _ in pairs]))
    ordered = Ordered(optimizer, variables)
    pairs = [(tf.constant(float(i)), variable) for i, variable in enumerate(variables)]
    for order in ([4, 2, 0, 1, 3], [1, 0, 3, 4, 2]):
        ordered.apply_gradients([pairs[place] for place in order])
    assert seen == [[0.0, 1.0, 2.0, 3.0, 4.0]] * 2
