"""One way to draw: a matplotlib figure in, an SVG fragment for the page out."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from html import escape

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from mobilenn.report.palette import token, with_variables

FONT_PX = 11
_STYLE = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": FONT_PX,
    "figure.dpi": 72,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": token("muted"),
    "axes.edgecolor": token("line"),
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": token("line"),
    "grid.linewidth": 0.7,
    "text.color": token("ink"),
    "xtick.color": token("line"),
    "ytick.color": token("line"),
    "xtick.labelcolor": token("muted"),
    "ytick.labelcolor": token("muted"),
}


def draw(name: str, alt: str, paint: Callable[[Axes], None], *, width: float = 440, height: float = 300) -> str:
    """Draws one pair of axes.

    Args:
        name: lower-case letters, digits and -, unique on the page; prefixes every id.
        alt: what the figure shows, for those who do not see it.
        paint: puts the marks on the axes.
        width, height: of the view box, in px; the page scales it.

    Returns:
        An `<svg>` element with no XML header, no outside reference and no fixed size.
    """
    with rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # only its width is guessed; the browser has the glyph
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        axes.tick_params(length=3)
        paint(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _fragment(buffer.getvalue(), name, alt)


def _fragment(document: str, name: str, alt: str) -> str:
    """Cuts an SVG file down to what a page needs, with ids of its own and the page's colours."""
    body = document[document.index("<svg") :]
    opening, rest = body.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', opening)[0]  # type: ignore[index]
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    rest = re.sub(r"<!--.*?-->\s*", "", rest, flags=re.DOTALL)
    rest = re.sub(r'\bid="', f'id="{name}-', rest)
    rest = rest.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    head = f'<svg {box} role="img" aria-labelledby="{name}-title"><title id="{name}-title">{escape(alt)}</title>'
    return with_variables(head + rest)
