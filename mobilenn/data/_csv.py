"""Reading a .csv with a header, for the loaders of the user's own tables."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from mobilenn.core.errors import DataError
from mobilenn.data._files import raise_faults


def read(path: Path, delimiter: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Reads a .csv with a header, and each row with the number of its line.

    Raises:
        DataError: no such file, no UTF-8, no rows, or a column that stands there twice.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            lines = [(reader.line_num, row) for row in reader if row]
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.", "Set data.path.") from None
    except (UnicodeDecodeError, csv.Error, OSError, TypeError) as error:
        raise DataError(f"{path} is not a readable .csv: {error}.", "Allowed: UTF-8 text.") from None
    if len(lines) < 2:
        raise DataError(f"{path} holds no rows.", "Allowed: a header, then one sample a row.")
    header = [name.strip() for name in lines[0][1]]
    double = sorted({name for name in header if header.count(name) > 1})
    raise_faults(path, [f"{path.name}:1: column '{name}' stands there twice" for name in double])
    return header, lines[1:]


def finite(text: str) -> bool:
    """Whether a cell holds a number that float32 can hold."""
    try:
        return math.isfinite(float(text)) and abs(float(text)) < 3e38
    except ValueError:
        return False


def shown(text: str) -> str:
    """A cell as a fault names it."""
    return f"'{text.strip()[:40]}'" if text.strip() else "empty"
