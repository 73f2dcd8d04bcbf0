"""Scales and ticks that people read: bytes, milliseconds and shares, logarithmic only where it helps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from mobilenn.report import format as fmt

_LOG_FROM = 4.0  # ratio of largest to smallest from which a linear axis would crowd the small values
_STEPS = (1.0, 2.0, 5.0)


def positive(axis: Axis, values: Sequence[float], text: Callable[[float], str]) -> None:
    """Sets limits and ticks of an axis of positive values (sizes, times), with room for marks.

    Args:
        axis: the x or y axis.
        values: everything drawn along it.
        text: writes a tick.
    """
    low, high = min(values), max(values)
    if low > 0 and high / low >= _LOG_FROM:
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
        _limits(axis, low / 1.35, high * 1.35)
        axis.set_major_locator(FixedLocator(_log_ticks(low / 1.35, high * 1.35)))
        axis.set_minor_locator(NullLocator())
    else:
        room = max(0.2 * high, 0.15 * (high - low)) or 1.0
        _limits(axis, max(0.0, low - room), high + room)
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))


def metric(axis: Axis, name: str, low: float, high: float) -> None:
    """Sets limits and ticks of an axis of a metric."""
    _limits(axis, low, high)
    locator = MaxNLocator(5)
    axis.set_major_locator(locator)
    ticks = locator.tick_values(low, high)
    scale, unit = (100, " %") if fmt.is_percent(name) else (1, "")
    digits = max(0, math.ceil(-math.log10(scale * (ticks[1] - ticks[0])) - 1e-9))  # as many as tell ticks apart
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{scale * value:.{digits}f}{unit}"))


def _limits(axis: Axis, low: float, high: float) -> None:
    axis.axes.set(**{f"{axis.axis_name}lim": (low, high)})


def _log_ticks(low: float, high: float) -> list[float]:
    """Round values between the limits: 1, 2, 5 by decade, thinned to powers of ten where they are many."""
    decades = range(-12, 16)
    ticks = [step * 10.0**decade for decade in decades for step in _STEPS if low <= step * 10.0**decade <= high]
    return [tick for tick in ticks if f"{tick:e}"[0] == "1"] if len(ticks) > 7 else ticks
