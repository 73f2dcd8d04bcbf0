"""Stages that make a TfliteModel, and those that judge and time it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn import provenance
from mobilenn.core import records, store
from mobilenn.core.errors import ConversionError, WorkerError
from mobilenn.core.recipe import Variant
from mobilenn.stages.keras import converter_makes, origin
from mobilenn.stages.workplace import JOB_TIMEOUT_S, Workplace


def quantize(
    place: Workplace, name: str, variant: Variant, sources: Mapping[str, Path | str], model: Mapping[str, Any]
) -> dict[str, Any]:
    """Makes `<variant>/model.tflite`: quantized where asked for, with labels and golden pairs inside.

    Args:
        sources: by form of the network, its flatbuffer, or why there is none; of several the fastest is shipped.
        model: the KerasModel as plain values.

    Returns:
        `sha256`, and `forms`: what was tried where there was a choice.
    """
    from mobilenn.tflite.package import Package, pack

    path = place.out / name / "model.tflite"
    ready = converter_makes(variant, model)
    count = 0 if ready else variant.representative * variant.precision.needs_calibration
    settings = {"precision": variant.precision, "representative": count, "labels": place.fingerprint}
    lineage = place.lineage("quantize", _parent(sources), settings)

    def build() -> dict[str, Any]:
        made, refused = _candidates(place, path, variant, sources, None if ready else count)
        tried = _tried(place, made, refused)
        flatbuffer = made[tried[0]["form"] if tried else ""]
        package = Package(
            labels=place.data.labels,
            preprocessing=place.data.preprocessing,
            lineage={"recipe": place.recipe.name, "variant": name, **records.to_dict(lineage), "model": origin(model)},
            golden_inputs=place.outputs("train", "golden_inputs"),
            golden_outputs=place.outputs("train", "golden_outputs"),
            transcripts=_transcripts(place),
            lesson=_read_json(flatbuffer.with_suffix(".lesson.json")),
        )
        store.write_bytes(path, pack(flatbuffer.read_bytes(), package))
        for candidate in set(made.values()) - set(sources.values()):
            candidate.unlink()
        digest = store.sha256_file(path)
        return {"files": {path.name: digest}, "artifact": {"sha256": digest, "forms": tried}}

    return place.cached(path.parent / "model.json", lineage, build)


def _transcripts(place: Workplace) -> Mapping[str, Any]:
    """What the trained model says, where it is one that says something."""
    return _read_json(place.out / "stages" / "train" / "transcripts.json")


def _read_json(path: Path) -> Mapping[str, Any]:
    return store.read_json(path) if path.is_file() else {}


def _parent(sources: Mapping[str, Path | str]) -> str:
    """Identifies what a variant is made from."""
    digests = {form: store.sha256_file(path) for form, path in sources.items() if isinstance(path, Path)}
    return digests[""] if "" in digests else store.sha256_json(digests)


def _candidates(
    place: Workplace, path: Path, variant: Variant, sources: Mapping[str, Path | str], count: int | None
) -> tuple[dict[str, Path], dict[str, str]]:
    """By form: the flatbuffer in the variant's precision, which the sources have where `count` is None; or why not."""
    made: dict[str, Path] = {}
    refused = {form: source for form, source in sources.items() if isinstance(source, str)}
    for form, source in sources.items():
        if form in refused:
            continue
        try:
            made[form] = source if count is None else _quantized(place, source, path, variant, count)
        except (ConversionError, WorkerError) as error:
            if len(sources) == 1:
                raise
            refused[form] = error.message
    return made, refused


def _tried(place: Workplace, made: Mapping[str, Path], refused: Mapping[str, str]) -> list[dict[str, Any]]:
    """What was found about each form, the one to ship first; nothing where there is no choice."""
    if set(made) == {""}:
        return []
    from mobilenn.choose import choose

    return records.to_dict(choose(made, refused, place.outputs("train", "golden_inputs")))


