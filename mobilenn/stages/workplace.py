"""What every stage of a run shares: the folder under lock, the workers, the data, the cache."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn import data as datasets
from mobilenn import provenance
from mobilenn.core import records, store
from mobilenn.core.artifacts import Lineage
from mobilenn.core.recipe import Recipe
from mobilenn.core.worker import Worker
from mobilenn.data._generative import prepared
from mobilenn.runtime.judge import judge

Event = Callable[[dict[str, Any]], None]
HOST = "mobilenn.runtime.host_worker"
JOB_TIMEOUT_S = 1800.0  # without a sign of life; every progress event starts it anew


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What every stage of one run needs: the recipe, the folder, three warm workers, a listener."""

    recipe: Recipe
    out: Path
    keras: Worker
    quantizer: Worker
    host: Worker
    emit: Event
    tools: Mapping[str, str] = field(default_factory=provenance.tools)

    @cached_property
    def source(self) -> datasets.Dataset:
        """The recipe's dataset as it is, loaded once and only when a stage needs it."""
        settings = {key: value for key, value in self.recipe.data.items() if key != "name"}
        return datasets.load(self.recipe.data["name"], settings, self.recipe.seed)

    @cached_property
    def data(self) -> datasets.Dataset:
        """The dataset as the task takes it: of a generator, latents, with the images as what they are judged by."""
        return prepared(self.source, self.role, self.recipe.seed, judge)

    @property
    def role(self) -> dict[str, Any]:
        """What the network makes of the dataset, for `prepared`; empty where it takes it as it is."""
        if self.recipe.judge is None:
            return {}
        return {"generates": self.recipe.config["latent"], "judge": str(self.judge_file)}

    @property
    def judge_file(self) -> Path:
        """Where the judge's file is, or will be."""
        return self.out / "stages" / "judge" / "judge.tflite"

    @cached_property
    def source_fingerprint(self) -> str:
        """Identifies the dataset's content for the stage cache."""
        settings = {key: value for key, value in self.recipe.data.items() if key != "name"}
        return datasets.fingerprint(self.recipe.data["name"], settings)

    @cached_property
    def fingerprint(self) -> str:
        """The same, and whoever judges what is made of it."""
        if self.recipe.judge is None:
            return self.source_fingerprint
        return f"{self.source_fingerprint}, judge {store.sha256_file(self.judge_file)[:16]}"

    def representative(self, count: int) -> dict[str, np.ndarray]:
        """Calibration samples of the training split by input name, (count, ...): int32 of tokens, else float32."""
        picked = datasets.representative(self.data.train, count, self.recipe.seed)
        return {name: np.concatenate([sample[name] for sample in picked]) for name in picked[0]}

    def outputs(self, stage: str, part: str) -> dict[str, np.ndarray]:
        """Reads one part (`test`, `golden_inputs`, `golden_outputs`) of a Keras stage's outputs.npz."""
        return read_outputs(self.out / "stages" / stage / "outputs.npz", part)

    def lineage(self, stage: str, parent: str, settings: Mapping[str, Any]) -> Lineage:
        """What makes an artifact; its hash is the stage's cache key."""
        return Lineage(stage=stage, parent=parent, settings=settings, tools=self.tools, seed=self.recipe.seed)

    def cached(self, manifest: Path, lineage: Lineage, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Runs a stage unless its manifest holds the result already; says which of the two."""
        name = {"stage": lineage.stage, "name": manifest.parent.name}

        def work() -> dict[str, Any]:
            self.emit({**name, "state": "start"})
            return build()

        artifact, reused = store.cached(manifest, store.sha256_json(records.to_dict(lineage)), work)
        self.emit({**name, "state": "reused" if reused else "done"})
        return artifact


@contextlib.contextmanager
def workplace(recipe: Recipe, out: Path, on_event: Event) -> Iterator[Workplace]:
    """Locks the folder, sweeps what a killed run left, and lends the workers for one run."""
    out = Path(out).resolve()
    with store.lock(out) as descriptor, contextlib.ExitStack() as stack:
        store.sweep(out)
        logs, scratch = out / "logs", out / f".scratch{store.PARTIAL}"
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        with store.storage_errors(logs):
            logs.mkdir(exist_ok=True)
            scratch.mkdir()
        # TensorFlow leaves generated code in the temporary folder when its process is killed.
        env = {"TMPDIR": str(scratch)}
        keras, quantizer = (
            stack.enter_context(
                Worker(f"mobilenn.jobs.{name}", log=logs / f"{name}.log", pass_fds=(descriptor,), env=env)
            )
            for name in ("keras", "quantize")
        )
        host = stack.enter_context(Worker(HOST, log=logs / "host.log", replaced=False))
        yield Workplace(recipe=recipe, out=out, keras=keras, quantizer=quantizer, host=host, emit=on_event)


def read_outputs(path: Path, part: str) -> dict[str, np.ndarray]:
    """Reads the arrays called `<part>/<name>` of an .npz, by name."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name.split("/", 1)[1]: arrays[name] for name in arrays.files if name.startswith(f"{part}/")}
