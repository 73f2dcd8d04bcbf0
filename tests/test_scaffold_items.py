"""A recipe of one's own from baskets or ratings."""

from __future__ import annotations

import pytest

from mobilenn.core import recipe as recipes
from mobilenn.core.errors import DataError
from mobilenn.scaffold import new_recipe


def test_a_csv_of_baskets_keeps_the_thresholds_and_counts_its_items(tmp_path):
    path = tmp_path / "baskets.csv"
    path.write_text("bread,butter,jam\nmilk,bread\ntea,milk\n" * 10, encoding="utf-8")
    made = recipes.load(str(new_recipe("mine", "rules", path, None, tmp_path / "mine")))
    known = recipes.load("rules")
    assert made.data == {
        "name": "baskets_csv",
        "path": str(path),
        **{k: known.data[k] for k in known.data if k != "name"},
    }
    assert made.config["items"] == 5
    assert not made.floor


def test_faults_of_the_baskets_are_listed_before_a_recipe_is_written(tmp_path):
    path = tmp_path / "baskets.csv"
    path.write_text("bread,butter\n\nmilk,bread\n" * 10, encoding="utf-8")
    with pytest.raises(DataError, match="10 faults"):
        new_recipe("mine", "rules", path, None, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_the_name_of_the_data_is_not_the_name_of_the_recipe(tmp_path):
    made = recipes.load(str(new_recipe("mine", "rules", None, None, tmp_path / "mine")))
    assert (made.name, made.data["name"]) == ("mine", "baskets")


def test_a_csv_of_ratings_needs_no_target(tmp_path):
    rows = [f"u{user},i{(user + step) % 7},5" for user in range(40) for step in range(3)]
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(["user,item,rating", *rows]), encoding="utf-8")
    made = recipes.load(str(new_recipe("mine", "recommender", path, None, tmp_path / "mine")))
    assert made.data == {"name": "ratings_csv", "path": str(path)}
    assert made.config["items"] == 7
