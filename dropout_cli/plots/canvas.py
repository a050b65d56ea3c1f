"""What all figures share: one style whatever the user's matplotlibrc says, colors, and text from strangers."""

import io
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, VERMILION, SKY = "#0072B2", "#E69F00", "#D55E00", "#56B4E9"
"""From the palette of Okabe and Ito (2008), told apart with any kind of color vision."""
INK, GRAY, PALE = "#262626", "#6E6E6E", "#BDBDBD"

DPI = 120

STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GRAY,
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
    "svg.hashsalt": "dropout",
    "text.parse_math": False,  # or a class called $x$ would start a formula
}


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this: matplotlib's defaults plus `STYLE`, restored after; characters without a glyph stay quiet."""
    import matplotlib.style

    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def blank(width: float, height: float) -> "Figure":
    """Return an empty figure of that size in inches that pyplot does not know of."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, facecolor="white")


_FORMAT: ContextVar[str] = ContextVar("format", default="png")
_WITHOUT = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
"""The stamps that would change a figure's bytes."""


@contextmanager
def as_svg() -> Iterator[None]:
    """Figures drawn inside are SVG, letters as letters; outside they are PNG."""
    token = _FORMAT.set("svg")
    try:
        yield
    finally:
        _FORMAT.reset(token)


def rendered(figure: "Figure") -> bytes:
    """The bytes of the figure, the same for the same figure."""
    out, kind = io.BytesIO(), _FORMAT.get()
    figure.savefig(out, format=kind, metadata=_WITHOUT[kind])
    return out.getvalue()


def plain(text: str) -> str:
    """Return one line without control characters: white space to blanks, invisible marks dropped, others to U+FFFD."""
    kinds = ((char, unicodedata.category(char)) for char in " ".join(text.split()))
    return "".join("\N{REPLACEMENT CHARACTER}" if kind[0] == "C" else char for char, kind in kinds if kind != "Cf")


def fitted(text: str, inches: float, size: float) -> str:
    """Return `plain(text)`, its middle elided until it is at most `inches` wide at `size` points; inside `style`.

    The middle goes because long class names tend to differ at their ends.
    """
    text = plain(text)[:400]
    if text_width(text, size) > inches:
        low, high = 0, len(text) - 1  # how many characters can stay
        while low < high:
            keep = (low + high + 1) // 2
            low, high = (keep, high) if text_width(_elided(text, keep), size) <= inches else (low, keep - 1)
        text = _elided(text, low)
    return text


def text_width(text: str, size: float) -> float:
    """Return the width in inches of a line in the default font at `size` points; call it inside `style`."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    font.set_size(size, 72)
    font.set_text(text)
    width: float = font.get_width_height()[0] / 64 / 72
    return width


def _elided(text: str, keep: int) -> str:
    """The first and last characters, `keep` of them together, around an ellipsis."""
    head = (keep + 1) // 2
    return f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - keep + head :]}"
