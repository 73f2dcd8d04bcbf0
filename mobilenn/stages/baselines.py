"""What the network has to be at least as good as: trained with another config, or computed without one."""

from __future__ import annotations

from typing import Any

from mobilenn.core import records
from mobilenn.core.recipe import Baseline
from mobilenn.evaluate import baseline as computed
from mobilenn.stages import keras
from mobilenn.stages.workplace import Workplace


def measure(place: Workplace) -> dict[str, dict[str, Any]]:
    """Returns `metric` on the test split and `parameters` (None where computed) of each baseline, by name."""
    return {name: _measured(place, name, baseline) for name, baseline in place.recipe.baselines.items()}


def folder_of(name: str) -> str:
    """The baseline's folder below `stages`."""
    return f"baseline-{name}"


def _measured(place: Workplace, name: str, baseline: Baseline) -> dict[str, Any]:
    recipe, stage = place.recipe, folder_of(name)
    asked = {"task": recipe.task, "baseline": records.to_dict(baseline)}
    made = {"parameters": None} if baseline.method else keras.train(place, stage, baseline.config or {})
    parent = made["model"]["sha256"] if "model" in made else place.fingerprint
    lineage = place.lineage("baseline", parent, {**asked, "data": [place.fingerprint, recipe.data]})

    def build() -> dict[str, Any]:
        metric = computed(recipe.task, baseline.method, place.data) if baseline.method else _judged(place, stage)
        return {"files": {}, "artifact": {"metric": metric, "parameters": made["parameters"]}}

    return place.cached(place.out / "stages" / stage / "metric.json", lineage, build)


def _judged(place: Workplace, stage: str) -> float:
    from mobilenn.verify import evaluate_outputs

    outputs = place.outputs(stage, "test")
    return evaluate_outputs(place.recipe.task, outputs, place.data.test, place.data.labels).value
