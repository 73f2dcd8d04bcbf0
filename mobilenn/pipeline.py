"""Composes the stages: the only place that knows their order."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from mobilenn import evidence, preflight
from mobilenn.core import store
from mobilenn.core.errors import ArtifactError, ConversionError, VerificationError, WorkerError
from mobilenn.core.recipe import Recipe, Variant
from mobilenn.stages import baselines, judge, keras, tflite
from mobilenn.stages.workplace import Event, Workplace, workplace

Stage = Literal["train", "compress", "convert", "quantize", "verify", "bench", "report"]


def run(recipe: Recipe, out: Path, until: Stage = "report", on_event: Event = lambda _: None) -> dict[str, Any]:
    """Takes a recipe to verified files with evidence, doing only what is not done yet.

    Args:
        recipe: the recipe.
        out: the run's folder; it ends with `report.{html,md,json}` and `<variant>/model.tflite`.
        until: the last stage to run.
        on_event: receives progress: `{"stage", "name", "state"}` and the stages' own events.

    Returns:
        The report where `until` is `report`, else `{"files": […]}`: the artifacts of the last stage.

    Raises:
        VerificationError: no variant may be shipped; the report is written all the same.
        MobilennError: what a stage raised, where no variant can go on without it.
    """
    preflight.check(recipe)
    with workplace(recipe, out, on_event) as place:
        judged = judge.make(place)
        trained = {**keras.train(place), "judge": judged}
        if until == "train":
            return {"files": [trained["model"]["path"]]}
        if until in ("verify", "bench", "report"):
            trained["baselines"] = baselines.measure(place)
        rows = {name: _variant(place, name, variant, trained, until) for name, variant in recipe.variants.items()}
        if until != "report":
            return _partial(rows)
        report = _report(place, trained, rows)
        _tidy(place)
    if not report["recommended"]:
        raise VerificationError(report["recommendation"], f"The report is {out / 'report.html'}.")
    return report


def _variant(place: Workplace, name: str, variant: Variant, trained: Mapping[str, Any], until: Stage) -> dict[str, Any]:
    """Takes one variant through the stages; a variant that a library refuses fails alone."""
    row: dict[str, Any] = {"precision": variant.precision, "steps": [step for step, _ in variant.steps]}
    try:
        stage, model = keras.compress(place, variant, trained)
        row["files"] = [model["path"]]
        if until == "compress":
            return row
        sources = keras.convert(place, stage, model, variant)
        row["files"] = [str(source) for source in sources.values() if isinstance(source, Path)]
        if until == "convert":
            return row
        made = tflite.quantize(place, name, variant, sources, model)
        path = place.out / name / "model.tflite"
        row |= {"files": [str(path)], "file": f"{name}/model.tflite", **made}
        if until == "quantize":
            return row
        bars = {bar: found["metric"] for bar, found in trained["baselines"].items()}
        row |= tflite.verify(place, name, variant, stage, bars)
        return row if until == "verify" else row | tflite.bench(place, name, made["sha256"])
    except (ConversionError, WorkerError, ArtifactError) as error:
        place.emit({"stage": "variant", "name": name, "state": "failed", "reason": str(error)})
        return {**row, "status": "failed", "reason": str(error)}


def _partial(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The result of a run that stops before the report; raises what the only variant failed of."""
    failed = {name: row["reason"] for name, row in rows.items() if row.get("status") == "failed"}
    if len(failed) == len(rows):
        raise ConversionError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))
    files = dict.fromkeys(path for row in rows.values() for path in row.get("files", ()))
    return {"files": list(files), "variants": {name: dict(row) for name, row in rows.items()}}


def _report(place: Workplace, trained: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Writes report.{html,md,json}, unless they hold exactly this already; returns the report."""
    found = {name: {key: value for key, value in row.items() if key != "files"} for name, row in rows.items()}
    made = {**trained, "model": keras.origin(trained["model"])}  # paths change when the folder is moved
    lineage = place.lineage("report", "", {"recipe": place.recipe.to_dict(), "trained": made, "variants": found})

    def build() -> dict[str, Any]:
        from mobilenn.report.write import write

        written = write(evidence.assemble(place, trained, rows), place.out)
        return {"files": {f"../{path.name}": store.sha256_file(path) for path in written}, "artifact": {}}

    place.cached(place.out / "stages" / "report.json", lineage, build)
    return store.read_json(place.out / "report.json")


def _tidy(place: Workplace) -> None:
    """Removes stages and variants of ours that the recipe no longer asks for."""
    variants = place.recipe.variants
    used = {"train"} | {baselines.folder_of(name) for name in place.recipe.baselines}
    used |= {"judge"} if place.recipe.judge is not None else set()
    used |= {name for variant in variants.values() for name, *_ in keras.chain(variant)}
    for folder in (place.out / "stages").iterdir():
        if folder.is_dir() and folder.name not in used:
            shutil.rmtree(folder)
    for manifest in place.out.glob("*/model.json"):
        if manifest.parent.name not in variants:
            shutil.rmtree(manifest.parent)
