"""Shared parts of all figures: one style, colors, and safe text.

The style does not depend on the user's matplotlibrc.
"""

import io
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from dropout_cli.plots.color_scheme import follow_color_scheme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# From the palette of Okabe and Ito (2008), whose colors differ for all kinds of color vision.
BLUE, ORANGE, VERMILION, SKY = "#0072B2", "#E69F00", "#D55E00", "#56B4E9"
GREEN, PINK = "#009E73", "#CC79A7"
INK, GRAY, LIGHT_GRAY = "#262626", "#6E6E6E", "#BDBDBD"

DPI = 120

STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GRAY,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "text.color": INK,
    "xtick.color": GRAY,
    "ytick.color": GRAY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "dropout",  # else ids are random, and so are the bytes
    "text.parse_math": False,  # a class named $x$ must not start a formula
}


@contextmanager
def style() -> Iterator[None]:
    """Set matplotlib's defaults plus `STYLE` until the block ends.

    Every figure is drawn inside it.

    Characters without a glyph in the font give no warning.
    """
    import matplotlib.style

    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def empty_figure(width: float, height: float) -> "Figure":
    """Return an empty figure.

    Args:
        width: In inches.
        height: In inches.
    """
    from matplotlib.figure import Figure

    # Not through pyplot, which keeps every figure in memory and needs a backend.
    return Figure(figsize=(width, height), dpi=DPI, facecolor="white")


_FORMAT: ContextVar[str] = ContextVar("format", default="png")
# Metadata that would change a figure's bytes.
_WITHOUT = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}


FIGURE_FORMATS = tuple(_WITHOUT)
"""The formats in which figures can be drawn."""


def as_svg() -> AbstractContextManager[None]:
    """Draw figures of the block as SVG, with letters as text, for light and dark pages."""
    return as_format("svg")


@contextmanager
def as_format(name: str) -> Iterator[None]:
    """Draw figures of the block in another format than PNG.

    Args:
        name: One of FIGURE_FORMATS.
    """
    token = _FORMAT.set(name)
    try:
        yield
    finally:
        _FORMAT.reset(token)


def render(figure: "Figure") -> bytes:
    """Return the bytes of the figure, which are the same for the same figure."""
    out, kind = io.BytesIO(), _FORMAT.get()
    if kind == "svg":
        figure.set_facecolor("none")  # the page shows through, in its own color scheme
    figure.savefig(out, format=kind, metadata=_WITHOUT[kind])
    return follow_color_scheme(out.getvalue()) if kind == "svg" else out.getvalue()


def single_line(text: str) -> str:
    """Return the text as one line without control characters.

    White space becomes blanks, invisible marks are dropped, and other control characters become U+FFFD.
    """
    kinds = ((char, unicodedata.category(char)) for char in " ".join(text.split()))
    return "".join("\N{REPLACEMENT CHARACTER}" if kind[0] == "C" else char for char, kind in kinds if kind != "Cf")


def elide(text: str, inches: float, size: float) -> str:
    """Return `single_line(text)` with its middle cut out until it fits.

    Call it inside `style`.

    The middle is cut because long class names tend to differ at their ends.

    Args:
        text: Any text.
        inches: Maximum width.
        size: Font size in points.
    """
    text = single_line(text)[:400]  # bounds the search for hostile names
    if text_width(text, size) > inches:
        low, high = 0, len(text) - 1  # how many characters can stay
        while low < high:
            keep = (low + high + 1) // 2
            low, high = (keep, high) if text_width(_elided(text, keep), size) <= inches else (low, keep - 1)
        text = _elided(text, low)
    return text


def text_width(text: str, size: float) -> float:
    """Return the width in inches of a line in the default font; call it inside `style`.

    Args:
        text: One line.
        size: Font size in points.
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    font.set_size(size, 72)
    font.set_text(text)
    width: float = font.get_width_height()[0] / 64 / 72
    return width


def _elided(text: str, keep: int) -> str:
    """Return the first and the last characters, `keep` of them in total, around an ellipsis."""
    head = (keep + 1) // 2
    return f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - keep + head :]}"
