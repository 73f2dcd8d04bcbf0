"""`mobilenn compare`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options


@click.command("compare")
@click.argument("files", metavar="FILE FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--max-seconds", type=click.FloatRange(0.1), default=10.0, show_default=True, help="Per file.")
@options.as_json
def command(files: tuple[Path, ...], max_seconds: float, as_json: bool) -> None:
    """Time several .tflite FILEs in turn in one run, as ratios."""
    from mobilenn.bench import BenchConfig, compare

    found = compare(files, BenchConfig(threads=(1,), max_seconds=max_seconds))
    if as_json:
        return options.print_json(found.to_dict())
    from mobilenn.cli.tables import comparison

    click.echo(comparison(found.to_dict()))
