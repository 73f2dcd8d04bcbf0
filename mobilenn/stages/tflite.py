"""Stages that make a TfliteModel, and those that judge and time it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn import provenance
from mobilenn.core import records, store
from mobilenn.core.recipe import Variant
from mobilenn.stages.keras import converter_makes, origin
from mobilenn.stages.workplace import JOB_TIMEOUT_S, Workplace


def quantize(place: Workplace, name: str, variant: Variant, source: Path, model: Mapping[str, Any]) -> dict[str, Any]:
    """Makes `<variant>/model.tflite`: quantized where asked for, with labels and golden pairs inside."""
    from mobilenn.tflite.package import Package, pack

    path = place.out / name / "model.tflite"
    count = 0 if converter_makes(variant) else variant.representative * variant.precision.needs_calibration
    settings = {"precision": variant.precision, "representative": count, "labels": place.fingerprint}
    lineage = place.lineage("quantize", store.sha256_file(source), settings)

    def build() -> dict[str, Any]:
        flatbuffer = source if converter_makes(variant) else _quantized(place, source, path, variant, count)
        package = Package(
            labels=place.data.labels,
            preprocessing=place.data.preprocessing,
            lineage={"recipe": place.recipe.name, "variant": name, **records.to_dict(lineage), "model": origin(model)},
            golden_inputs=place.outputs("train", "golden_inputs"),
            golden_outputs=place.outputs("train", "golden_outputs"),
        )
        store.write_bytes(path, pack(flatbuffer.read_bytes(), package))
        if flatbuffer is not source:
            flatbuffer.unlink()
        return {"files": {path.name: store.sha256_file(path)}, "artifact": {"sha256": store.sha256_file(path)}}

    return place.cached(path.parent / "model.json", lineage, build)


def _quantized(place: Workplace, source: Path, path: Path, variant: Variant, count: int) -> Path:
    target = path.with_name(f".quantized{store.PARTIAL}")
    arguments = {"source": str(source), "path": str(target), "precision": variant.precision}
    arrays = place.representative(count) if count else {}
    place.quantizer.call("quantize", arguments, arrays, timeout_s=JOB_TIMEOUT_S)
    return target


def verify(place: Workplace, name: str, variant: Variant, stage: str, digest: str) -> dict[str, Any]:
    """Holds a variant against the float model; writes its outputs on the test split beside it."""
    folder, recipe = place.out / name, place.recipe
    settings = {"max_drop": recipe.max_drop, "floor": recipe.floor, "task": recipe.task, "data": place.fingerprint}
    parents = [store.sha256_file(place.out / "stages" / s / "outputs.npz") for s in ("train", stage)]
    lineage = place.lineage("verify", digest, {**settings, "references": parents})

    def build() -> dict[str, Any]:
        from mobilenn import verify as verification

        reference = _reference(place, stage)
        found, outputs = verification.verify(folder / "model.tflite", variant.precision, reference)
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
        return {"files": {}, "artifact": _measured(path, timing, inspect(path).to_dict())}

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
