"""A file's own golden pairs, run in every LiteRT runtime of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core import store
from mobilenn.core.errors import ArtifactError
from mobilenn.core.vocabulary import PAD
from mobilenn.verify import LESSON_LOSSES, error, taught


def verify_file(path: Path) -> dict[str, Any]:
    """Runs a file's own golden pairs through every LiteRT runtime of this machine.

    Args:
        path: a .tflite that carries golden pairs.

    Returns:
        `sha256`, and `runtimes`: by API (Interpreter; CompiledModel, which Android apps use) the
        largest absolute error by output name, against the float model's outputs; of tokens, and of the golden
        transcripts by `greedy` and `beam` search, the share that differs; of a file that can be trained,
        `lesson_losses`: their largest error.

    Raises:
        ArtifactError: the file is damaged, or carries no golden pairs.
        WorkerError: it killed its worker.
    """
    from mobilenn.runtime.host import HostSession
    from mobilenn.tflite.package import unpack

    _, package = unpack(store.read_bytes(path))
    if package is None or not package.golden_inputs:
        hint = f"Files made by mobilenn run carry them; type: mobilenn inspect {path}"
        raise ArtifactError(f"{path} carries no golden pairs to verify against.", hint)
    runtimes = {}
    for api in ("interpreter", "compiled_model"):
        with HostSession(path, api=api) as session:
            found = session.predict(package.golden_inputs)
            said = _said(session, package.transcripts) if package.transcripts else {}
            lesson = taught(session, package.golden_inputs, package.lesson)
            if lesson:
                said[LESSON_LOSSES] = lesson.error
        errors = {name: error(found[name], want) for name, want in package.golden_outputs.items()}
        runtimes[api] = errors | said
    return {"path": str(path), "sha256": store.sha256_file(path), "runtimes": runtimes}


def _said(session: Any, transcripts: Mapping[str, Any]) -> dict[str, float]:
    """By way of search, the share of golden transcripts that a file does not say to the letter."""
    differ: dict[str, list[bool]] = {}
    for text in transcripts["texts"]:
        given = np.asarray(text["source" if "source" in text else "prompt"], np.int32)
        for way, width in (("greedy", None), ("beam", transcripts["beam_width"])):
            if way in text:
                tokens, _ = session.generate(given, {"length": transcripts["length"], "beam": width})
                differ.setdefault(way, []).append(tokens[tokens != PAD].tolist() != text[way])
    return {f"{way}_transcripts": float(np.mean(rows)) for way, rows in differ.items()}
