"""The networks as their papers have them."""

from __future__ import annotations

import pytest

from mobilenn import networks
from mobilenn.core.errors import MissingExtraError, RecipeError
from mobilenn.networks import alexnet, googlenet, vgg

LARGE = [
    (name, label, *entry)
    for name in networks.names()
    for label, entry in networks.module(name).PUBLISHED.items()
    if entry[1] > 20_000_000
]


@pytest.mark.parametrize(("name", "label", "config", "parameters"), LARGE)
def test_large_networks_have_their_published_parameters(name, label, config, parameters):
    assert networks.module(name).build(config).count_params() == parameters


def test_alexnet_has_five_convolutions_and_three_dense_layers():
    model = alexnet.build(alexnet.TINY)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Conv2D") == 5
    assert kinds.count("Dense") == 3
    assert kinds.count("LocalResponseNormalization") == 2
    pools = [layer for layer in model.layers if type(layer).__name__ == "MaxPooling2D"]
    assert all(pool.pool_size == (3, 3) and pool.strides == (2, 2) for pool in pools)


def test_googlenet_has_nine_inception_modules_and_ships_without_auxiliary_heads():
    model = googlenet.build(googlenet.TINY)
    assert sum(type(layer).__name__ == "Concatenate" for layer in model.layers) == 9
    assert model.output_names == ["probabilities"]
    training, weights = googlenet.build_for_training(googlenet.TINY)
    assert training.output_names == ["probabilities", "auxiliary1", "auxiliary2"]
    assert weights == {"auxiliary1": 0.3, "auxiliary2": 0.3}


@pytest.mark.parametrize(("depth", "convolutions"), [(11, 8), (13, 10), (16, 13), (19, 16)])
def test_vgg_counts_its_layers(depth, convolutions):
    model = vgg.build(vgg.Config(depth=depth, input_size=32, classes=3, width=0.05))
    assert sum(type(layer).__name__ == "Conv2D" for layer in model.layers) == convolutions
    assert all(layer.kernel_size == (3, 3) for layer in model.layers if type(layer).__name__ == "Conv2D")


@pytest.mark.parametrize(
    ("name", "config", "word"),
    [
        ("alexnet", {"input_size": 40}, "input_size"),
        ("alexnet", {"towers": 3}, "towers"),
        ("vgg", {"depth": 12}, "depth"),
        ("vgg", {"input_size": 16}, "input_size"),
        ("googlenet", {"width": 0.0}, "width"),
        ("c3d", {"frames": 1}, "frames"),
        ("mlp", {"input_shape": [3, 3]}, "input_shape"),
        ("mlp", {"dropout": 1.0}, "dropout"),
        ("perceptron", {"activation": "relu"}, "activation"),
    ],
)
def test_configs_that_cannot_be_built_are_named(name, config, word):
    with pytest.raises(RecipeError, match=word):
        networks.make(name, config)


def test_an_unknown_network_names_the_nearest():
    with pytest.raises(RecipeError, match="Did you mean 'googlenet'"):
        networks.make("googelnet", {})


def test_without_tensorflow_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"mobilenn\[train\]"):
        networks.make("mlp", {})


OWN = """
from dataclasses import dataclass
import tf_keras as keras

@dataclass(frozen=True, kw_only=True)
class Config:
    units: int = 3

def build(config):
    features = keras.layers.Input((2,), name="features")
    return keras.Model(features, keras.layers.Dense(config.units, "softmax", name="probabilities")(features))
"""


def test_a_network_of_ones_own_is_a_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    assert networks.make(str(path), {"units": 5}).output_shape == (None, 5)
    path.write_text("Config = 1")
    with pytest.raises(RecipeError, match="lacks build"):
        networks.make(str(path), {})
    path.write_text("1 / 0")
    with pytest.raises(RecipeError, match="ZeroDivisionError"):
        networks.make(str(path), {})
    with pytest.raises(RecipeError, match="no network file"):
        networks.make(str(tmp_path / "none.py"), {})
