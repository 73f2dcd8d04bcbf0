"""`mobilenn report`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options


@click.command("report")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@options.as_json
def command(folder: Path, as_json: bool) -> None:
    """Write report.html and report.md anew from DIR/report.json."""
    from mobilenn.core.store import read_json
    from mobilenn.report.terminal import variants_table
    from mobilenn.report.write import write

    report = read_json(folder / "report.json")
    written = write(report, folder)
    if as_json:
        return options.print_json(report)
    click.echo(variants_table(report))
    for path in written:
        click.echo(f"Wrote {path}")
