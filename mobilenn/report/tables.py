"""Markdown that strangers' text cannot break out of, in tables whose columns line up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*\[\]|~#]|(?<![^\W_])_|_(?![^\W_]))")
_PLAIN_CODE = re.compile(r"[\w./:=+,@ -]+")


def escape(text: str) -> str:
    """Returns text that Markdown shows as it is: one line, no HTML, no emphasis, no table bar."""
    line = " ".join(str(text).split())
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        line = line.replace(character, entity)
    line = _SPECIAL.sub(r"\\\1", line)
    return re.sub(r"^(\d+)([.)])(?= |$)", r"\1\\\2", re.sub(r"^([-+=])", r"\\\1", line))


def code(text: str) -> str:
    """Returns text as code where it is plain enough to stand in backticks, else escaped."""
    return f"`{text}`" if _PLAIN_CODE.fullmatch(text) else escape(text)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Returns a table of cells that are Markdown already.

    Args:
        heads: column titles.
        rows: cells, as many as there are heads.
        left: columns that are text and stand to the left; the others are numbers and stand to the right.
    """
    widths = [max(3, *(_width(row[i]) for row in (heads, *rows))) for i in range(len(heads))]
    rule = ["-" * width if i < left else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    lines = [_line(heads, widths, left), _line(rule, widths, left), *(_line(row, widths, left) for row in rows)]
    return "\n".join(lines)


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Returns a table of plain text: every cell is escaped."""
    return table(heads, [[escape(cell) for cell in row] for row in rows], left=left)


def _line(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    padded = [
        cell + " " * (width - _width(cell)) if i < left else " " * (width - _width(cell)) + cell
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"


def _width(text: str) -> int:
    """Columns that text takes in a terminal or editor."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
