"""Recipes by name and path, overridden, checked, and refused in one line."""

from __future__ import annotations

import pytest

from mobilenn.core import recipe as recipes
from mobilenn.core.errors import RecipeError
from mobilenn.core.precision import Precision

TEXT = """
summary = "a test"
task = "classification"
network = "mlp"

[data]
name = "digits"

[train]
epochs = 2

[variants.float32]
precision = "float32"

[variants.small]
precision = "int8"
prune = { sparsity = 0.5 }
cluster = {}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "recipe.toml").write_text(TEXT)
    return tmp_path / "mine"


@pytest.mark.parametrize("tail", ["", "/recipe.toml"])
def test_a_path_to_the_file_or_its_folder_is_taken(folder, tail):
    recipe = recipes.load(f"{folder}{tail}")
    assert recipe.name == "mine"
    assert recipe.variants["float32"].precision is Precision.FLOAT32
    assert [step for step, _ in recipe.variants["small"].steps] == ["prune", "cluster"]


def test_every_shipped_recipe_loads_and_bears_its_folders_name():
    assert recipes.names()
    for name in recipes.names():
        assert recipes.load(name).name == name


def test_the_shipped_recipes_are_those_the_project_promises():
    promised = {"mlp", "alexnet", "vgg", "googlenet", "c3d", "backpropagation", "perceptron"}
    promised |= {"diabetes", "autompg", "breast_cancer", "rules", "kmeans", "ranking", "recommender"}
    assert promised <= set(recipes.names())


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("train.epochs=5", lambda r: r.train["epochs"] == 5),
        ("data.name=wine", lambda r: r.data["name"] == "wine"),
        ("config.hidden=[8, 8]", lambda r: r.config["hidden"] == [8, 8]),
        ('variants.extra={precision = "float16"}', lambda r: r.variants["extra"].precision is Precision.FLOAT16),
        ("max_drop=0.5", lambda r: r.max_drop == 0.5),
    ],
)
def test_settings_override_keys(folder, setting, found):
    assert found(recipes.load(str(folder), [setting]))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("nonsense", "not a setting"),
        ("=3", "not a setting"),
        ("network.x=1", "plain value"),
        ("colour=1", "Unknown key 'colour'"),
        ("max_drop=-1", "max_drop is -1"),
        ("variants.float32.precision=int9", "int9"),
        ("variants.float32.qat={}", "QAT trains for int8"),
        ('variants.keras={precision = "int8"}', "cannot name a variant"),
        ('variants.UPPER={precision = "int8"}', "cannot name a variant"),
        ("variants={}", "names no variant"),
        ("data={}", "lacks the key 'name'"),
        ("variants.small.representative=0", "calibration"),
        ("prefer=training", "no variant can be trained"),
        ("prefer=speed", "prefer is 'speed'"),
    ],
)
def test_bad_settings_are_named(folder, setting, message):
    with pytest.raises(RecipeError) as caught:
        recipes.load(str(folder), [setting])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("baselines.lead={}", "neither or both"),
        ('baselines.lead={method="lead", config={width=1}}', "neither or both"),
        ('baselines."No!"={method="lead"}', "cannot name a baseline"),
        ('baselines.lead={methods="lead"}', "Unknown key 'methods'"),
    ],
)
def test_a_baseline_is_trained_or_computed(folder, setting, message):
    with pytest.raises(RecipeError, match=message):
        recipes.load(str(folder), [setting])


def test_paths_in_a_recipe_are_relative_to_it(folder):
    text = TEXT.replace("[data]\n", '[data]\npath = "photos"\nenvironment = "pole.py:Pole"\n')
    (folder / "recipe.toml").write_text(f'network = "net.py"\n{text}'.replace('network = "mlp"\n', ""))
    recipe = recipes.load(str(folder))
    assert recipe.data["path"] == str(folder / "photos")
    assert recipe.network == str(folder / "net.py")
    assert recipe.data["environment"] == f"{folder / 'pole.py'}:Pole"


def test_paths_on_the_command_line_are_relative_to_the_working_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = ["data.path=photos", "network=net.py", "data.environment=pole.py:Pole", "data.name=csv"]
    recipe = recipes.load(str(folder.resolve()), settings)
    assert recipe.data["path"] == str(tmp_path / "photos")
    assert recipe.data["environment"] == f"{tmp_path / 'pole.py'}:Pole"
    assert recipe.network == str(tmp_path / "net.py")
    assert recipe.data["name"] == "csv"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("alexnt", "Did you mean 'alexnet'"),
        ("./none.toml", "no recipe file"),
        ("a/b", "no recipe file"),
        ("", "no recipe"),
    ],
)
def test_what_is_not_there_is_said(reference, message):
    with pytest.raises(RecipeError) as caught:
        recipes.load(reference)
    assert message in str(caught.value)


def test_broken_toml_is_one_line(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"a = [1,\xff")
    with pytest.raises(RecipeError, match="not valid TOML"):
        recipes.load(str(tmp_path / "x.toml"))


def test_a_variant_can_be_made_trainable(folder):
    recipe = recipes.load(str(folder), ["variants.float32.trainable.batch_size=16"])
    assert recipe.variants["float32"].trainable == recipes.Trainable(batch_size=16)
    for setting, found in (
        ("variants.float32.trainable.batch_size=0", "batch_size is 0"),
        ("variants.float32.trainable.layers=-1", "layers is -1"),
        ("variants.float32.trainable.layer=1", "Unknown key 'layer'"),
        ("variants.small.trainable.layers=1", "'small' asks to be trainable as int8"),
    ):
        with pytest.raises(RecipeError, match=found):
            recipes.load(str(folder), [setting])
