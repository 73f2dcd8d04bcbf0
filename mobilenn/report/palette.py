"""Colours of the page in light and dark, and one colour and mark per variant in every figure.

The marks' colours keep apart under protanopia and deuteranopia, and every variant also has a shape
of its own and its name beside it, so that no figure depends on colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LIGHT = {
    "page": "#f7f7f4",
    "surface": "#ffffff",
    "ink": "#1b2127",
    "muted": "#57606b",
    "line": "#dfe1de",
    "accent": "#0a6cb0",
    "good": "#11694a",
    "warn": "#8a5300",
    "bad": "#a8232f",
    "good-soft": "#e2f2ea",
    "warn-soft": "#fbefd9",
    "bad-soft": "#fbe6e6",
    "heat": "#e8590c",
    "series-1": "#0a6cb0",
    "series-2": "#b23a00",
    "series-3": "#00937a",
    "series-4": "#a98600",
    "series-5": "#d0609c",
    "series-6": "#3b2a6b",
    "series-7": "#5f4632",
    "series-8": "#4d545e",
}
DARK = {
    "page": "#121518",
    "surface": "#1a1e23",
    "ink": "#e7e9ec",
    "muted": "#a3adb8",
    "line": "#323941",
    "accent": "#6cb6f5",
    "good": "#6fd6a8",
    "warn": "#f0b75e",
    "bad": "#ff9a9a",
    "good-soft": "#17352a",
    "warn-soft": "#3a2d14",
    "bad-soft": "#41201f",
    "heat": "#ff8a3d",
    "series-1": "#3f97e6",
    "series-2": "#ff8a3d",
    "series-3": "#1fc7a0",
    "series-4": "#f2dc5c",
    "series-5": "#f5a8d0",
    "series-6": "#c9d6ff",
    "series-7": "#c0603f",
    "series-8": "#8a93a0",
}
_SERIES = 8
# matplotlib's marker, and the same shape as an SVG path in a 12 × 12 box for the tables
_MARKERS = (
    ("o", "M6 1.2a4.8 4.8 0 1 1 0 9.6a4.8 4.8 0 1 1 0-9.6z"),
    ("s", "M1.8 1.8h8.4v8.4h-8.4z"),
    ("^", "M6 1l5.2 9.8h-10.4z"),
    ("D", "M6 .6l5.4 5.4-5.4 5.4-5.4-5.4z"),
    ("v", "M6 11l5.2-9.8h-10.4z"),
    ("p", "M6 .8l5.3 3.9-2 6.3h-6.6l-2-6.3z"),
    ("h", "M6 .6l4.8 2.7v5.4l-4.8 2.7-4.8-2.7v-5.4z"),
    ("<", "M1 6l9.8-5.2v10.4z"),
)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How a variant is drawn: `color` names a CSS variable, `marker` is matplotlib's, `path` is SVG."""

    color: str
    marker: str
    path: str


FLOAT = Mark(color="ink", marker="o", path=_MARKERS[0][1])


def marks(variants: Iterable[str]) -> dict[str, Mark]:
    """Gives each variant its mark, by its place in the report; the ninth repeats a colour in a new shape."""
    found = {}
    for index, name in enumerate(variants):
        marker, path = _MARKERS[(index + index // _SERIES) % len(_MARKERS)]
        found[name] = Mark(color=f"series-{index % _SERIES + 1}", marker=marker, path=path)
    return found


def css(colors: dict[str, str]) -> str:
    """Returns the colours as CSS custom properties."""
    return " ".join(f"--{name}: {value};" for name, value in colors.items())


def token(color: str) -> str:
    """Returns the stand-in hex colour that a figure is drawn with, one per CSS variable."""
    return f"#fe{list(LIGHT).index(color):02x}01"


def with_variables(svg: str) -> str:
    """Turns the stand-in colours of a drawn figure into CSS variables, so that it follows light and dark."""
    for color in LIGHT:
        svg = svg.replace(token(color), f"var(--{color})")
    return svg
