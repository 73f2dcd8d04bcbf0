"""What a trained sequence network says, through its Keras step models and the loops of mobilenn.runtime.sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mobilenn.core.artifacts import TensorSpec
from mobilenn.core.vocabulary import PAD
from mobilenn.runtime import search, sequence
from mobilenn.runtime.sequence import DECODE, ENCODE, Steps

BEAM_WIDTH, TRANSCRIPTS = 4, 4  # of the golden transcripts: texts followed, and how many there are
PROMPT = 16  # tokens that a golden transcript of a language model goes on from


def keras_steps(parts: Mapping[str, Any]) -> Steps:
    """Step models as what the loops run; any number of rows at a time."""
    decode = parts[DECODE]
    specs = tuple(
        TensorSpec(name=name, shape=(1, *tensor.shape[1:]), dtype=tensor.dtype.name)
        for name, tensor in zip(decode.input_names, decode.inputs, strict=True)
    )
    return Steps(decode=_runner(decode), inputs=specs, encode=_runner(parts[ENCODE]) if ENCODE in parts else None)


def _runner(model: Any) -> sequence.Runner:
    import tensorflow as tf

    call = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)

    def run(arrays: sequence.Arrays) -> dict[str, np.ndarray]:
        made = call({name: tf.constant(arrays[name]) for name in model.input_names})
        return dict(zip(model.output_names, [tensor.numpy() for tensor in tf.nest.flatten(made)], strict=True))

    return run


def transcribe(model: Any, parts: Mapping[str, Any], inputs: Mapping[str, Any], batch_size: int) -> dict[str, Any]:
    """What `HostSession.predict` gives of a sequence file, from the Keras model.

    The transcript comes from the step models; the probability of what was expected from the model as it was
    trained, over all steps at once, so that a file that agrees with both is proven to run what was trained.

    Args:
        model: the trained network.
        parts: its step models.
        inputs: by name, (N, …) int32.
        batch_size: rows a call.

    Returns:
        `tokens` (N, T) int32 and `log_probability` (N, T) float32.
    """
    steps, whole = keras_steps(parts), _runner(model)
    count, made = len(next(iter(inputs.values()))), []
    for start in range(0, count, batch_size):
        rows = np.arange(start, min(start + batch_size, count))
        batch = {name: np.asarray(array[rows], np.int32) for name, array in inputs.items()}
        said = sequence.transcribe(steps, batch)
        said["log_probability"] = _trained(whole(batch)["probabilities"], batch)
        made.append(said)
    return {name: np.concatenate([part[name] for part in made]) for name in made[0]}


def _trained(probabilities: np.ndarray, batch: sequence.Arrays) -> np.ndarray:
    text = batch["target_in"] if "source" in batch else batch["tokens"]
    expected = sequence.expectations(text, ends="source" in batch)
    chosen = np.take_along_axis(probabilities, expected[..., np.newaxis], axis=-1)[..., 0]
    return np.where(expected == PAD, 0.0, sequence.logs(chosen)).astype(np.float32)


def transcripts(parts: Mapping[str, Any], golden: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Golden transcripts, by which an app or a browser checks its own loops.

    Args:
        parts: step models.
        golden: raw inputs of the golden pairs, by name.

    Returns:
        JSON-ready: `length` of each, `beam_width`, and `texts`: of each the `source`, or the `prompt` that it
        goes on from, and tokens said by `greedy` and, with a source, by `beam` search, with its `score`.
    """
    steps, texts = keras_steps(parts), []
    length = next(reversed(golden.values())).shape[1] if "source" in golden else _continued(steps, golden)
    for row in range(min(TRANSCRIPTS, len(next(iter(golden.values()))))):
        if "source" in golden:
            source = np.asarray(golden["source"][row : row + 1], np.int32)
            best = search.beam(steps, source, length, BEAM_WIDTH)[0]
            said = sequence.greedy(steps, source, length)[0]
            found = {"beam": list(best.tokens), "score": round(best.score, 6)}
            texts.append({"source": source[0].tolist(), "greedy": _text(said), **found})
        else:
            prompt = np.asarray(golden["tokens"][row : row + 1, :PROMPT], np.int32)
            said = sequence.greedy(steps, None, length, prompt)[0]
            texts.append({"prompt": prompt[0].tolist(), "greedy": _text(said)})
    return {"length": length, "beam_width": BEAM_WIDTH, "texts": texts}


def _continued(steps: Steps, golden: Mapping[str, np.ndarray]) -> int:
    read = min(PROMPT, golden["tokens"].shape[1])
    return max(1, golden["tokens"].shape[1] - read) if steps.limit is None else max(1, steps.limit - read)


def _text(tokens: np.ndarray) -> list[int]:
    """A row without its padding."""
    return tokens[tokens != PAD].tolist()