def _quantized(place: Workplace, source: Path, path: Path, variant: Variant, count: int) -> Path:
    target = path.with_name(f".{source.stem}{store.PARTIAL}")
    arguments = {"source": str(source), "path": str(target), "precision": variant.precision}
    arrays = place.representative(count) if count else {}
    place.quantizer.call("quantize", arguments, arrays, timeout_s=JOB_TIMEOUT_S)
    return target


def verify(place: Workplace, name: str, variant: Variant, stage: str, baselines: Mapping[str, float]) -> dict[str, Any]:
    """Holds a variant against the float model; writes its outputs on the test split beside it."""
    folder, recipe = place.out / name, place.recipe
    digest = store.sha256_file(folder / "model.tflite")
    data = [place.fingerprint, recipe.data]
    settings = {"max_drop": recipe.max_drop, "floor": recipe.floor, "task": recipe.task, "data": data}
    parents = [store.sha256_file(place.out / "stages" / s / "outputs.npz") for s in ("train", stage)]
    lineage = place.lineage("verify", digest, {**settings, "references": parents, "baselines": baselines})

    def build() -> dict[str, Any]:
        from mobilenn import verify as verification
        from mobilenn.tflite.package import unpack

        _, package = unpack(store.read_bytes(folder / "model.tflite"))
        reference = replace(_reference(place, stage), baselines=baselines, lesson=package.lesson)
        found, outputs = verification.verify(folder / "model.tflite", variant.precision, reference, place.host)
        with store.atomic_file(folder / "outputs.npz") as file:
            np.savez_compressed(file, **{f"test/{key}": value for key, value in outputs.items()})
        digest = store.sha256_file(folder / "outputs.npz")
        return {"files": {"outputs.npz": digest}, "artifact": records.to_dict(found)}

    return place.cached(folder / "verify.json", lineage, build)


def _reference(place: Workplace, stage: str) -> Any:
    from mobilenn.verify import Reference

    return Reference(
        task=place.recipe.task,
        split=place.data.test,
        labels=place.data.labels,
        float_outputs=place.outputs("train", "test"),
        parent_outputs=place.outputs(stage, "test"),
        golden_inputs=place.outputs("train", "golden_inputs"),
        golden_outputs=place.outputs("train", "golden_outputs"),
        max_drop=place.recipe.max_drop,
        floor=place.recipe.floor,
    )


def bench(place: Workplace, name: str, digest: str) -> dict[str, Any]:
    """Times a variant on this machine; measures its size on disk and as a download."""
    folder = place.out / name
    machine = {key: value for key, value in provenance.environment().items() if key != "versions"}
    lineage = place.lineage("bench", digest, {"bench": place.recipe.bench, "machine": machine})

    def build() -> dict[str, Any]:
        from mobilenn import bench as benchmark
        from mobilenn.tflite.inspect import inspect

        path = folder / "model.tflite"
        config = records.from_dict(benchmark.BenchConfig, place.recipe.bench, "[bench]")
        timing = benchmark.bench(path, config, place.emit).to_dict()
        measured = _measured(path, timing, inspect(path).to_dict())
        learns = place.recipe.variants[name].trainable is not None
        trained = records.to_dict(benchmark.bench_training(path, config)) if learns else None
        return {"files": {}, "artifact": {**measured, "on_device": trained}}

    return place.cached(folder / "bench.json", lineage, build)


def _measured(path: Path, timing: Mapping[str, Any], inspection: Mapping[str, Any]) -> dict[str, Any]:
    """The report's figures of one file, from its timing and its inspection."""
    return {
        "size_bytes": path.stat().st_size,
        "zip_bytes": inspection["zip_bytes"],
        "sparsity": inspection["sparsity"],
        "operators": inspection["operators"],
        "latency_ms": timing["latency_ms"][0],
        "latency_by_threads": timing["latency_ms"],
        "peak_memory_bytes": timing["peak_memory_bytes"],
        "other_load": timing["other_load"],
        "profile": timing["profile"],
    }
