"""What a recipe asks for in vain is said before anything is trained."""

from __future__ import annotations

import time

import pytest

from mobilenn import preflight
from mobilenn.core import recipe as recipes
from mobilenn.core.errors import RecipeError


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("cartpole", "variants.int8.prune.sparsity=0.5", "the step prune, which trains on"),
        ("kmeans", "variants.int8.qat.epochs=1", "the step qat, which trains on"),
        ("gan", "variants.int8.cluster.clusters=8", "the step cluster, which trains on"),
        ("maze", "train={epochs=1}", "the scheme supervised cannot teach it"),
        ("gan", "train={scheme='clustering'}", "the scheme clustering cannot teach it"),
        ("mlp", "floor.acuracy=0.9", "[floor] names 'acuracy', which is not measured. Did you mean 'accuracy'?"),
        ("wine", "floor={confusion=0.9}", "names 'confusion', which is not measured. Allowed: accuracy,"),
        ("rules", "floor.rules=100", "names 'rules', which is not measured"),
        ("maze", "floor.share_of_optimum=0.9", "mean_return, mean_steps, optimal, optimum, solved, spread"),
        ("maze", "data={name='episodes'}", "names 'solved', which is not measured"),
        ("maze", "data={name='iris'}", "names 'solved', which is not measured"),
        ("mlp", "network=none.py", "those of --set to the working folder"),
        ("cartpole", "data.environment=none.py:Pole", "those of --set to the working folder"),
    ],
)
def test_what_cannot_be_is_said_at_once(name, setting, message):
    started = time.perf_counter()
    with pytest.raises(RecipeError) as caught:
        preflight.check(recipes.load(name, [setting]))
    assert time.perf_counter() - started < 1.0
    assert message in str(caught.value)
