"""`mobilenn quantize`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options, stage


@click.command("quantize")
@click.argument("source", metavar="RECIPE|FILE")
@click.option("--precision", default="int8", show_default=True, help="For a FILE: dynamic_int8, int8 or int4.")
@click.option("--representative", type=click.Path(path_type=Path), help="For a FILE: an .npz of samples by input name.")
@options.out("For a RECIPE the run's folder; for a FILE the file to write.")
@options.settings
@options.as_json
def command(
    source: str,
    precision: str,
    representative: Path | None,
    out: Path | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Quantize a RECIPE's variants, or one float32 .tflite FILE.

    A FILE is calibrated on --representative, or on the golden inputs that it carries.
    """
    if not options.is_tflite(source):
        return stage.run_until("quantize", source, out, settings, as_json)
    from mobilenn.requantize import quantize_file

    path = Path(source)
    target = out or path.with_name(f"{path.stem}.{precision}.tflite")
    result = quantize_file(path, target, precision, representative)
    if as_json:
        return options.print_json(result)
    click.echo(f"Wrote {target} ({result['size_bytes']:,} bytes, was {result['source_bytes']:,})")
    click.echo(f"Next  mobilenn verify {target}")
