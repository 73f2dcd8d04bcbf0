"""The few lines of the pages that train a file do so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import tf_keras as keras
from PIL import Image

from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.convert.lloyd import lloyd_parts
from mobilenn.convert.training import training_parts
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Trainable, load
from mobilenn.networks import kmeans, mlp
from mobilenn.tflite.merge import SIGNATURE, merge

ROOT = Path(__file__).resolve().parents[2]
README, PALETTE = ROOT / "README.md", ROOT / "docs" / "palette.md"
COUNT = 32
COLOURS = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]], np.uint8)


def test_the_readme_fine_tunes_a_file(tmp_path, monkeypatch, capsys):
    section = README.read_text(encoding="utf-8").split("## Fine-tune on the phone")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.S)
    settings = load("mlp").variants["trainable"].trainable
    assert settings.batch_size == COUNT
    keras.utils.set_random_seed(0)
    model = mlp.build(mlp.Config(hidden=(16,)))
    parts = training_parts(model, Trainable(batch_size=COUNT))
    path = tmp_path / "out/mlp/trainable/model.tflite"
    path.parent.mkdir(parents=True)
    path.write_bytes(merge({SIGNATURE: to_flatbuffer(model, Precision.FLOAT32), **parts}))
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (COUNT, 28, 28, 1)).astype(np.float32)
    digits = generator.integers(0, 10, COUNT).astype(np.int32)
    known = {"images": images, "digits": digits}
    exec(compile(code, str(README), "exec"), known)
    assert known["made"]["loss"][0] < 0.1
    kept = np.load(tmp_path / "mine.npz")
    assert set(kept) == set(known["weights"])
    said = [known["infer"](image=image[None], **kept)["probabilities"].argmax() for image in images]
    np.testing.assert_array_equal(said, digits)
    assert capsys.readouterr().out.strip().startswith("[[")


def test_the_page_on_palettes_finds_the_colours_of_a_photo(tmp_path, monkeypatch, capsys):
    first, second = re.findall(r"```python\n(.*?)```", PALETTE.read_text(encoding="utf-8"), re.S)
    model = kmeans.build(kmeans.Config(features=3, clusters=3))
    model.set_weights([COLOURS.astype(np.float32)[::-1] / 2 + 60])
    path = tmp_path / "out/palette/trainable/model.tflite"
    path.parent.mkdir(parents=True)
    parts = lloyd_parts(model, load("kmeans").variants["trainable"].trainable)
    path.write_bytes(merge({SIGNATURE: to_flatbuffer(model, Precision.FLOAT32), **parts}))
    monkeypatch.chdir(tmp_path)
    photo = COLOURS[np.random.default_rng(0).integers(0, 3, (64, 64))]
    Image.fromarray(photo).save("photo.png")
    known = {}
    exec(compile(first, str(PALETTE), "exec"), known)
    lines = (tmp_path / "pixels.csv").read_text(encoding="utf-8").splitlines()
    assert (lines[0], len(lines)) == ("red,green,blue", 1 + 64 * 64)
    exec(compile(second, str(PALETTE), "exec"), known)
    np.testing.assert_allclose(known["colours"], COLOURS[::-1], atol=1e-3)
    assert known["losses"][0] > 100
    assert known["losses"][-1] == 0
    assert "250" in capsys.readouterr().out
