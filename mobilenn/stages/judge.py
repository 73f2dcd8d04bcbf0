"""The judge of generated images: trained, converted and measured before what it judges."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilenn.core import store
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Judge
from mobilenn.stages import keras
from mobilenn.stages.workplace import JOB_TIMEOUT_S, Workplace

_NOISE = 1000  # images without content


def make(place: Workplace) -> dict[str, Any]:
    """Trains and converts the recipe's judge, and says how good it is; nothing where the recipe names none.

    Returns:
        `network`, `parameters`, `sha256` of its file, and what mobilenn.evaluate.generation.judge_of finds on the
        test split's real images.
    """
    asked = place.recipe.judge
    if asked is None:
        return {}
    trained = _trained(place, asked)
    model, path = trained["model"], place.judge_file
    lineage = place.lineage("judge", model["sha256"], {"data": [place.source_fingerprint, place.recipe.data]})
    arguments = {"parent": model, "precision": Precision.FLOAT32, "path": str(path), "form": "", "stream": 0}

    def build() -> dict[str, Any]:
        made, _ = place.keras.call("convert", {**arguments, "features": True}, timeout_s=JOB_TIMEOUT_S)
        found = {"network": asked.network, "parameters": trained["parameters"], "sha256": store.sha256_file(path)}
        return {**made, "artifact": {**found, **_measured(place)}}

    return place.cached(path.with_suffix(".json"), lineage, build)


def _trained(place: Workplace, asked: Judge) -> dict[str, Any]:
    role = {"judges": True}
    extra = {"network": asked.network, "config": asked.config, "train": asked.train, "task": "classification"}
    settings = {**extra, **role, "data": place.recipe.data, "fingerprint": place.source_fingerprint}
    lineage = place.lineage("train", "", settings)
    return keras.model_stage(place, place.judge_file.parent.name, lineage, "train", {**extra, "role": role})


def _measured(place: Workplace) -> dict[str, float]:
    from mobilenn.data._generative import pictures
    from mobilenn.evaluate.generation import judge_of
    from mobilenn.runtime.judge import judge

    source = place.source
    known = pictures(source.train)
    return judge_of(judge(place.judge_file), source.test, scattered(pictures(source.test)), known, source.labels)


def scattered(images: np.ndarray) -> np.ndarray:
    """Real images whose pixels have changed places, at most 1,000: as bright and as dark, and without content."""
    generator = np.random.default_rng(17)
    flat = images[:_NOISE].reshape(len(images[:_NOISE]), -1, images.shape[-1])
    return np.stack([generator.permutation(pixels) for pixels in flat]).reshape(images[:_NOISE].shape)
