"""What a recipe asks for in vain is said before anything is trained."""

from __future__ import annotations

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
        ("mlp", "network=none.py", "those of --set to the working folder"),
        ("cartpole", "data.environment=none.py:Pole", "those of --set to the working folder"),
    ],
)
def test_what_cannot_be_is_said_at_once(name, setting, message):
    with pytest.raises(RecipeError) as caught:
        preflight.check(recipes.load(name, [setting]))
    assert message in str(caught.value)
