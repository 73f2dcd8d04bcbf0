"""How busy the machine is with work that is not ours."""

from __future__ import annotations

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")


class OtherWork:
    """Counts, from its making on, the cores that other processes keep busy.

    Our own share is that of this process and of the children it has waited for, so workers must have
    been closed before `cores` is asked.
    """

    def __init__(self) -> None:
        self._started = self._now()

    def cores(self) -> float | None:
        """Mean number of cores busy with other work; None where the system does not tell."""
        started, now = self._started, self._now()
        if started is None or now is None or now[0] <= started[0]:
            return None
        wall, busy, own = (after - before for before, after in zip(started, now, strict=True))
        return max(0.0, (busy - own) / wall)

    @staticmethod
    def _now() -> tuple[float, float, float] | None:
        """Seconds of the clock, of all cores at work, and of our own work."""
        try:
            fields = STAT.read_text(encoding="ascii").splitlines()[0].split()[1:]
        except (OSError, IndexError):
            return None
        user, nice, system, _idle, _wait, *interrupts = (int(field) for field in fields[:7])
        busy = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), busy, sum(os.times()[:4])
