"""Statistics of hidden activations: a panel per statistic, over layers or over a swept rate.

Columns of both figures: statistic, axis, layer, value, low, high, chance. Panels with the same word in `axis` have the
same range; those with `own` have a range of their own.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dropout_cli.plots.canvas import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PINK,
    SKY,
    VERMILION,
    elide,
    render,
    style,
    text_width,
)
from dropout_cli.plots.figure_columns import FigureColumns, text_cell
from dropout_cli.plots.layout import LABEL_SIZE, WIDTH, Canvas, titled_canvas
from dropout_cli.plots.value_axis import tick_tested_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = (BLUE, VERMILION, ORANGE, GREEN, PINK, SKY, INK)
MARKERS = "osD^vPX"
ROW_INCHES, MAX_NAME_INCHES = 0.17, 1.1
HEAD_INCHES, FOOT_INCHES, GAP_INCHES = 0.28, 0.3, 0.2
RATE_PANEL_INCHES = 1.15
TITLE_POINTS = 8.0
LEGEND_ROW_INCHES = 0.19


class StatisticPoint(NamedTuple):
    """A value of a statistic."""

    layer: str
    network: str
    """The network, or the value of the swept rate as text."""
    x: float
    """The swept rate; 0 without one."""
    value: float
    low: float | None
    high: float | None
    chance: float | None


def statistics_by_layer(columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw a panel per statistic, with a row per layer and a marker per network.

    Args:
        columns: statistic, axis, layer, network, value, low, high, chance.
        title: The finding.
        subtitle: What the figure shows.
    """
    panels, ranges = _panels(columns)
    layers = list(dict.fromkeys(point.layer for points in panels.values() for point in points))
    networks = list(dict.fromkeys(point.network for points in panels.values() for point in points))
    with style():
        names = [elide(layer, MAX_NAME_INCHES, LABEL_SIZE) for layer in layers]
        left = 0.2 + max((text_width(name, LABEL_SIZE) for name in names), default=0)
        rows = len(layers) * max(1.0, 0.55 * len(networks))
        height = max(0.4, ROW_INCHES * rows + 0.12)
        canvas, grid = _grid(title, subtitle, len(panels), left, height, networks)
        for axes, (name, points) in zip(grid, panels.items(), strict=False):
            for point in points:
                number = networks.index(point.network)
                place = layers.index(point.layer) + 0.7 * ((number + 0.5) / len(networks) - 0.5)
                color = COLORS[number % len(COLORS)]
                if point.low is not None and point.high is not None:
                    axes.plot([point.low, point.high], [place, place], color=color, lw=1.4)
                axes.plot(point.value, place, _marker(number), color=color, ms=4.5, clip_on=False)
                if point.chance is not None:
                    axes.plot(
                        [point.chance] * 2,
                        [place - 0.3 / len(networks), place + 0.3 / len(networks)],
                        color=INK,
                        lw=1.2,
                        ls=":",
                    )
            axes.set_ylim(len(layers) - 0.4, -0.6)
            axes.set_yticks(range(len(layers)), names, fontsize=LABEL_SIZE)
            axes.tick_params(axis="y", length=0)
            axes.grid(visible=False, axis="y")
            _finish_panel(axes, name, "x", ranges[name])
        _hide_inner_names(grid)
        _draw_legend(canvas, networks)
        return render(canvas.figure)


