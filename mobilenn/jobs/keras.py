"""The TensorFlow worker: a warm child process that trains, compresses and converts Keras models."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn import data as datasets
from mobilenn import evaluate
from mobilenn.core import records, store, worker
from mobilenn.core.artifacts import KerasModel, Lineage, TensorSpec
from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Trainable
from mobilenn.data._generative import prepared
from mobilenn.jobs.session import fresh_session
from mobilenn.runtime.judge import judge
from mobilenn.tflite.merge import SIGNATURE, merge

Emit = Callable[[dict[str, Any]], None]
Result = tuple[dict[str, Any], Mapping[str, np.ndarray]]
BATCH_SIZE = 64  # samples a call of a Keras model that predicts
TRANSCRIPTS = "transcripts.json"
LESSON = ".lesson.json"  # in place of a flatbuffer's ending
GOLDEN_COUNT = 8  # pairs inside a file: enough to see a wrong layout or scale, small against the weights
GOLDEN_BYTES = 64 << 10  # of their inputs: eight seconds of sound would outweigh the network that hears them


def train(arguments: dict[str, Any], _: Any, emit: Emit) -> Result:
    """Trains the recipe's network and writes weights, outputs on the test split, and golden pairs.

    Args:
        arguments: `network`, `config`, `task`, `data`, `role` (see mobilenn.data._generative), `train`, `seed`,
            `lineage` and `folder`.
        emit: receives progress events.

    Returns:
        `files` (name to sha256) and `artifact`: the KerasModel and the training history.
    """
    from mobilenn.train.config import TrainConfig
    from mobilenn.train.supervised import TrainRequest
    from mobilenn.train.supervised import train as fit

    folder = Path(arguments["folder"])
    dataset = _dataset(arguments)
    request = TrainRequest(
        network=arguments["network"],
        config=arguments["config"],
        task=arguments["task"],
        settings=records.from_dict(TrainConfig, arguments["train"], "[train]"),
        seed=arguments["seed"],
        out_dir=folder,
    )
    trained = fit(request, dataset, emit)
    written = _write(trained.model, (), arguments, dataset)
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    history = {"history": trained.history, "parameters": trained.parameters, "seconds": trained.seconds}
    return {**written, "artifact": {"model": written["artifact"], **history}}, {}


def compress(arguments: dict[str, Any], _: Any, emit: Emit) -> Result:
    """Prunes, clusters or quantization-aware trains a stored model; see `train` for what it writes.

    Args:
        arguments: as for `train`, and `parent` (a KerasModel as plain values), `step` (prune,
            cluster or qat), `settings` and `done` (the steps before this one).
    """
    from mobilenn.compress.rebuild import rebuild
    from mobilenn.compress.steps import apply_step

    fresh_session(arguments["seed"])
    parent = records.from_dict(KerasModel, arguments["parent"])
    dataset = _dataset(arguments)
    model, transforms = apply_step(rebuild(parent), dataset, arguments, emit)
    written = _write(model, transforms, arguments, dataset)
    shutil.rmtree(Path(arguments["folder"]) / "checkpoint", ignore_errors=True)
    return {**written, "artifact": {"model": written["artifact"]}}, {}


def convert(arguments: dict[str, Any], arrays: Mapping[str, np.ndarray], _: Emit) -> Result:
    """Converts a stored model to a flatbuffer file; of a sequence network, each step, put together into one.

    Args:
        arguments: `parent` (a KerasModel as plain values), `precision`, `path` to write, `form` of
            the recurrent layers (empty where there are none), `stream`: frames that a second
            signature takes at a time (0 for none), and perhaps `trainable`: a Trainable as plain values, or
            `features`: that a classifier also says what its last layer sees.
        arrays: calibration samples by input name, (N, ...) float32; may be empty. Of a trainable file, its
            golden inputs: the lesson on them is written beside the file.
    """
    from mobilenn.compress.rebuild import rebuild
    from mobilenn.convert.flatbuffer import to_flatbuffer

    fresh_session(0)
    model = rebuild(records.from_dict(KerasModel, arguments["parent"]))
    if arguments.get("features"):
        from mobilenn.convert.features import with_features

        model = with_features(model)
    precision = Precision.parse(arguments["precision"])
    path = Path(arguments["path"])
    form = {"form": arguments["form"]} if arguments["form"] else {}
    parts = _parts(model, arguments["parent"])
    if not parts:
        made = to_flatbuffer(model, precision, calibration(arrays), **form)
        more = _further_signatures(model, precision, arguments)
        made = merge({SIGNATURE: made, **more}) if more else made
    elif arguments.get("trainable"):
        raise ConversionError(f"{model.name} cannot be trained by its file: it is a network of steps.")
    elif precision is Precision.INT16X8:
        raise ConversionError(f"{precision} of {model.name} has no kernels for its steps.", "Allowed: int8.")
    else:
        made = merge({name: to_flatbuffer(part, precision, **form) for name, part in parts.items()})
    store.write_bytes(path, made)
    written = [path]
    if arguments.get("trainable"):
        written.append(_write_lesson(model, arguments, arrays))
    return {"files": {file.name: store.sha256_file(file) for file in written}, "artifact": {}}, {}


def _further_signatures(model: Any, precision: Precision, arguments: Mapping[str, Any]) -> dict[str, bytes]:
    """Flatbuffers by signature that stand beside `serving_default`: piece by piece, and for training."""
    from mobilenn.convert.flatbuffer import to_flatbuffer
    from mobilenn.convert.streaming import STREAM, streamed

    made: dict[str, bytes] = {}
    if arguments["stream"]:
        made[STREAM] = to_flatbuffer(streamed(model, arguments["stream"]), precision)
    if arguments.get("trainable"):
        made |= _training_signatures(model, arguments)
    return made


def _training_signatures(model: Any, arguments: Mapping[str, Any]) -> dict[str, bytes]:
    from mobilenn.convert.lloyd import centroid_layer, lloyd_parts
    from mobilenn.convert.training import training_parts

    settings = records.from_dict(Trainable, arguments["trainable"])
    if centroid_layer(model) is not None:
        return lloyd_parts(model, settings)
    form = {"form": arguments["form"]} if arguments["form"] else {}
    return training_parts(model, settings, **form)


def _write_lesson(model: Any, arguments: Mapping[str, Any], inputs: Mapping[str, np.ndarray]) -> Path:
    from mobilenn.jobs.lessons import lesson

    path = Path(arguments["path"]).with_suffix(LESSON)
    store.write_json(path, lesson(model, records.from_dict(Trainable, arguments["trainable"]), inputs))
    return path


def calibration(arrays: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]] | None:
    """Turns stacked samples (N, ...) into the list of (1, ...) dictionaries that calibrators take."""
    if not arrays:
        return None
    count = len(next(iter(arrays.values())))
    return [{name: array[i : i + 1] for name, array in arrays.items()} for i in range(count)]


def _parts(model: Any, artifact: Mapping[str, Any]) -> dict[str, Any]:
    """The step models of a sequence network, by signature; nothing where it is none."""
    from mobilenn.networks._steps import step_models

    return step_models(artifact["network"], artifact["config"], model)


def _write(model: Any, transforms: tuple[str, ...], arguments: Mapping[str, Any], dataset: Any) -> dict[str, Any]:
    """Writes weights and outputs below the stage's folder; returns the manifest's part."""
    from mobilenn.networks._weights import save_weights

    folder = Path(arguments["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    digest = save_weights(model, folder / "weights.npz")
    parts = _parts(model, arguments)
    files = {"weights.npz": digest, **_write_outputs(model, parts, dataset, arguments)}
    artifact = KerasModel(
        path=folder / "weights.npz",
        sha256=digest,
        network=arguments["network"],
        config=arguments["config"],
        transforms=transforms,
        forms=_forms(parts or {"serving_default": model}),
        inputs=_specs(model.input_names, model.inputs),
        outputs=_specs(model.output_names, model.outputs),
        lineage=records.from_dict(Lineage, arguments["lineage"]),
    )
    return {"files": files, "artifact": records.to_dict(artifact)}


def _forms(models: Mapping[str, Any]) -> tuple[str, ...]:
    """Forms that the recurrent layers of all models can take."""
    from mobilenn.convert.lowerings.recurrent import forms

    found = [known for known in map(forms, models.values()) if known]
    return tuple(form for form in found[0] if all(form in known for known in found)) if found else ()


def _write_outputs(model: Any, parts: Mapping[str, Any], dataset: Any, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Writes the model's outputs on the test split and its golden pairs, as one .npz, and golden transcripts."""
    folder = Path(arguments["folder"])
    said = predictor(model) if not parts else functools.partial(_transcribed, model, parts)
    golden = datasets.golden(dataset.test, _golden_count(dataset.test))
    arrays = {f"test/{name}": value for name, value in evaluate.outputs(arguments["task"], said, dataset.test).items()}
    arrays |= {f"golden_inputs/{name}": value for name, value in golden.items()}
    arrays |= {f"golden_outputs/{name}": value for name, value in said(golden).items()}
    with store.atomic_file(folder / "outputs.npz") as file:
        np.savez_compressed(file, **arrays)
    written = ["outputs.npz"]
    if parts:
        from mobilenn.jobs.sequences import transcripts

        store.write_json(folder / TRANSCRIPTS, transcripts(parts, golden))
        written.append(TRANSCRIPTS)
    return {name: store.sha256_file(folder / name) for name in written}


