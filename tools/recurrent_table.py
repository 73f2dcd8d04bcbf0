"""What benchmark_recurrent.py aims at, and its results as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Aim:
    """Our fastest file's least time against the fastest of others', at most `most` times it."""

    most: float
    ours: Callable[[Row], bool]
    others: Callable[[Row], bool]

    def ratio(self, rows: Sequence[Row]) -> float | None:
        """Of the least times; None where one of the two sides has no file."""
        sides = ([row["min_ms"] for row in rows if fits(row)] for fits in (self.ours, self.others))
        ours, others = (min(times, default=None) for times in sides)
        return None if ours is None or others is None else ours / others


def _is(side: str, *precisions: str) -> Callable[[Row], bool]:
    return lambda row: row["side"] == side and (not precisions or row["precision"] in precisions)


AIMS: dict[str, dict[str, Aim]] = {
    "LSTM": {
        "int8 weights : ONNX Runtime's int8": Aim(
            1.0, _is("mobilenn", "dynamic_int8", "int8"), _is("onnxruntime", "dynamic_int8")
        ),
        "int8 weights : the stock full int8": Aim(0.1, _is("mobilenn", "dynamic_int8", "int8"), _is("stock", "int8")),
    },
    "GRU": {"fastest : ONNX Runtime's fastest": Aim(0.7, _is("mobilenn"), _is("onnxruntime"))},
    "BiLSTM": {"fastest : ONNX Runtime's fastest": Aim(1.0, _is("mobilenn"), _is("onnxruntime"))},
}
_NOTES = """Batch 1, one thread, random weights, the same for all. Every file sits in a process of its own, and they
run in turn, {runs} runs of each at the least; the clock runs around the invocation alone (ONNX Runtime with its
buffers bound). Least and median over all runs; ratios are of the least. Error: largest difference of a probability
from Keras', over {samples} inputs. What loads in the Interpreter but not in CompiledModel is marked. `stock` is
TFLiteConverter on the Keras model as it is; `tried` are other ways to write the same function.

What the runtime charges, as these figures show it: XNNPACK packs the weights of each product in the graph anew, so
that an unrolled network reads a fresh copy in each step, which leaves the caches (float32 above all); a loop packs
them once, but each of its turns costs about a fifth of what a further step in its body costs, because the runtime
lays the body's tensors out anew in every run. The size of `blocks`, √(T/5) steps, is where the two are least
together. Phones have smaller caches than this machine: time the forms there.
"""


def markdown(result: Mapping[str, Any]) -> str:
    """The results as tables, the aims first, and the machine they were measured on."""
    lines = ["| network | aim | at most | ratio | |", "|" + " --- |" * 5]
    for row in result["rows"]:
        for title, ratio in row["ratios"].items():
            most = AIMS[row["network"]][title].most
            found = "–" if ratio is None else f"{ratio:.2f}"
            reached = "reached" if ratio is not None and ratio <= most else "missed"
            lines.append(f"| {row['network']} | {title} | {most} | {found} | {reached} |")
    for row in result["rows"]:
        lines += ["", *_network(row)]
    runs = min(file["runs"] for row in result["rows"] for file in row["files"])
    machine = result["environment"]
    versions = {**machine["versions"], **result["peer"]}
    lines += ["", _NOTES.format(runs=runs, samples=result["samples"])]
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines.append(f"{machine['cpu']}, {machine['platform']}, Python {machine['python']}; {named}.")
    return "\n".join(lines) + "\n"


def _network(row: Row) -> list[str]:
    peer = min(file["min_ms"] for file in row["files"] if file["side"] == "onnxruntime")
    lines = ["| network | side | file | precision | min ms | median ms | : fastest of ONNX Runtime | kB | error | |"]
    lines.append("|" + " --- |" * 10)
    order = {"mobilenn": 0, "onnxruntime": 1, "stock": 2, "tried": 3}
    for file in sorted(row["files"], key=lambda file: (order[file["side"]], file["precision"], file["min_ms"])):
        times = (f"{file['min_ms']:.4f}", f"{file['median_ms']:.4f}", f"{file['min_ms'] / peer:.2f}")
        refused = f"does not load in {file['refused_by']}" if file["refused_by"] else ""
        cells = (row["network"], file["side"], file["name"].replace("_", " "), file["precision"], *times)
        lines.append(
            "| " + " | ".join((*cells, f"{file['size_bytes'] / 1e3:.0f}", f"{file['error']:.1e}", refused)) + " |"
        )
    for file in row["failed"]:
        cells = (row["network"], file["side"], file["name"].replace("_", " "), file["precision"])
        lines.append("| " + " | ".join((*cells, *["–"] * 5, file["reason"])) + " |")
    if row["profile"]:
        lines += ["", "Where the time of our fastest dynamic_int8 file goes:", "", "| operator | a run | ms | share |"]
        lines.append("|" + " --- |" * 4)
        for part in row["profile"][:12]:
            lines.append(f"| {part['operator']} | {part['count']} | {part['ms']:.4f} | {part['share']:.0%} |")
    return lines
