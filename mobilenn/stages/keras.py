"""Stages that make a KerasModel, and the conversion that leaves Keras behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mobilenn.core import records, store
from mobilenn.core.artifacts import Lineage
from mobilenn.core.errors import ConversionError, MobilennError, RecipeError, WorkerError
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Variant
from mobilenn.stages.workplace import JOB_TIMEOUT_S, Workplace


def train(place: Workplace, name: str = "train", changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Trains the network; `model` of the result is the KerasModel as plain values.

    Args:
        place: the run.
        name: of the folder below `stages`.
        changes: what differs from the recipe's [config].
    """
    recipe = place.recipe
    config = {**recipe.config, **(changes or {})}
    settings = {
        "network": recipe.network,
        "config": config,
        "task": recipe.task,
        "train": recipe.train,
        "data": recipe.data,
        "fingerprint": place.fingerprint,
    }
    lineage = place.lineage("train", "", settings)
    return model_stage(place, name, lineage, "train", {"train": recipe.train, "config": config})


def model_stage(place: Workplace, name: str, lineage: Lineage, job: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Runs a job that makes a KerasModel in `stages/<name>`; `extra` says what differs from the recipe."""
    recipe, folder = place.recipe, place.out / "stages" / name
    arguments = {
        "network": recipe.network,
        "config": recipe.config,
        "task": recipe.task,
        "data": recipe.data,
        "role": place.role,
        "seed": recipe.seed,
        "folder": str(folder),
        "lineage": records.to_dict(lineage),
        **extra,
    }

    def build() -> dict[str, Any]:
        with store.storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return place.keras.call(job, arguments, timeout_s=JOB_TIMEOUT_S, on_event=place.emit)[0]

    artifact = place.cached(folder / "manifest.json", lineage, build)
    # The folder may have been moved since: where a model stands is where it was found.
    return {**artifact, "model": {**artifact["model"], "path": str(folder / "weights.npz")}}


def chain(variant: Variant) -> Iterator[tuple[str, str, Mapping[str, Any], list[str]]]:
    """Yields a variant's compression stages in order: folder name, step, settings, steps done before.

    A name holds a hash of all that led there, so variants that ask for the same steps share them.
    """
    name, done = "train", []
    for step, settings in variant.steps:
        name = f"{step}-{store.sha256_json([name, step, settings])[:8]}"
        yield name, step, settings, list(done)
        done.append(step)


def compress(place: Workplace, variant: Variant, trained: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Takes the trained model through the variant's steps; returns the last stage's name and model."""
    last, parent = "train", trained["model"]
    for name, step, settings, done in chain(variant):
        lineage = place.lineage(step, parent["sha256"], {"settings": settings, "done": done})
        extra = {"parent": parent, "step": step, "settings": settings, "done": done, "train": place.recipe.train}
        last, parent = name, model_stage(place, name, lineage, "compress", extra)["model"]
    return last, parent


def convert(place: Workplace, stage: str, model: Mapping[str, Any], variant: Variant) -> dict[str, Path | str]:
    """Converts a KerasModel, once for each form of its recurrent layers.

    Returns:
        By form (one, named "", where the model has no such layer): the flatbuffer, or why there is none.

    Raises:
        ConversionError, WorkerError: no form could be converted.
        RecipeError: the variant asks for a form that the network does not have.
    """
    made: dict[str, Path | str] = {}
    failed: MobilennError | None = None
    for form in _forms(variant, model):
        try:
            made[form] = _flatbuffer(place, stage, model, variant, form)
        except (ConversionError, WorkerError) as error:
            made[form], failed = error.message, error
    if failed is not None and all(isinstance(path, str) for path in made.values()):
        raise failed
    return made


def _forms(variant: Variant, model: Mapping[str, Any]) -> tuple[str, ...]:
    """The forms to try: the one that the variant asks for, or all; one without a name where there is no choice."""
    known = tuple(model["forms"])
    if variant.form is None:
        return known or ("",)
    if variant.form not in known:
        allowed = f"Allowed: {', '.join(known)}." if known else "The network has no recurrent layer: leave the key out."
        raise RecipeError(f"A variant asks for the form '{variant.form}'.", allowed)
    return (variant.form,)


def _flatbuffer(place: Workplace, stage: str, model: Mapping[str, Any], variant: Variant, form: str) -> Path:
    """Writes a bare flatbuffer beside the model, in the precision that TensorFlow has to make."""
    made = variant.precision if converter_makes(variant, model) else Precision.FLOAT32
    folder = place.out / "stages" / stage
    asked: dict[str, Any] = {"form": form, "stream": variant.stream}
    if variant.trainable is not None:
        asked["trainable"] = records.to_dict(variant.trainable)
    path = folder / f"{_stem(made, form, variant)}.flatbuffer"
    count = variant.representative if made is Precision.INT16X8 else 0
    lineage = place.lineage(
        "convert", model["sha256"], {"precision": made, "representative": count, **asked, **origin(model)}
    )
    arguments = {"parent": model, "precision": made, "path": str(path), **asked}

    def build() -> dict[str, Any]:
        arrays = place.representative(count) if count else {}
        if variant.trainable is not None:
            arrays = place.outputs("train", "golden_inputs")
        try:
            return place.keras.call("convert", arguments, arrays, timeout_s=JOB_TIMEOUT_S)[0]
        except ConversionError as error:
            if not form:
                raise
            return {"files": {}, "artifact": {"refused": error.message}}  # one of several; not tried again

    refused = place.cached(path.with_suffix(".json"), lineage, build).get("refused")
    if refused:
        raise ConversionError(refused)
    return path


def _stem(made: Precision, form: str, variant: Variant) -> str:
    """Name of a flatbuffer, so that files of different content stand side by side."""
    parts = [str(made), form, f"stream{variant.stream}" if variant.stream else ""]
    if variant.trainable is not None:
        parts.append(f"trainable{variant.trainable.batch_size}x{variant.trainable.layers}")
    return "-".join(filter(None, parts))


def converter_makes(variant: Variant, model: Mapping[str, Any]) -> bool:
    """Whether TensorFlow's converter makes a model's variant, or our quantizer from the float32 file."""
    return bool(model["transforms"]) or variant.precision in (
        Precision.FLOAT32,
        Precision.FLOAT16,
        Precision.INT16X8,
    )


def origin(model: Mapping[str, Any]) -> dict[str, Any]:
    """A KerasModel's identity without its path: what belongs into keys and into files that travel."""
    return {key: model[key] for key in ("network", "config", "sha256", "transforms")}
