"""Which test samples a report shows, and what of each: picture or words, what was said, what was looked at."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core.vocabulary import PAD, Vocabulary
from mobilenn.data import Dataset, Split
from mobilenn.report.episodes import episodes

COUNT = 12
ATTENTION = "attention"  # the output whose values say how much each part of the input mattered
CLUSTERS, UNKNOWN = "probabilities", "–"  # the output of a network without labels whose values are clusters
WEIGHT_PLACES = 3  # digits of a stored weight: more than an eye sees
Outputs = Mapping[str, Mapping[str, np.ndarray]]


def samples(
    data: Dataset, outputs: Outputs, explained: Sequence[str] = (), file: Path | None = None
) -> list[dict[str, Any]]:
    """Picks test samples to show: those that any model gets wrong first, then the rest in order.

    Args:
        data: whose test split is shown; without labels it shows values.
        outputs: by model (`float` and each variant), outputs on the split by name.
        explained: the models whose attention is kept; the last one is that of `file`.
        file: a .tflite; of one that writes, the samples are read once more, to see what it looked at.

    Returns:
        One dictionary a sample, in the form of report.schema.Sample; where episodes were played, those.
    """
    if "episode_scores" in next(iter(outputs.values())):
        return episodes(data.test, outputs, explained)
    rows = [int(row) for row in _picks(data.test, data.labels, outputs)]
    shown = [_sample(data, outputs, explained, row) for row in rows]
    model = explained[-1] if explained else ""
    writes = "source" in data.test.inputs and "tokens" in outputs.get(model, {})
    if file is not None and writes:
        for sample, aligned in zip(shown, _aligned(data, outputs[model], file, rows), strict=False):
            sample["alignment"] = {"model": model, **aligned}
    return shown


def _aligned(data: Dataset, outputs: Mapping[str, np.ndarray], file: Path, rows: list[int]) -> list[dict[str, Any]]:
    """What a file took its words from, of each sample; nothing where it does not tell."""
    from mobilenn.runtime.alignment import alignments

    source, said = (np.asarray(array[np.array(rows)]) for array in (data.test.inputs["source"], outputs["tokens"]))
    vocabulary = Vocabulary.from_dict(data.preprocessing["vocabulary"])
    found = alignments(file, source, said, vocabulary)
    return [{"said": list(one.said), "source": list(one.source), "rows": one.rows()} for one in found]


def _sample(data: Dataset, outputs: Outputs, explained: Collection[str], row: int) -> dict[str, Any]:
    shown: dict[str, Any] = {"image": ""}
    for name, array in data.test.inputs.items():
        if name in SHOWN:
            shown |= SHOWN[name](np.asarray(array[np.array([row])])[0], data)
    target = data.test.targets[row]
    return {
        "index": row,
        "target": _target(target, data, _main(outputs)),
        **shown,
        "weights": _weights(outputs, explained, row, len(shown.get("text", ()))),
        "alignment": None,
        "predictions": {
            model: _prediction(made[_main(outputs)][row], data, _main(outputs)) for model, made in outputs.items()
        },
    }


def _picks(split: Split, labels: tuple[str, ...], outputs: Outputs) -> Iterable[int]:
    order = np.random.default_rng(0).permutation(len(split))  # splits are often sorted by class
    if labels:
        wrong = np.zeros(len(split), bool)
        for made in outputs.values():
            wrong |= made[_main(outputs)].argmax(-1) != split.targets
        order = np.concatenate([order[wrong[order]][: COUNT // 2], order[~wrong[order]]])
    elif _are_tokens(split.targets):
        said = np.stack([made[_main(outputs)] for made in outputs.values()])
        wrong = (said != split.targets).any(axis=(0, 2))
        order = np.concatenate(
            [order[wrong[order]][: COUNT // 2], order[~wrong[order]], order[wrong[order]][COUNT // 2 :]]
        )
    return order[:COUNT]


def _main(outputs: Outputs) -> str:
    """The output that is judged: the first of the first model; a .tflite lists its outputs in another order."""
    return next(iter(next(iter(outputs.values()))))


def _target(value: Any, data: Dataset, output: str) -> str:
    """What is true of a sample: a class, a value, a text; nothing is known of rows in which clusters are found."""
    if data.labels:
        return data.labels[int(value)]
    return UNKNOWN if output == CLUSTERS else _plain(value, data)


def _prediction(values: np.ndarray, data: Dataset, output: str) -> dict[str, Any]:
    if not data.labels and output == CLUSTERS:
        return {"label": f"cluster {int(values.argmax()) + 1}", "confidence": float(values.max())}
    if not data.labels:
        return {"label": _plain(values, data), "confidence": None}
    return {"label": data.labels[int(values.argmax())], "confidence": float(values.max())}


def _plain(values: np.ndarray, data: Dataset) -> str:
    """What has no label: tokens as text, else a number."""
    if _are_tokens(values):
        return Vocabulary.from_dict(data.preprocessing["vocabulary"]).decode(values)
    return _number(values)


def _are_tokens(values: np.ndarray) -> bool:
    return values.dtype == np.int32 and values.ndim > 0


def _number(value: Any) -> str:
    return f"{float(np.ravel(value)[0]):.4g}"


def _weights(outputs: Outputs, explained: Collection[str], row: int, tokens: int) -> dict[str, list[float]]:
    """By model, how much each part of the sample mattered; of a text, each of its tokens."""
    found = {}
    for model in filter(None, explained):
        values = outputs.get(model, {}).get(ATTENTION)
        if values is not None and values.ndim == 2:
            kept = values[row][: tokens or None]
            found[model] = [round(float(value), WEIGHT_PLACES) for value in kept]
    return found


def _picture(values: np.ndarray, data: Dataset) -> dict[str, Any]:
    """An image as a PNG data URI."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values).save(buffer, "PNG", optimize=True)
    return {"image": f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"}


def _strip(values: np.ndarray, data: Dataset) -> dict[str, Any]:
    """A clip as a strip of frames."""
    return _picture(np.concatenate(list(values), axis=1), data)


def _sound(values: np.ndarray, data: Dataset) -> dict[str, Any]:
    """Sound as its waveform over its log-mel energies."""
    from mobilenn.report.figures.sound import sound_png

    return {"image": sound_png(values)}


def _text(values: np.ndarray, data: Dataset) -> dict[str, Any]:
    """Words as they stand in the vocabulary, characters as one piece; without the padding behind them."""
    vocabulary = Vocabulary.from_dict(data.preprocessing["vocabulary"])
    tokens = [vocabulary.tokens[number] for number in values[values != PAD]]
    return {"text": tokens if vocabulary.kind == "word" else ["".join(tokens)]}


def _items(values: np.ndarray, data: Dataset) -> dict[str, Any]:
    """The names of the items in a basket, or of those that a user likes."""
    return {"text": [data.labels[item] for item in np.flatnonzero(values > 0)]}


# By the input's name, what of it is shown: parts of a Sample.
SHOWN: dict[str, Callable[[np.ndarray, Dataset], dict[str, Any]]] = {
    "image": _picture,
    "clip": _strip,
    "audio": _sound,
    "tokens": _text,
    "source": _text,
    "basket": _items,
    "liked": _items,
}
