"""Whole episodes: what a policy reaches when it is played, by the measure of its environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mobilenn import environments
from mobilenn.environments import Environment
from mobilenn.environments._rollout import Act, Played, guided_actions, random_actions
from mobilenn.environments._rollout import play as rollout
from mobilenn.evaluate import Evaluation, Figure, Predict

# And the measure that the environment names: see figures_of.
FIGURES = {
    "mean_steps": Figure(),
    "mean_return": Figure(),
    "least_score": Figure(),
    "spread": Figure(higher_is_better=False),
    "optimum": Figure(where="the optimum of every episode is known"),
    "optimal": Figure(where="the optimum of every episode is known"),
}
BINS = 10


def figures_of(known: Mapping[str, Any]) -> dict[str, Figure]:
    """The measure by which an environment judges.

    Args:
        known: `environment` and `settings`; of data without an environment neither, and there is no measure.
    """
    return {_metric(known): Figure()} if "environment" in known else {}


def play(predict: Predict, split: Any) -> dict[str, np.ndarray]:
    """Plays the episodes of a split with a policy.

    Args:
        predict: takes `observation`, (N, …), and returns `action`, (N,) or (N, 1) whole numbers.
        split: its `context` holds `environment`, `settings` and `seeds`.

    Returns:
        `episode_actions` (E, T) int32, −1 after the end; `episode_returns`, `episode_scores` and `episode_optima`,
        (E,) float64, the last NaN where it is unknown.
    """

    def act(observations: np.ndarray, _: np.ndarray, __: Sequence[Environment]) -> np.ndarray:
        return np.asarray(predict({"observation": observations})["action"]).reshape(len(observations))

    return _recording(_rollout(split, act))


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges a policy by the mean score of the split's episodes; the environment names the measure.

    The details hold `episodes`; of steps and returns the mean and the least; `optimum`, the mean of the best scores
    possible, and `optimal`, the share of episodes that reach theirs, where they are known; `spread`, the standard
    deviation of the scores; and `histogram`, counts and edges of the scores.

    Args:
        predict: a policy, or what returns the recording that `play` made.
        split, labels: the test split, the names of the actions.
    """
    found = predict(split.inputs)
    played = found if "episode_scores" in found else play(predict, split)
    scores = np.asarray(played["episode_scores"], np.float64)
    return Evaluation(
        metric=_metric(split.context),
        value=float(scores.mean()),
        higher_is_better=True,
        details=_details(played, scores),
    )


def _metric(known: Mapping[str, Any]) -> str:
    return environments.make(known["environment"], known["settings"]).metric


def _details(played: Mapping[str, np.ndarray], scores: np.ndarray) -> dict[str, Any]:
    steps = (np.asarray(played["episode_actions"]) >= 0).sum(1)
    returns, optima = np.asarray(played["episode_returns"]), np.asarray(played["episode_optima"])
    counts, edges = np.histogram(scores, BINS)
    details: dict[str, Any] = {
        "episodes": len(scores),
        "mean_steps": float(steps.mean()),
        "mean_return": float(returns.mean()),
        "least_score": float(scores.min()),
        "spread": float(scores.std()),
        "histogram": {"counts": counts.tolist(), "edges": edges.tolist()},
    }
    if np.isfinite(optima).all():
        details |= {"optimum": float(optima.mean()), "optimal": float((scores >= optima - 1e-6).mean())}
    return details


def random(dataset: Any) -> float:
    """Mean score of actions drawn at random from those allowed, on the test episodes."""
    return float(_rollout(dataset.test, random_actions(0)).scores.mean())


def rule(dataset: Any) -> float:
    """Mean score of the environment's own simple rule, on the test episodes."""
    return float(_rollout(dataset.test, guided_actions(0, lambda numbers: np.ones(len(numbers)))).scores.mean())


BASELINES = {"random": random, "rule": rule}


def _rollout(split: Any, act: Act) -> Played:
    known = split.context
    return rollout(known["environment"], known["settings"], known["seeds"], act)


def _recording(played: Played) -> dict[str, np.ndarray]:
    return {
        "episode_actions": played.actions,
        "episode_returns": played.returns,
        "episode_scores": played.scores,
        "episode_optima": played.optima,
    }
