"""Episodes in a report: strips, films, scores."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mobilenn import data, evaluate
from mobilenn.report import html, markdown, view_episodes, view_errors
from mobilenn.report.figures.film import MAX_BYTES, MOMENTS, film_gif, strip_png
from mobilenn.report.schema import parse
from mobilenn.samples import samples

OWN = Path(__file__).parents[1] / "environments" / "corridor.py"


def decoded(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_a_strip_shows_the_first_and_the_last_moment():
    frames = [np.full((4, 6, 3), shade, np.uint8) for shade in range(0, 200, 2)]
    picture = np.asarray(decoded(strip_png(frames)).convert("RGB"))
    assert picture.shape == (4, 6 * MOMENTS + 3 * (MOMENTS - 1), 3)
    assert abs(int(picture[0, 0, 0]) - 0) < 8
    assert abs(int(picture[0, -1, 0]) - 198) < 8
    assert decoded(strip_png(frames[:2])).size == (6 * 2 + 3, 4)


def test_a_film_moves_and_stays_small():
    generator = np.random.default_rng(0)
    quiet = [np.full((8, 8, 3), shade, np.uint8) for shade in (0, 120, 240)]
    film = decoded(film_gif(quiet))
    assert (film.n_frames, film.info["loop"]) == (3, 0)
    noisy = [generator.integers(0, 256, (120, 240, 3)).astype(np.uint8) for _ in range(150)]
    uri = film_gif(noisy)
    assert len(base64.b64decode(uri.partition(",")[2])) <= MAX_BYTES
    assert 1 < decoded(uri).n_frames < 150
    assert decoded(uri).width <= 200


@pytest.fixture(scope="module")
def played():
    dataset = data.load("episodes", {"environment": f"{OWN}:Corridor", "test": 30, "validation": 4}, 1)
    ways = {
        "float": lambda inputs: {"values": inputs["observation"][:, :2], "action": _towards(inputs)},
        "int8": lambda inputs: {"values": inputs["observation"][:, :2], "action": 0 * _towards(inputs)},
    }
    return dataset, {name: evaluate.outputs("control", way, dataset.test) for name, way in ways.items()}


def _towards(inputs):
    return inputs["observation"][:, 1].astype(np.int32)


def test_episodes_of_the_shown_file_come_its_worst_first(played):
    dataset, outputs = played
    shown = samples(dataset, outputs, ("float", "int8"))
    first = shown[0]
    assert first["predictions"] == {
        "float": {"label": "100.00 %", "confidence": None},
        "int8": {"label": "0.00 %", "confidence": None},
    }
    assert first["target"] == "100.00 %"
    assert [bool(sample.get("film")) for sample in shown] == [True, False, True, False, False, False]
    assert all(sample["image"].startswith("data:image/png;base64,") for sample in shown)
    film = decoded(first["film"])
    row = outputs["int8"]["episode_actions"][first["index"]]
    assert film.n_frames == (row >= 0).sum() + 1 or film.n_frames > 1


def test_without_a_recommended_file_the_float_model_is_shown(played):
    dataset, outputs = played
    assert samples(dataset, {"float": outputs["float"]}, ("float", ""))[0]["image"]


def of_episodes(classification, played):
    dataset, outputs = played
    made = json.loads(json.dumps(classification))
    made["samples"] = samples(dataset, outputs, ("float", "int8"))
    for name in ("float", *made["variants"]):
        row = made["float"] if name == "float" else made["variants"][name]
        if row.get("details"):
            found = evaluate.evaluate("control", lambda _: outputs["float"], dataset.test, ())
            row["details"] = dict(found.details)
    return parse(made)


def test_pages_show_films_scores_and_call_episodes_so(pristine, played):
    found = of_episodes(pristine, played)
    page = html.render(found)
    assert page.count("data:image/gif;base64,") == 2
    assert "Scores of the test episodes" in page
    assert "Episodes of the test split" in page
    assert "Best possible" in page
    assert [spread.model for spread in view_episodes.spreads(found)] == [found.recommended, "float"]
    text = markdown.render(found)
    assert "## Episodes of the test split" in text
    assert "data:image" not in text


def test_other_tasks_have_no_episodes(pristine):
    assert view_episodes.spreads(parse(pristine)) == []
    assert "Episodes of" not in html.render(parse(pristine))


@pytest.mark.parametrize(
    "film", ["javascript:alert(1)", 'data:image/gif;base64,R0lGOD"onload=', "data:image/gif;base64,AA"]
)
def test_what_is_no_film_is_not_shown(pristine, film):
    made = json.loads(json.dumps(pristine))
    made["samples"][0]["film"] = film
    assert not any(row.film for row in view_errors.sample_rows(parse(made)))


@pytest.mark.parametrize(
    "kept", [{}, {"counts": [1], "edges": [0]}, {"counts": [], "edges": [1]}, 3, {"counts": [0], "edges": [0, 1]}]
)
def test_a_histogram_that_is_none_is_left_out(pristine, kept):
    made = json.loads(json.dumps(pristine))
    made["float"]["details"]["histogram"] = kept
    assert "float" not in [spread.model for spread in view_episodes.spreads(parse(made))]
