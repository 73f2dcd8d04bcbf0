"""A new recipe that generates images like those in a folder of one's own."""

from __future__ import annotations

from PIL import Image

from mobilenn.core import recipe as recipes
from mobilenn.scaffold import new_recipe


def test_sizes_stay_and_everyone_learns_of_the_folders_classes(tmp_path):
    for name in ("cats", "dogs", "owls"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (40, 30)).save(tmp_path / "photos" / name / "1.png")
    made = recipes.load(str(new_recipe("pets", "gan", tmp_path / "photos", None, tmp_path / "pets")))
    known = recipes.load("gan")
    assert made.data["name"] == "image_folder"
    assert (made.data["size"], made.data["channels"]) == (known.config["size"], known.config["channels"])
    assert made.config == {**known.config, "classes": 3}
    assert made.judge.config == {**known.judge.config, "classes": 4}
    assert made.floor == {}
