"""Puts what the stages found into one report, and says which variant to ship and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mobilenn
from mobilenn import provenance
from mobilenn.core import store
from mobilenn.core.recipe import Recipe
from mobilenn.gallery import pictures
from mobilenn.runtime.training import TRAIN
from mobilenn.samples import samples
from mobilenn.stages.workplace import Workplace, read_outputs

_MEASURES = [
    "file",
    "size_bytes",
    "zip_bytes",
    "metric",
    "metric_drop",
    "sha256",
    "sparsity",
    "latency_ms",
    "peak_memory_bytes",
    "other_load",
    "profile",
    "agreement",
    "compiled_model",
    "lesson",
    "on_device",
]
_EMPTY = {
    **dict.fromkeys(_MEASURES),
    "latency_by_threads": [],
    "parity": {},
    "operators": {},
    "forms": [],
    "details": {},
    "reason": "",
}
NEAR = 1.1  # variants within ten per cent of the best count as equal in what the recipe prefers
_MEASURED_BY: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "size": lambda row: row["zip_bytes"],
    "latency": lambda row: row["latency_ms"]["median"],
    "step": lambda row: row["on_device"]["calls_ms"][TRAIN]["median"],
}
_TOLD_APART = ", or within 10 % of it and better in the other measure"
_PREFERRED = {"size": ("size", "latency"), "latency": ("latency", "size"), "training": ("size", "step")}


def assemble(place: Workplace, trained: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the report, in the form of report.json.

    Args:
        place: the run.
        trained: what the train stage made.
        rows: by variant, what its stages made; a failed variant has `status` and `reason` only.
    """
    from mobilenn.verify import evaluate_outputs

    recipe, data = place.recipe, place.data
    float_outputs = place.outputs("train", "test")
    judged = evaluate_outputs(recipe.task, float_outputs, data.test, data.labels)
    variants = {name: {**_EMPTY, **row} for name, row in rows.items()}
    recommended, why = recommend(recipe, variants)
    verified = {name: row for name, row in rows.items() if "metric" in row}
    outputs = {name: read_outputs(place.out / name / "outputs.npz", "test") for name in verified}
    return {
        "schema": 1,
        "mobilenn": mobilenn.__version__,
        "recipe": recipe.to_dict(),
        "recipe_sha256": store.sha256_json(recipe.to_dict()),
        "data": _data(place),
        "metric": judged.metric,
        "higher_is_better": judged.higher_is_better,
        "training": {**_training(trained), "precision": recipe.train.get("precision", "float32")},
        "float": {"metric": judged.value, "details": judged.details},
        "baselines": trained["baselines"],
        "variants": {name: {k: v for k, v in row.items() if k != "files"} for name, row in variants.items()},
        "recommended": recommended,
        "recommendation": why,
        "judge": {**trained["judge"], "labels": list(place.source.labels)} if trained["judge"] else None,
        **_shown(place, {"float": float_outputs, **outputs}, recommended),
        "environment": provenance.environment(),
        "seed": recipe.seed,
    }


def _shown(place: Workplace, outputs: Mapping[str, Mapping[str, Any]], recommended: str) -> dict[str, Any]:
    """Test samples, or of a generator what it makes."""
    file = place.out / recommended / "model.tflite" if recommended else None
    if place.recipe.judge is None:
        return {"samples": samples(place.data, outputs, ("float", recommended), file), "pictures": []}
    return {"samples": [], "pictures": pictures(place.data, outputs, recommended, file)}


def _data(place: Workplace) -> dict[str, Any]:
    data = place.data
    return {
        "name": place.recipe.data["name"],
        "description": data.description,
        "labels": list(data.labels),
        **{part: _count(getattr(data, part)) for part in ("train", "validation", "test")},
        "fingerprint": place.fingerprint,
    }


def _count(split: Any) -> int:
    """Samples of a split; where it is played, its episodes."""
    return len(split.context.get("seeds", split))


