"""RankNet's loss, pair by pair, and a network that it teaches."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import data
from mobilenn.core.errors import RecipeError
from mobilenn.evaluate import evaluate
from mobilenn.train.objective import ranknet_loss
from mobilenn.train.supervised import train


def test_the_loss_is_the_mean_over_pairs_of_different_grade():
    grades, scores = np.array([[2.0, 0, 2, 1], [3, 3, 3, 3]]), np.array([[0.5, 1.0, -1.0, 0.0], [1, 2, 3, 4]])
    pairs = [(i, j) for i in range(4) for j in range(4) if grades[0, i] > grades[0, j]]
    expected = np.mean([np.log1p(np.exp(scores[0, j] - scores[0, i])) for i, j in pairs])
    np.testing.assert_allclose(ranknet_loss(grades, scores.astype(np.float32)), [expected, 0.0], rtol=1e-6)


def test_a_network_learns_to_sort(request_for):
    queries = data.load("queries", {"queries": 200, "documents": 8}, 1)
    config = {"documents": 8, "features": 10, "hidden": [8]}
    request = request_for(network="ranking", task="ranking", config=config, epochs=4, learning_rate=0.02)
    model = train(request, queries).model
    watched = queries.validation
    found = evaluate("ranking", lambda inputs: {"value": model(inputs["features"]).numpy()}, watched, ())
    assert found.value > 0.8


def test_a_list_of_another_length_is_refused(request_for):
    queries = data.load("queries", {"queries": 40, "documents": 8}, 1)
    with pytest.raises(RecipeError, match="features 7×10, and the data give features 8×10"):
        train(request_for(network="ranking", task="ranking", config={"documents": 7}), queries)
