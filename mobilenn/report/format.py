"""Numbers for people: sizes, shares, times, metrics; a dash where there is none."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

NONE = "–"
_CLOSE = 1.1  # a ratio below which per cent say more
_SHARES = ("accuracy", "confidence", "exact_match", "f1", "precision", "recall", "solved", "named", "share", "copies")
_TITLES = {
    "r2": "R²",
    "rouge_l": "ROUGE-L",
    "mae": "Mean absolute error",
    "rmse": "Root mean square error",
    "top3_accuracy": "Top-3 accuracy",
    "frechet_distance": "Fréchet distance",
    **{f"ndcg_at_{places}": f"NDCG@{places}" for places in (1, 3, 10)},
    **{f"recall_at_{places}": f"Recall@{places}" for places in (1, 3, 10)},
}
_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: float | None) -> str:
    """Returns bytes in decimal units with three significant digits, such as `1.24 MB`."""
    if count is None or not math.isfinite(count):
        return NONE
    if abs(count) < 999.5:
        return f"{count:.0f} B"
    scaled = float(count)
    for unit in _UNITS[1:]:
        scaled /= 1000
        if abs(scaled) < 999.5 or unit == _UNITS[-1]:
            break
    return f"{significant(scaled)} {unit}"


def smaller(base: float, count: float) -> str:
    """Returns what a size is against a base, such as `1.5× smaller`, `1.2× larger`, or `2.1 % larger` where close."""
    if base >= count:
        return f"{base / count:.1f}× smaller"
    return f"{count / base:.1f}× larger" if count / base >= _CLOSE else f"{percent(count / base - 1)} larger"


def significant(value: float | None, digits: int = 3) -> str:
    """Returns `value` rounded to `digits` significant digits, without an exponent where that reads well."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    sign, text = "−" if value < 0 else "", f"{abs(value):.{digits - 1}e}"
    exponent = int(text.partition("e")[2])
    if not -5 < exponent < 12:
        return f"{sign}{text}"
    return f"{sign}{float(text):.{max(0, digits - 1 - exponent)}f}"


def tick(value: float) -> str:
    """Returns a number for an axis, without zeros that say nothing: `0.8`, not `0.800`."""
    text = significant(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def size_tick(count: float) -> str:
    """Returns bytes for an axis, such as `5 MB`."""
    number, unit = size(count).split(" ")
    return f"{tick(float(number))} {unit}"


def percent(share: float | None, decimals: int = 1) -> str:
    """Returns a share (0..1) in per cent; never 100 % for less than all, never 0 % for more than none."""
    if share is None or not math.isfinite(share):
        return NONE
    text = f"{100 * share:.{decimals}f}"
    least = 10**-decimals
    if share < 1 and float(text) >= 100:
        return f">{100 - least:.{decimals}f} %"
    if share > 0 and float(text) == 0:
        return f"<{least:.{decimals}f} %"
    return f"{text} %"


def count(value: int | None) -> str:
    """Returns a whole number with thousands separated, such as `62,378,344`."""
    return NONE if value is None else f"{value:,}"


def seconds(value: float | None) -> str:
    """Returns a duration, such as `61 s` or `5 min 02 s`."""
    if value is None or not math.isfinite(value):
        return NONE
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 100:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def decimals(values: Iterable[float | None]) -> int:
    """Returns how many decimals give the smallest of a column's values three significant digits (0 to 4)."""
    known = [abs(value) for value in values if value]
    if not known:
        return 2
    return min(4, max(0, 2 - math.floor(math.log10(min(known)))))


@dataclass(frozen=True, kw_only=True)
class TimeUnit:
    """The unit that a report's latencies are shown in: its name, and how many make a millisecond."""

    name: str
    per_ms: float

    def number(self, ms: float | None, places: int | None = None) -> str:
        """Returns milliseconds in this unit, without its name; `places` decimals keep a column aligned."""
        if ms is None or not math.isfinite(ms):
            return NONE
        value = ms * self.per_ms
        return f"{value:.{places}f}" if places is not None else significant(value)

    def places(self, values_ms: Iterable[float | None]) -> int:
        """Returns the decimals of a column of milliseconds in this unit."""
        return decimals(value * self.per_ms for value in values_ms if value)

    def tick(self, ms: float) -> str:
        """Returns milliseconds for an axis, such as `0.8 ms` or `2 µs`."""
        return f"{tick(ms * self.per_ms)} {self.name}"


_MS, _US = TimeUnit(name="ms", per_ms=1.0), TimeUnit(name="µs", per_ms=1000.0)


def time_unit(medians_ms: Iterable[float]) -> TimeUnit:
    """Returns milliseconds, or microseconds where the fastest would be a string of zeros."""
    return _US if min(medians_ms, default=1.0) < 0.01 else _MS


def plus_minus(median: float, low: float, high: float, places: int) -> str:
    """Returns the larger side of an interval around its median, rounded up, so that ± never understates it."""
    half = max(high - median, median - low, 0.0)
    scale = 10**places
    return f"{math.ceil(round(half * scale, 6)) / scale:.{places}f}"


def is_percent(metric: str) -> bool:
    """Whether a metric is a share that people read in per cent."""
    return metric in _SHARES or metric.endswith(tuple(f"_{share}" for share in _SHARES))


def metric(name: str, value: float | None) -> str:
    """Returns a metric's value: per cent for shares such as accuracy, four digits for the rest."""
    return percent(value, 2) if is_percent(name) else significant(value, 4)


def drop(name: str, value: float | None) -> str:
    """Returns a metric's loss against float: points of a share, else four digits; negative where it is better."""
    if value is None or not math.isfinite(value):
        return NONE
    if is_percent(name):
        return f"{_signed(100 * value, 2)} pt"
    return _signed(value, max(0, 3 - math.floor(math.log10(abs(value)))) if abs(value) >= 1 else 4)


def _signed(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def error(value: float | None) -> str:
    """Returns an error's size, such as `4.8e-07`; `0` where there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    return "0" if value == 0 else f"{value:.1e}"


def metric_title(name: str) -> str:
    """Returns a metric's name as a heading: `r2` becomes `R²`, `exact_match` becomes `Exact match`."""
    words = name.replace("_", " ").strip()
    return _TITLES.get(name) or re.sub(r"\bf1\b", "F1", words[:1].upper() + words[1:])


def short(text: str, most: int = 28) -> str:
    """Returns a name that fits into a figure: one line, cut at `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def wilson(share: float, samples: int) -> tuple[float, float]:
    """Returns the 95 % interval of a share measured on `samples` independent samples.

    Reference:
        Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    z = 1.959964
    centre = share + z * z / (2 * samples)
    spread = z * math.sqrt(share * (1 - share) / samples + z * z / (4 * samples * samples))
    scale = 1 + z * z / samples
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
