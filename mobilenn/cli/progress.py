"""Shows a run's events: a live bar per stage on a terminal, one line per stage elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

_TITLES = {
    "train": "training",
    "prune": "pruning",
    "cluster": "clustering",
    "qat": "quantization-aware training",
    "convert": "converting",
    "quantize": "packing",
    "verify": "verifying",
    "bench": "timing",
    "report": "writing the report",
}


class Progress:
    """A context manager whose `on_event` draws what a pipeline says, on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        self._console = Console(file=sys.stderr, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(30), TextColumn("{task.fields[note]}"))
        self._bars = Bars(*columns, TimeElapsedColumn(), console=self._console, transient=True)
        self._task: Any = None
        self._started = 0.0
        self._note = ""

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()
        if self._console.is_terminal:
            self._bars.stop()

    def on_event(self, event: dict[str, Any]) -> None:
        """Draws one event of the pipeline or of a stage."""
        from rich.markup import escape

        if "warning" in event:
            self._console.print("[yellow]note[/] ", escape(event["warning"]), soft_wrap=True)
        elif "epoch" in event:
            self._step(event)
        elif event.get("state") == "start":
            self._start(event)
        elif event.get("state") in ("done", "reused", "failed"):
            self._end(event)

    def _start(self, event: dict[str, Any]) -> None:
        self._clear()
        self._started, self._note = time.monotonic(), ""
        self._task = self._bars.add_task(_title(event), total=None, note="")

    def _step(self, event: dict[str, Any]) -> None:
        self._note = "  ".join(f"{key} {value:.4g}" for key, value in event.get("metrics", {}).items())
        if self._task is None:
            return
        done = (event["epoch"] - 1) * event.get("steps", 1) + event.get("step", 0)
        total = event["epochs"] * event.get("steps", 1)
        note = f"epoch {event['epoch']}/{event['epochs']}  {self._note}"
        self._bars.update(self._task, completed=done, total=total, note=note)

    def _end(self, event: dict[str, Any]) -> None:
        from rich.markup import escape

        self._clear()
        if event["state"] == "reused":
            return
        if event["state"] == "failed":
            self._console.print("[red]✗[/]", escape(f"{event['name']}: {event['reason']}"), soft_wrap=True)
            return
        took = time.monotonic() - self._started
        self._console.print(f"[green]✓[/] {_title(event):<44} {took:6.1f} s  [dim]{self._note}[/]", soft_wrap=True)

    def _clear(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


def _title(event: dict[str, Any]) -> str:
    title = _TITLES.get(event["stage"], event["stage"])
    name = event["name"]
    return title if name in ("train", "stages") or "-" in name else f"{title} {name}"
