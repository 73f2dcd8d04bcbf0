"""Progress events: what a running stage says, no more often than an eye can read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

Emit = Callable[[dict[str, Any]], None]
INTERVAL_S = 0.2


class Events:
    """Emits `{"stage", "epoch", "epochs", "step", "steps", "metrics"}` and `{"stage", "warning"}`.

    Args:
        emit: receives the events.
        stage: the name they bear.
        epochs: epochs in all.
        steps: steps an epoch.
    """

    def __init__(self, emit: Emit, stage: str, epochs: int, steps: int) -> None:
        self._emit, self._stage, self._epochs, self._steps = emit, stage, epochs, steps
        self._last = 0.0

    def due(self, epoch: int, step: int) -> bool:
        """Whether the last event is old enough for another; the last step of all is always told."""
        over = epoch + 1 == self._epochs and step == self._steps
        return over or time.monotonic() - self._last >= INTERVAL_S

    def tell(self, epoch: int, step: int, metrics: Mapping[str, float]) -> None:
        """Emits an event.

        Args:
            epoch: from 0; events count from 1.
            step: steps done in the epoch.
            metrics: plain floats.
        """
        self._last = time.monotonic()
        where = {"epoch": epoch + 1, "epochs": self._epochs, "step": step, "steps": self._steps}
        self._emit({"stage": self._stage, **where, "metrics": dict(metrics)})
