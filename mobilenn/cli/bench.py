"""`mobilenn bench`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options


@click.command("bench")
@options.model_file
@click.option("--threads", multiple=True, type=click.IntRange(1, 64), default=(1, 2), show_default=True)
@click.option("--max-seconds", type=click.FloatRange(0.1), default=10.0, show_default=True, help="Per thread count.")
@options.as_json
def command(file: Path, threads: tuple[int, ...], max_seconds: float, as_json: bool) -> None:
    """Time a .tflite FILE on this machine: median, p90, memory, and where the time goes."""
    from mobilenn.bench import BenchConfig, bench
    from mobilenn.cli.progress import Progress

    with Progress() as progress:
        found = bench(file, BenchConfig(threads=threads, max_seconds=max_seconds), progress.on_event)
    if as_json:
        return options.print_json(found.to_dict())
    from mobilenn.cli.tables import timing

    click.echo(timing(found.to_dict()))
