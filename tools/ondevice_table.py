"""The results of ondevice.py as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RUNTIMES = ("Interpreter", "CompiledModel")
SHOWN = (1, 10, 100)  # steps whose losses are shown
_CURVES = """## The same losses as Keras

The mlp recipe's network (256 and 128 hidden units), and the three dense layers of the vgg recipe's on what its frozen
convolutions give, the last layer from zeros; both without dropout, from the same random weights on the same samples of
MNIST-5k. VGG's η is `training.steady_rate` of its samples, times 1 − μ. Loss before steps {shown}, and the largest
difference from Keras' loss over all {steps}.
"""
_CLUSTERS = """## The same clusters as scikit-learn

k-means, {clusters} clusters of {samples:,} digits, from the same samples as first centroids. Inertia after iterations
{shown}, and the largest difference from scikit-learn's over all {iterations}, as a share of it.
"""
_NEW = """## Five digits that the network never saw

VGG-11 at 32×32, trained on the digits {known} ({known_accuracy:.1%} of their test digits). Its file then learns
{digits} from {examples} examples each, in {epochs} epochs: the convolutions are frozen, the last layer starts from
zeros. How many dense layers are trained was chosen on validation digits: {tried}. Keras
learned them twice: on what the file's `prepare` gives, from which differences are counted, and behind its own
convolutions, which round otherwise.

{count} test digits of these classes; the file has {size:.2f} MB.
"""


def markdown(result: Mapping[str, Any]) -> str:
    """Losses side by side, what was learned, and the machine."""
    machine = result["environment"]
    named = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    ends = f"{machine['cpu']}, {machine['platform']}, Python {machine['python']}; {named}."
    parts = [*_curves(result), "", *_clusters(result), "", *_new(result)]
    return "\n".join(["# Training by the file itself", "", *parts, "", ends]) + "\n"


def _curves(result: Mapping[str, Any]) -> list[str]:
    steps = len(result["curves"][0]["losses"]["Keras"])
    lines = _CURVES.format(shown=", ".join(map(str, SHOWN[:-1])) + f" and {SHOWN[-1]}", steps=steps).splitlines()
    lines += ["", "| | samples a step | η | μ | Keras | " + " | ".join(f"{r} | difference" for r in RUNTIMES) + " |"]
    lines.append("|" + " --- |" * 9)
    for row in result["curves"]:
        rate = f"{row['learning_rate']:.3g}"
        cells = [row["name"], row["samples"], rate, row["momentum"], _shown(row["losses"]["Keras"])]
        for runtime in RUNTIMES:
            cells += [_shown(row["losses"][runtime]), f"{row['difference'][runtime]:.1e}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def _clusters(result: Mapping[str, Any]) -> list[str]:
    found = result["clusters"]
    inertia = found["inertia"]
    steps = (1, 5, len(inertia["scikit-learn"]))
    text = _CLUSTERS.format(
        **{key: found[key] for key in ("clusters", "samples")},
        shown=f"{steps[0]}, {steps[1]} and {steps[2]}",
        iterations=steps[-1],
    )
    lines = [*text.splitlines(), "", "| moved by | inertia | difference |", "|" + " --- |" * 3]
    for name, values in inertia.items():
        difference = f"{found['difference'][name]:.1e}" if name in found["difference"] else "–"
        title = f"the file, in {name}" if name in RUNTIMES else name
        lines.append(f"| {title} | {' '.join(f'{values[step - 1]:.1f}' for step in steps)} | {difference} |")
    return lines


def _shown(losses: list[float]) -> str:
    return " ".join(f"{losses[step - 1]:.4f}" for step in SHOWN)


def _new(result: Mapping[str, Any]) -> list[str]:
    new = result["new_digits"]
    text = _NEW.format(
        known=_digits(new["known"]["digits"]),
        known_accuracy=new["known"]["accuracy"],
        digits=_digits(new["digits"]),
        examples=new["examples"],
        epochs=new["epochs"],
        tried=", ".join(f"{row['layers']} gives {row['validation']:.1%}" for row in new["tried"]),
        count=new["test_digits"],
        size=new["size_bytes"] / 1e6,
    )
    lines = [*text.splitlines(), "", "| trained by | dense layers | accuracy | largest difference of a loss |"]
    lines.append("|" + " --- |" * 4)
    for runtime in sorted(new["accuracy"], key=lambda name: (name in RUNTIMES, name)):
        difference = f"{new['difference'][runtime]:.1e}" if runtime in new["difference"] else "–"
        name = f"the file, in {runtime}" if runtime in RUNTIMES else runtime
        lines.append(f"| {name} | {new['layers']} | {new['accuracy'][runtime]:.1%} | {difference} |")
    return lines


def _digits(digits: list[int]) -> str:
    return f"{digits[0]} to {digits[-1]}"
