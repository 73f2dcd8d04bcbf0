"""What it takes to train a file where it runs, as text: its signatures, its golden lesson, its calls' times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mobilenn.core.artifacts import TensorSpec
from mobilenn.report import format as fmt
from mobilenn.report import view
from mobilenn.report.schema import Report, VariantResult
from mobilenn.report.schema_file import Lesson, OnDevice
from mobilenn.runtime.lloyd import CENTROIDS, SHARES, SUMS
from mobilenn.runtime.training import INFER, INITIAL_WEIGHTS, NEXT, PREPARE, PREPARED, TRAIN, VELOCITY
from mobilenn.verify import LESSON_LOSSES, LESSON_TOLERANCE

SIGNATURE_HEADS = ("Signature", "What it does", "Takes", "Gives", "A call")
LESSON_HEADS = ("Before step", "Expected", "The file", "Difference")
NOTE = (
    "Nothing is kept inside the file: what learns goes in and comes out of each call. The app holds the arrays, saves "
    "them, and hands in those that it wants to go on from. A call is timed whole, on one thread of this machine, with "
    "the copying of all that goes in and out."
)
_DOES = {
    INITIAL_WEIGHTS: "gives what the file was made with",
    PREPARE: "runs the frozen part, once for each sample",
    TRAIN: "takes a step on a batch",
    INFER: "answers with the weights handed in",
}
_ORDER = (
    PREPARED,
    "target",
    "share",
    "learning_rate",
    "momentum",
    SHARES,
    SUMS,
)  # as an app meets them; a file sorts by name
_FOLDED_FROM = 3  # weights; fewer are listed by name
_BYTES = 4  # of a float32


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A variant that can be trained.

    Args:
        variant: its name.
        words: which layers learn, how many samples a call takes, and what that costs.
        signatures: rows under SIGNATURE_HEADS.
        lesson: rows under LESSON_HEADS; empty where the file has none.
        verdict: what the lesson shows; empty where there is none.
    """

    variant: str
    words: str
    signatures: tuple[tuple[str, ...], ...]
    lesson: tuple[tuple[str, ...], ...]
    verdict: str


def trained(report: Report) -> list[Trained]:
    """Returns the variants that can be trained, in the report's order."""
    return [
        Trained(
            variant=name,
            words=_words(report, name, row.on_device),
            signatures=tuple(_signatures(row.on_device)),
            lesson=tuple(_lesson(row.lesson)) if row.lesson else (),
            verdict=_verdict(row.lesson, row.on_device, row.compiled_model or {}) if row.lesson else "",
        )
        for name, row in report.variants.items()
        if row.on_device is not None
    ]


def _words(report: Report, name: str, found: OnDevice) -> str:
    numbers = sum(math.prod(shape) for shape in found.weights.values())
    layers = list(dict.fromkeys(_layer(weight) for weight in found.weights))
    step = found.calls_ms.get(TRAIN)
    each = f", {_time(found, step.median / found.batch_size)} a sample" if step else ""
    return (
        f"What learns is {_listed(layers)}: {fmt.count(numbers)} numbers, "
        f"{fmt.size(_BYTES * numbers)} for an app to keep. A call of train takes "
        f"{view.plural(found.batch_size, 'sample')}{each}.{_weighed(report, name)}"
    )


def _layer(weight: str) -> str:
    """The layer that a weight belongs to."""
    layer, _, part = weight.rpartition("_")
    return layer if part in ("kernel", "bias") else weight


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _weighed(report: Report, name: str) -> str:
    """What the signatures add to the file, where a plain one stands beside it."""
    row = report.variants[name]
    plain = next((other for key, other in report.variants.items() if key != name and _is_plain(other)), None)
    if plain is None or row.size_bytes is None or plain.size_bytes is None:
        return f" The file has {fmt.size(row.size_bytes)}."
    more = fmt.size(max(0, row.size_bytes - plain.size_bytes))
    return f" The file has {fmt.size(row.size_bytes)}: {more} more than one in float32 that only answers."


def _is_plain(row: VariantResult) -> bool:
    return row.precision == "float32" and not row.steps and row.on_device is None


def _signatures(found: OnDevice) -> Iterable[tuple[str, ...]]:
    for signature in found.signatures:
        call = found.calls_ms.get(signature.key)
        yield (
            signature.key,
            _DOES.get(signature.key, ""),
            _tensors(signature.inputs, found.weights),
            _tensors(signature.outputs, found.weights),
            _time(found, call.median) if call else "once",
        )


def _time(found: OnDevice, ms: float) -> str:
    """A time in the unit of all times of the file's calls."""
    unit = fmt.time_unit(call.median for call in found.calls_ms.values())
    return f"{unit.number(ms)} {unit.name}"


def _tensors(specs: Iterable[TensorSpec], weights: Mapping[str, tuple[int, ...]]) -> str:
    """Names and shapes; many weights, their velocities and what follows each of them as one word a kind."""
    kinds = {
        **{name: f"the {len(weights)} weights" for name in weights},
        **{f"{VELOCITY}{name}": f"a {VELOCITY}… of each" for name in weights},
        **{f"{NEXT}{name}": f"a {NEXT}… of each weight" for name in weights},
        **{f"{NEXT}{VELOCITY}{name}": f"a {NEXT}{VELOCITY}… of each" for name in weights},
    }
    listed = sorted(specs, key=lambda spec: _place(spec.name, kinds))
    folded = len(weights) >= _FOLDED_FROM and set(weights) != {spec.name for spec in listed}
    texts = (kinds.get(spec.name, _tensor(spec)) if folded else _tensor(spec) for spec in listed)
    return ", ".join(dict.fromkeys(texts))


def _place(name: str, kinds: Mapping[str, str]) -> tuple[int, int]:
    """What is about samples comes first, then settings, then what learns."""
    if name in kinds:
        return len(_ORDER), list(kinds).index(name)
    return (_ORDER.index(name) if name in _ORDER else -1), 0


def _tensor(spec: TensorSpec) -> str:
    shape = "×".join(map(str, spec.shape))
    return f"{spec.name} {shape}{'' if spec.dtype == 'float32' else f' {spec.dtype}'}"


def _lesson(lesson: Lesson) -> Iterable[tuple[str, ...]]:
    for step, (expected, found) in enumerate(zip(lesson.expected, lesson.found, strict=False), 1):
        known = expected is not None and found is not None
        texts = (fmt.significant(expected, 7), fmt.significant(found, 7))
        yield (str(step), *texts, fmt.error(abs(expected - found)) if known else fmt.NONE)


def _verdict(lesson: Lesson, found: OnDevice, compiled: Mapping[str, float | None]) -> str:
    steps = view.plural(len(lesson.expected), "step")
    whose = "Lloyd's iterations gave in numpy" if CENTROIDS in found.weights else "Keras gave from the same weights"
    elsewhere = f" ({fmt.error(compiled[LESSON_LOSSES])} in CompiledModel)" if LESSON_LOSSES in compiled else ""
    return (
        f"{steps} of the golden lesson, which travels inside the file; expected is what {whose}. Largest "
        f"difference, as a share of the largest loss where that is above 1: {fmt.error(lesson.error)}{elsewhere}; "
        f"{LESSON_TOLERANCE:g} is allowed."
    )