def _training(trained: Mapping[str, Any]) -> dict[str, Any]:
    history = trained["history"]
    epochs = len(next(iter(history.values()), ()))
    return {"epochs": epochs, **{key: trained[key] for key in ("seconds", "parameters", "history")}}


def recommend(recipe: Recipe, variants: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Names the variant to ship, and why.

    Among the accepted variants the best in what the recipe prefers (`size`: download bytes,
    `latency`: median) wins; variants within ten per cent of it are told apart by the other. A file that can be
    trained carries what an app that only asks has no use for, so it comes last, unless the recipe prefers
    `training`: then the smallest of those files wins, and the time of a training step tells near ones apart.

    Returns:
        The name, empty where no variant was accepted, and one paragraph.
    """
    accepted = {name: row for name, row in variants.items() if row["status"] == "accepted"}
    if not accepted:
        return "", f"No variant is fit to ship: {_why_none(variants)}"
    fit = _wanted(recipe, accepted)
    if not fit:
        left = ", ".join(accepted)
        return "", f"No variant that can be trained is fit to ship, and the recipe prefers training; accepted: {left}."
    first, second = (_MEASURED_BY[measure] for measure in _PREFERRED[recipe.prefer])
    best = min(first(row) for row in fit.values())
    near = {name: row for name, row in fit.items() if first(row) <= best * NEAR}
    name = min(near, key=lambda n: (second(near[n]), first(near[n]), n))
    return name, _why(recipe, name, accepted, len(fit))


def _wanted(recipe: Recipe, accepted: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The accepted variants of the kind that the recipe prefers; where it prefers none and has no other, all."""
    by_kind: dict[bool, dict[str, Mapping[str, Any]]] = {True: {}, False: {}}
    for name, row in accepted.items():
        by_kind[bool(row.get("on_device"))][name] = row
    if recipe.prefer == "training":
        return by_kind[True]
    return by_kind[False] or by_kind[True]


def _why(recipe: Recipe, name: str, accepted: Mapping[str, Mapping[str, Any]], rivals: int) -> str:
    """The paragraph.

    Args:
        rivals: variants that it was chosen from.
    """
    from mobilenn.report import format as fmt

    row = accepted[name]
    median = row["latency_ms"]["median"]
    unit = fmt.time_unit([median])
    text = (
        f"Ship {name}: {_merit(recipe, rivals, len(accepted) - rivals)}{_TOLD_APART if rivals > 1 else ''}. "
        f"{fmt.size(row['zip_bytes'])} to download, {unit.number(median)} {unit.name} a run on one thread of this "
        f"machine, {fmt.significant(recipe.max_drop - row['metric_drop'])} of the metric to spare of the allowed drop "
        f"of {fmt.significant(recipe.max_drop)}."
    )
    base = accepted.get("float32")
    if base is None or name == "float32":
        return text
    size = fmt.smaller(base["zip_bytes"], row["zip_bytes"])
    speed = base["latency_ms"]["median"] / median
    return f"{text} Against float32 it is {size} and {speed:.2f}× as fast."


def _merit(recipe: Recipe, rivals: int, others: int) -> str:
    """What the variant is: the best of its rivals, which the others, of another kind, were not."""
    if recipe.prefer == "training":
        if rivals > 1:
            return f"the smallest download of {rivals} files that can be trained where they run"
        return "the only accepted file that can be trained where it runs"
    best = {"size": "the smallest download", "latency": "the fastest file"}[recipe.prefer]
    if rivals > 1:
        return f"{best} of {rivals} accepted variants{' that only answer' if others else ''}"
    return f"the only accepted variant{' that only answers' if others else ''}"


def _why_none(variants: Mapping[str, Mapping[str, Any]]) -> str:
    return "; ".join(f"{name} {row['status']}: {row['reason']}" for name, row in variants.items()) + "."
