"""`mobilenn doctor`."""

from __future__ import annotations

import sys

import click

from mobilenn.cli import options


@click.command("doctor")
@options.as_json
def command(as_json: bool) -> None:
    """Say what is installed, what is missing, and what to type."""
    from dataclasses import asdict

    from mobilenn.doctor import diagnose

    findings = diagnose()
    if as_json:
        options.print_json([asdict(finding) for finding in findings])
    else:
        from mobilenn.cli.tables import findings_table

        click.echo(findings_table(findings))
    sys.exit(1 if any(finding.status in ("missing", "wrong") for finding in findings) else 0)