def statistics_by_rate(columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw a panel per statistic against a swept rate, with a line and a band per layer.

    Args:
        columns: statistic, axis, layer, the swept key, value, low, high, chance.
        title: The finding.
        subtitle: What the figure shows.
    """
    panels, ranges = _panels(columns)
    layers = list(dict.fromkeys(point.layer for points in panels.values() for point in points))
    with style():
        canvas, grid = _grid(title, subtitle, len(panels), 0.55, RATE_PANEL_INCHES, layers, between=0.5)
        for axes, (name, points) in zip(grid, panels.items(), strict=False):
            for number, layer in enumerate(layers):
                line = sorted((point for point in points if point.layer == layer), key=lambda point: point.x)
                xs, color = [point.x for point in line], COLORS[number % len(COLORS)]
                low = [point.value if point.low is None else point.low for point in line]
                high = [point.value if point.high is None else point.high for point in line]
                axes.fill_between(xs, low, high, color=color, alpha=0.18, lw=0)
                axes.plot(
                    xs,
                    [point.value for point in line],
                    color=color,
                    marker=_marker(number),
                    ms=3.5,
                    lw=1.5,
                )
                chances = [point.chance for point in line if point.chance is not None]
                if len(chances) == len(line):
                    axes.plot(xs, chances, color=INK, lw=1, ls=":")
            tick_tested_values(axes, [point.x for point in points])
            _finish_panel(axes, name, "y", ranges[name])
        canvas.figure.text(
            0.5, (0.1 + _legend_inches(layers)) / canvas.height, elide(list(columns)[3], 3, 9), ha="center", fontsize=9
        )
        _draw_legend(canvas, layers)
        return render(canvas.figure)


def _panels(columns: FigureColumns) -> tuple[dict[str, list[StatisticPoint]], dict[str, tuple[float, float]]]:
    """Return the points and the range of each statistic."""
    panels: dict[str, list[StatisticPoint]] = {}
    axes: dict[str, str] = {}
    for statistic, axis, *cells in zip(*columns.values(), strict=True):
        layer, network, value, low, high, chance = cells
        x = float(network) if isinstance(network, int | float) else 0.0
        point = StatisticPoint(text_cell(layer), text_cell(network), x, value, low, high, chance)
        panels.setdefault(statistic, []).append(point)
        axes[statistic] = axis
    shared: dict[str, list[float]] = {}
    for name, points in panels.items():
        shared.setdefault(_axis_key(name, axes[name]), []).extend(_ends(points))
    ranges = {name: _range(shared[_axis_key(name, axes[name])], axes[name]) for name in panels}
    return panels, ranges


def _axis_key(statistic: str, axis: str) -> str:
    return statistic if axis == "own" else f"shared {axis}"


def _ends(points: Sequence[StatisticPoint]) -> Iterator[float]:
    for point in points:
        yield from (one for one in (point.value, point.low, point.high, point.chance) if one is not None)


def _range(values: Sequence[float], axis: str) -> tuple[float, float]:
    """Return the range of an axis: from 0 to 1 for shares, else with 0 and some room."""
    if axis == "share":
        return 0.0, 1.0
    low, high = min(0.0, *values), max(0.0, *values)
    return 1.1 * low, 1.1 * high or 1.0


def _grid(
    title: str, subtitle: str, panels: int, left: float, height: float, names: Sequence[str], between: float = 0.0
) -> tuple[Canvas, list["Axes"]]:
    """Return a canvas with two columns of empty panels, and the panels in reading order."""
    lines = -(-max(panels, 1) // 2)
    each = HEAD_INCHES + height + FOOT_INCHES
    below = _legend_inches(names) + (0.25 if between else 0.0)
    canvas = titled_canvas(title, subtitle, lines * each + below)
    inner = between or GAP_INCHES
    width = (WIDTH - left - inner - 0.2) / 2
    grid = []
    for number in range(panels):
        line, column = divmod(number, 2)
        start = left + column * (width + inner)
        bottom = below + (lines - 1 - line) * each + FOOT_INCHES
        grid.append(canvas.axes(start, bottom, WIDTH - start - width, line * each + HEAD_INCHES))
    return canvas, grid


def _finish_panel(axes: "Axes", statistic: str, which: str, ends: tuple[float, float]) -> None:
    """Write the name of the statistic above a panel, and set the range of its values."""
    from matplotlib.ticker import MaxNLocator

    axes.set_title(elide(statistic, (WIDTH - 0.7) / 2, TITLE_POINTS), fontsize=TITLE_POINTS, loc="left", pad=3)
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xlim if which == "x" else axes.set_ylim)(*ends)
    axis.set_major_locator(MaxNLocator(4, steps=(1, 2, 2.5, 5, 10)))
    axis.set_major_formatter("{x:g}")


def _hide_inner_names(grid: Sequence["Axes"]) -> None:
    for axes in grid[1::2]:
        axes.tick_params(axis="y", labelleft=False)


def _legend_inches(names: Sequence[Any]) -> float:
    return 0.0 if len(names) < 2 else 0.1 + LEGEND_ROW_INCHES * -(-len(names) // 2)


def _draw_legend(canvas: Canvas, names: Sequence[str]) -> None:
    """Name the colors below the panels, in two columns."""
    if len(names) < 2:
        return
    for number, name in enumerate(names):
        line, column = divmod(number, 2)
        x = 0.15 + column * (WIDTH - 0.2) / 2
        y = (_legend_inches(names) - 0.1 - LEGEND_ROW_INCHES * (line + 0.3)) / canvas.height
        canvas.figure.text(
            (x + 0.16) / WIDTH, y, elide(name, WIDTH / 2 - 0.5, LABEL_SIZE), fontsize=LABEL_SIZE, va="center"
        )
        place = canvas.figure.add_axes((x / WIDTH, y - 0.05 / canvas.height, 0.1 / WIDTH, 0.1 / canvas.height))
        place.plot(0, 0, _marker(number), color=COLORS[number % len(COLORS)], ms=4.5)
        place.set_axis_off()


def _marker(number: int) -> str:
    """Return a marker; a color that is used again gets another one."""
    return MARKERS[(number + number // len(COLORS)) % len(MARKERS)]
