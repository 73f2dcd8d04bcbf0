"""A classifier that also says what its last layer sees."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import networks
from mobilenn.convert.features import with_features
from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.core.errors import RecipeError
from mobilenn.core.precision import Precision
from mobilenn.runtime.judge import judge


def test_the_file_gives_what_the_logits_are_made_of(tmp_path):
    model = networks.make("mlp", {"input_shape": [6, 6, 1], "hidden": [5], "classes": 3})
    (tmp_path / "judge.tflite").write_bytes(to_flatbuffer(with_features(model), Precision.FLOAT32))
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 1)).astype(np.uint8)
    found = judge(tmp_path / "judge.tflite")({"image": images})
    assert set(found) == {"probabilities", "features"}
    assert found["features"].shape == (4, 5)
    kernel, bias = model.get_layer("logits").get_weights()
    logits = found["features"] @ kernel + bias
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(found["probabilities"], shares, atol=1e-5)
    np.testing.assert_allclose(found["probabilities"], model(images.astype(np.float32)), atol=1e-5)


def test_a_network_without_logits_cannot_judge():
    with pytest.raises(RecipeError, match="kmeans cannot judge"):
        with_features(networks.make("kmeans", {}))
