"""A recipe of one's own from a folder of sound."""

from __future__ import annotations

import wave

import numpy as np
import pytest

from mobilenn import data
from mobilenn.core import recipe as recipes
from mobilenn.scaffold import new_recipe

LIKE = """
summary = "words"
task = "classification"
network = "recurrent"

[config]
source = "audio"
length = 16000
classes = 12

[data]
name = "keywords"
clips = 7200

[floor]
accuracy = 0.9

[variants.float32]
precision = "float32"
"""


@pytest.mark.parametrize("noise", [True, False])
def test_a_folder_of_sound_is_read_as_one_and_its_classes_are_counted(tmp_path, noise):
    (tmp_path / "like.toml").write_text(LIKE, encoding="utf-8")
    for name in ("go", "no", "stop", *(["_background_noise_"] if noise else [])):
        (tmp_path / "wavs" / name).mkdir(parents=True)
        for number in range(4):
            with wave.open(str(tmp_path / "wavs" / name / f"{number}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(16000)
                file.writeframes(np.full(20_000, number, "<i2").tobytes())
    (tmp_path / "wavs" / "testing_list.txt").write_text("go/0.wav\n", encoding="utf-8")
    made = recipes.load(
        str(new_recipe("mine", str(tmp_path / "like.toml"), tmp_path / "wavs", None, tmp_path / "mine"))
    )
    assert made.data == {"name": "audio_folder", "path": str((tmp_path / "wavs").resolve())}
    assert made.floor == {}
    assert made.config["classes"] == 3 + noise
    assert len(data.load("audio_folder", {"path": made.data["path"]}, 1).labels) == 3 + noise


def test_a_folder_with_pictures_in_it_is_one_of_images(tmp_path):
    (tmp_path / "like.toml").write_text(LIKE, encoding="utf-8")
    (tmp_path / "mixed" / "a").mkdir(parents=True)
    for name in ("a.png", "a.wav"):
        (tmp_path / "mixed" / "a" / name).write_bytes(b"")
    made = recipes.load(
        str(new_recipe("mine", str(tmp_path / "like.toml"), tmp_path / "mixed", None, tmp_path / "mine"))
    )
    assert made.data["name"] == "image_folder"
