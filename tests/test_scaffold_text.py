"""A recipe of one's own from texts."""

from __future__ import annotations

import pytest

from mobilenn import data
from mobilenn.core import recipe as recipes
from mobilenn.scaffold import new_recipe

LIKE = """
summary = "texts"
task = "classification"
network = "text_attention"

[config]
vocabulary = 400
length = 16
classes = 10

[data]
name = "docstring_topics"
length = 16
vocabulary = 400
most = 2000

[floor]
accuracy = 0.7

[variants.float32]
precision = "float32"
"""
PAIRS = LIKE.replace("length = 16\nvocabulary = 400\nmost = 2000", "source_length = 16\ntarget_length = 8")


@pytest.fixture
def like(tmp_path):
    (tmp_path / "like.toml").write_text(LIKE, encoding="utf-8")
    return str(tmp_path / "like.toml")


def texts(folder):
    for label in ("cat", "cow", "dog"):
        (folder / label).mkdir(parents=True)
        for number in range(5):
            (folder / label / f"{number}.txt").write_text(f"text {number} on a {label}", encoding="utf-8")
    return folder


def test_a_folder_of_texts_keeps_the_networks_lengths_and_counts_its_classes(tmp_path, like):
    made = recipes.load(str(new_recipe("mine", like, texts(tmp_path / "texts"), None, tmp_path / "mine")))
    assert made.data == {
        "name": "text_folder",
        "path": str((tmp_path / "texts").resolve()),
        "length": 16,
        "vocabulary": 400,
    }
    assert made.config["classes"] == 3
    assert made.floor == {}
    settings = {key: value for key, value in made.data.items() if key != "name"}
    assert data.load("text_folder", settings, 1).labels == ("cat", "cow", "dog")


def test_a_tsv_is_texts_with_labels(tmp_path, like):
    rows = "".join(f"{label}\ttext {i} on a {label}\n" for i in range(10) for label in ("cat", "dog"))
    (tmp_path / "t.tsv").write_text(rows, encoding="utf-8")
    made = recipes.load(str(new_recipe("mine", like, tmp_path / "t.tsv", None, tmp_path / "mine")))
    assert made.data["name"] == "text_folder"
    assert made.config["classes"] == 2


def test_a_tsv_is_pairs_where_the_recipe_learns_from_pairs(tmp_path):
    (tmp_path / "like.toml").write_text(PAIRS, encoding="utf-8")
    (tmp_path / "t.tsv").write_text("a\tb\n" * 12, encoding="utf-8")
    made = recipes.load(
        str(new_recipe("mine", str(tmp_path / "like.toml"), tmp_path / "t.tsv", None, tmp_path / "mine"))
    )
    assert made.data["name"] == "tsv"
    assert (made.data["source_length"], made.data["target_length"]) == (16, 8)