def _transcribed(model: Any, parts: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    from mobilenn.jobs.sequences import transcribe

    return transcribe(model, parts, inputs, BATCH_SIZE)


def _golden_count(split: Any) -> int:
    """Pairs that fit the room for them: eight, of large inputs fewer, of any input two."""
    row_bytes = sum(int(np.prod(array.shape[1:])) * array.dtype.itemsize for array in split.inputs.values())
    return max(2, min(GOLDEN_COUNT, GOLDEN_BYTES // row_bytes))


def predict(model: Any, inputs: Mapping[str, Any], batch_size: int = BATCH_SIZE) -> dict[str, np.ndarray]:
    """Runs a Keras model over a whole split; see `predictor`."""
    return predictor(model, batch_size)(inputs)


def predictor(model: Any, batch_size: int = BATCH_SIZE) -> evaluate.Predict:
    """Makes a function that runs a Keras model over as many rows as it is given.

    Args:
        model: a keras.Model with named inputs and outputs.
        batch_size: samples a call.

    Returns:
        From raw values by input name, (N, ...), to outputs by name, (N, ...): float32, whole numbers as they are.
    """
    import tensorflow as tf

    call = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)
    return functools.partial(_predicted, model, call, batch_size)


def _predicted(model: Any, call: Any, batch_size: int, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    import tensorflow as tf

    dtypes = {name: tensor.dtype for name, tensor in zip(model.input_names, model.inputs, strict=True)}
    count = len(next(iter(inputs.values())))
    parts = []
    for start in range(0, count, batch_size):
        rows = np.arange(start, min(start + batch_size, count))
        outputs = call({name: tf.cast(array[rows], dtypes[name]) for name, array in inputs.items()})
        values = outputs if isinstance(outputs, list | tuple) else [outputs]
        parts.append([np.asarray(value, np.int32 if value.dtype.is_integer else np.float32) for value in values])
    return {
        name: np.concatenate(column) for name, column in zip(model.output_names, zip(*parts, strict=True), strict=True)
    }


def _specs(names: list[str], tensors: list[Any]) -> tuple[TensorSpec, ...]:
    pairs = zip(names, tensors, strict=True)
    return tuple(TensorSpec(name=n, shape=(1, *t.shape[1:]), dtype=t.dtype.name) for n, t in pairs)


def _dataset(arguments: Mapping[str, Any]) -> Any:
    asked = (json.dumps(arguments[part], sort_keys=True) for part in ("data", "role"))
    return _load(*asked, arguments["seed"])


@functools.lru_cache(maxsize=1)
def _load(data: str, role: str, seed: int) -> Any:
    settings = json.loads(data)
    dataset = datasets.load(settings.pop("name"), settings, seed)
    datasets.validate(dataset)
    return prepared(dataset, json.loads(role), seed, judge)


if __name__ == "__main__":
    worker.serve({"train": train, "compress": compress, "convert": convert})
