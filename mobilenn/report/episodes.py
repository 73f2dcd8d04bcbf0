"""Which test episodes a report shows, and what of each: a strip of moments, a film, what every model reached."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from mobilenn.environments import make
from mobilenn.environments._rollout import replay
from mobilenn.report import format as fmt
from mobilenn.report.figures.film import film_gif, strip_png

COUNT = 6
FILMS = 2
Outputs = Mapping[str, Mapping[str, np.ndarray]]


def episodes(split: Any, outputs: Outputs, explained: Collection[str]) -> list[dict[str, Any]]:
    """Shows episodes as the recommended file played them: its worst first, then others as they come.

    Args:
        split: the test split; its `context` names environment and seeds.
        outputs: by model, the recording of its episodes, as mobilenn.evaluate.control made it.
        explained: models, the recommended one last; of these the last that there is is filmed.

    Returns:
        One dictionary an episode, in the form of report.schema.Sample.
    """
    filmed = [name for name in explained if name in outputs][-1]
    scores = np.asarray(outputs[filmed]["episode_scores"])
    worst = np.argsort(scores, kind="stable")[: COUNT // 3]
    rows = list(dict.fromkeys([*worst.tolist(), *range(len(scores))]))[:COUNT]
    metric = make(split.context["environment"], split.context["settings"]).metric
    shown = []
    for place, row in enumerate(rows):
        # the worst, and one as it comes
        films = place in (0, len(worst))
        pictures = _pictures(split, row, outputs[filmed]["episode_actions"][row], films)
        shown.append({"index": row, **pictures, **_said(outputs, row, metric)})
    return shown


def _said(outputs: Outputs, row: int, metric: str) -> dict[str, Any]:
    """The best score possible, and what each model reached."""
    best = float(next(iter(outputs.values()))["episode_optima"][row])
    said = {model: fmt.metric(metric, float(made["episode_scores"][row])) for model, made in outputs.items()}
    return {
        "target": fmt.metric(metric, best),
        "weights": {},
        "predictions": {model: {"label": label, "confidence": None} for model, label in said.items()},
    }


def _pictures(split: Any, row: int, actions: np.ndarray, films: bool) -> dict[str, str]:
    known = split.context
    frames = list(_frames(known["environment"], known["settings"], int(known["seeds"][row]), actions))
    if not frames:
        return {"image": ""}
    return {"image": strip_png(frames), **({"film": film_gif(frames)} if films else {})}


def _frames(name: str, settings: Mapping[str, Any], seed: int, actions: np.ndarray) -> Iterator[np.ndarray]:
    return (np.asarray(frame, np.uint8) for frame in replay(name, settings, seed, actions))
