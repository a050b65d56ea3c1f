"""Layout of figures: titles that wrap, names at the ends of lines, and axes with numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.plots.canvas import GRAY, INK, elide, empty_figure, single_line, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.4  # inches; on a phone of 390 pixels, letters of 9 points are then still 10 pixels high
MARGIN = 0.1
TITLE_SIZE, SUBTITLE_SIZE, LABEL_SIZE = 10.0, 8.5, 8.5
MAX_DIRECT_LABELS = 6  # lines up to which names are at their ends; more get a legend below
LABEL_INCHES = 1.3  # room for the names at the ends of lines
LEGEND_COLUMNS = 2
LINE_SPACING = 1.25


class LineEnd(NamedTuple):
    """The name of a line and where the line ends."""

    name: str
    y: float
    color: str


@dataclass(frozen=True)
class Canvas:
    """A figure with a title, and the size of the part below the title in inches."""

    figure: "Figure"
    width: float
    body: float
    height: float

    def axes(self, left: float, bottom: float, right: float, top: float = 0.0) -> "Axes":
        """Add axes.

        Args:
            left: Inches from the left edge.
            bottom: Inches from the bottom.
            right: Inches from the right edge.
            top: Inches below the title.
        """
        width, height = self.width - left - right, self.body - bottom - top
        return self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))


def titled_canvas(title: str, subtitle: str, body: float, width: float = WIDTH) -> Canvas:
    """Return a figure with a title and a subtitle, wrapped to its width; call it inside `style`.

    Args:
        title: The finding, in bold letters.
        subtitle: What the figure shows.
        body: Height in inches of the part below.
        width: Width in inches.
    """
    room = width - 2 * MARGIN
    # Bold letters are about a tenth wider than the letters that `text_width` measures.
    lines = [(line, TITLE_SIZE, "bold", INK) for line in wrap(title, room / 1.12, TITLE_SIZE)]
    lines += [(line, SUBTITLE_SIZE, "normal", GRAY) for line in wrap(subtitle, room, SUBTITLE_SIZE)]
    head = MARGIN + sum(size * LINE_SPACING / 72 for _, size, _, _ in lines) + 0.12
    height = head + body
    figure = empty_figure(width, height)
    y = height - MARGIN
    for line, size, weight, color in lines:
        figure.text(MARGIN / width, y / height, line, fontsize=size, fontweight=weight, color=color, va="top")
        y -= size * LINE_SPACING / 72
    return Canvas(figure, width, body, height)


def wrap(text: str, inches: float, size: float, most: int = 4) -> list[str]:
    """Return the text in lines of at most that width; call it inside `style`.

    Args:
        text: Any text.
        inches: Maximum width of a line.
        size: Font size in points.
        most: Maximum number of lines; the last one is cut.
    """
    lines: list[str] = []
    words = single_line(text)[:1000].split(" ")
    for place, word in enumerate(words):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= inches:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] = " ".join([lines[-1], *words[place:]])
            break
    return [elide(line, inches, size) for line in lines if line]


def label_line_ends(axes: "Axes", ends: Sequence[LineEnd], inches: float = LABEL_INCHES) -> None:
    """Write the names of lines at their right ends, moved apart where they would overlap.

    Args:
        axes: Axes with final limits.
        ends: The names and ends of the lines; ends that are not finite are left out.
        inches: Room on the right of the axes.
    """
    shown = [end for end in ends if np.isfinite(end.y)]
    if not shown:
        return
    # The part of the axes that an inch is.
    box = axes.get_position()
    inch_x, inch_y = (1 / (side * size) for side, size in zip((box.width, box.height), _inches(axes), strict=True))
    to_axes = axes.transData + axes.transAxes.inverted()
    blocks = [wrap(end.name, inches - 0.28, LABEL_SIZE, 3) for end in shown]
    sizes = [len(block) * LABEL_SIZE * LINE_SPACING / 72 * inch_y for block in blocks]
    wanted = [float(np.clip(to_axes.transform((axes.get_xlim()[1], end.y))[1], 0, 1)) for end in shown]
    for (end, block), y, place in zip(zip(shown, blocks, strict=True), wanted, spread(wanted, sizes), strict=True):
        axes.plot(
            [1, 1 + 0.15 * inch_x],
            [y, place],
            transform=axes.transAxes,
            color=end.color,
            lw=1.2,
            clip_on=False,
            scalex=False,
            scaley=False,
        )
        axes.text(
            1 + 0.2 * inch_x,
            place,
            "\n".join(block),
            transform=axes.transAxes,
            va="center",
            fontsize=LABEL_SIZE,
            linespacing=1.1,
        )


def _inches(axes: "Axes") -> tuple[float, float]:
    figure = axes.get_figure(root=True)
    assert figure is not None
    width, height = figure.get_size_inches()
    return float(width), float(height)


def spread(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Return places in 0..1, close to the wanted ones, at which blocks of these sizes do not overlap.

    Blocks that need more than the room from 0 to 1 extend beyond 1.

    Args:
        wanted: Center of each block.
        sizes: Size of each block.
    """
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], index))
    # Blocks that touch form a cluster around the mean of their wanted places, as in isotonic regression.
    clusters: list[tuple[list[int], float]] = []
    for index in order:
        members, start = [index], _inside(wanted[index] - sizes[index] / 2, sizes[index])
        while clusters and clusters[-1][1] + sum(sizes[one] for one in clusters[-1][0]) > start:
            members = clusters.pop()[0] + members
            offsets = np.concatenate([[0.0], np.cumsum([sizes[one] for one in members])[:-1]])
            starts = [wanted[one] - sizes[one] / 2 - offset for one, offset in zip(members, offsets, strict=True)]
            start = _inside(float(np.mean(starts)), sum(sizes[one] for one in members))
        clusters.append((members, start))
    places = [0.0] * len(wanted)
    for members, start in clusters:
        for index in members:
            places[index] = start + sizes[index] / 2
            start += sizes[index]
    return places


def _inside(start: float, size: float) -> float:
    return max(0.0, min(start, 1 - size))


def legend_height(names: Mapping[str, object] | Sequence[str]) -> float:
    """Return the inches that a legend below the axes needs; 0 if names are at the ends of the lines."""
    return 0.0 if len(names) <= MAX_DIRECT_LABELS else 0.2 * -(-len(names) // LEGEND_COLUMNS) + 0.1


def set_log_scale(axes: "Axes", which: str, low: float, high: float) -> None:
    """Make an axis logarithmic, with numbers also where it spans less than a decade.

    Args:
        axes: The axes.
        which: `x` or `y`.
        low: The smallest value shown, above 0.
        high: The largest value shown.
    """
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    decades = np.log10(high / low)
    # Matplotlib numbers powers of ten only, of which a narrow range has one or none.
    if decades < 0.7:
        axis.set_major_locator(MaxNLocator(4, steps=(1, 2, 2.5, 5, 10)))
    else:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.5 else (1,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
