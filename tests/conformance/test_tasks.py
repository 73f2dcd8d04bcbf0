"""One kit for every task: what an evaluation measures is what the task's file declares, no more and no less."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mobilenn import data, evaluate, preflight
from mobilenn.core import recipe as recipes
from mobilenn.core.store import read_json
from mobilenn.core.vocabulary import END, PAD
from mobilenn.data import Split

CORRIDORS = Path(__file__).parents[1] / "environments" / "corridor.py"
LETTERS = tuple("abcdefghijkl")


def of_classes(count):
    rows = np.random.default_rng(count).dirichlet(np.ones(count), 40)
    split = Split(inputs={"features": rows}, targets=np.arange(40) % count)
    return split, LETTERS[:count], {"probabilities": rows}


def of_rows():
    rows = np.random.default_rng(0).normal(size=(40, 1))
    return Split(inputs={"features": rows}, targets=rows), (), {"value": rows + 0.1}


def of_clusters(labels):
    rows = np.random.default_rng(0).random((40, 3))
    split = Split(inputs={"features": rows}, targets=rows.argmax(1))
    return split, labels, {"probabilities": rows, "distances": 1 - rows}


def of_baskets():
    baskets = np.random.default_rng(0).random((40, 4)) < 0.5
    context = {"baskets": baskets, "support": 0.2, "confidence": 0.5, "most": 2}
    inputs = {"basket": baskets.astype(np.float32)}
    split = Split(inputs=inputs, targets=np.arange(40) % 4, context=context)
    return split, LETTERS[:4], {"probabilities": baskets * 0.5}


def of_likes():
    split = Split(inputs={"liked": np.eye(12, dtype=np.float32)}, targets=np.arange(12)[::-1])
    return split, LETTERS, {"probabilities": np.random.default_rng(0).random((12, 12))}


def of_lists():
    grades = np.arange(60).reshape(6, 10) % 4
    return Split(inputs={"features": grades[..., None]}, targets=grades), (), {"value": -grades}


def of_texts():
    rows = np.array([[4, 5, END, PAD], [6, END, PAD, PAD], [5, 4, 6, END]], np.int32)
    made = {"tokens": rows[::-1], "log_probability": np.full(rows.shape, -1.0)}
    return Split(inputs={"source": rows, "tokens": rows}, targets=rows), (), made


def of_images():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (30, 4, 4, 1)).astype(np.float32)

    def judge(inputs):
        rows = inputs["image"].reshape(len(inputs["image"]), -1)
        return {"probabilities": rows[:, :3] / 255, "features": rows[:, 3:6]}

    context = {"images": images[:10], "known": images[10:20], "labels": LETTERS[:2], "judge": judge}
    return SimpleNamespace(inputs={"latent": np.zeros((10, 2))}, context=context), (), {"image": images[20:]}


def of_episodes(name):
    settings = {"environment": f"{CORRIDORS}:{name}", "test": 4, "validation": 1}
    dataset = data.load("episodes", settings, 1)

    def goes_on(inputs):
        return {"action": np.ones(len(inputs["observation"]), np.int32)}

    return dataset.test, dataset.labels, evaluate.outputs("control", goes_on, dataset.test)


# By task, data of every kind that has other figures than the rest.
CASES = {
    "association": (of_baskets,),
    "classification": (lambda: of_classes(3), lambda: of_classes(6)),
    "clustering": (lambda: of_clusters(()), lambda: of_clusters(LETTERS[:3])),
    "control": (lambda: of_episodes("Corridor"), lambda: of_episodes("GymCorridor")),
    "generation": (of_images,),
    "language_model": (of_texts,),
    "ranking": (of_lists,),
    "recommendation": (of_likes,),
    "regression": (of_rows,),
    "summarisation": (of_texts,),
    "translation": (of_texts,),
}


@pytest.fixture(params=evaluate.names(), scope="module")
def judged(request):
    """A task, and by case: what it measures, as name and whether more is better or None, and what is declared."""
    cases = []
    for make in CASES[request.param]:
        split, labels, outputs = make()
        found = evaluate.evaluate(request.param, lambda _, made=outputs: made, split, labels)
        cases.append((found, evaluate.figures(request.param, split.context)))
    return request.param, cases


def measured(found):
    """Names of the metric and of the details that are single floats."""
    return {found.metric, *(name for name, value in found.details.items() if isinstance(value, float))}


def test_every_task_is_in_the_kit():
    assert set(CASES) == set(evaluate.names())


def test_it_measures_what_it_declares(judged):
    _, cases = judged
    for found, declared in cases:
        always = {name for name, figure in declared.items() if not figure.where}
        assert always <= measured(found) <= set(declared)
        assert declared[found.metric].higher_is_better == found.higher_is_better


def test_what_only_some_data_have_some_have_and_others_lack(judged):
    _, cases = judged
    some = {name for _, declared in cases for name, figure in declared.items() if figure.where}
    for name in some:
        assert {name in measured(found) for found, _ in cases} == {True, False}, name


@pytest.mark.parametrize("name", recipes.names())
def test_a_recipes_floors_and_its_recorded_figures_are_declared(name):
    recipe = recipes.load(name)
    preflight.check(recipe)
    declared = evaluate.figures(recipe.task, data.settings(recipe.data["name"], preflight._settings(recipe)))
    recorded = recipes.find(name).with_name("results.json")
    report = read_json(recorded)
    details = {key for key, value in report["float"]["details"].items() if isinstance(value, float)}
    assert {report["metric"], *details} <= set(declared)
    assert declared[report["metric"]].higher_is_better == report["higher_is_better"]
