"""Incoming weights of a first layer: small images for pictures, bars for the columns of a table."""

import re
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.text import significant
from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import (
    BLUE,
    GREEN,
    INK,
    LIGHT_GRAY,
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
from dropout_cli.plots.panels import color_map

if TYPE_CHECKING:
    from matplotlib.image import AxesImage

COLORS = (BLUE, VERMILION, ORANGE, GREEN, PINK, SKY, INK)
PER_ROW = 8
FULL_COLOR_PERCENTILE = 99.5  # percentile of the |weights| at which color is full
LEFT, RIGHT, GAP = 0.1, 0.9, 0.07  # inches
NAME_INCHES, MIN_BODY_INCHES = 0.22, 1.0
MAX_BARS = 15
BAR_INCHES = 0.17


def filter_images(columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw filters as small images with one color scale.

    Light gray is 0, blue is positive and orange negative.

    Filters with three channels are color images in which 0 is middle gray; other numbers of channels are averaged.

    Args:
        columns: row, column, channel, and a column `[NETWORK: ]filter NUMBER` for each filter.
        title: The finding.
        subtitle: What the figure shows.
    """
    networks, largest = _images(columns)
    # Color images have no color bar: the colors of their three channels mix.
    is_color = max(columns["channel"]) == 2
    if is_color:
        subtitle += f"; gray is 0, full color is {significant(largest, 2)}"
    side = (WIDTH - LEFT - RIGHT - GAP * (PER_ROW - 1)) / PER_ROW
    named = len(networks) > 1
    lines = {name: -(-len(images) // PER_ROW) for name, images in networks.items()}
    body = sum(count * (side + GAP) + NAME_INCHES * named for count in lines.values()) + 0.1
    body = max(body, MIN_BODY_INCHES)
    with style():
        canvas = titled_canvas(title, subtitle, body)
        top, image = body, None
        for name, images in networks.items():
            if named:
                text = elide(name, WIDTH - RIGHT - LEFT, LABEL_SIZE)
                canvas.figure.text(LEFT / WIDTH, (top - 0.06) / canvas.height, text, fontsize=LABEL_SIZE, va="top")
                top -= NAME_INCHES
            for number, weights in enumerate(images):
                line, place = divmod(number, PER_ROW)
                left, bottom = LEFT + place * (side + GAP), top - (line + 1) * side - line * GAP
                axes = canvas.axes(left, bottom, WIDTH - left - side, body - bottom - side)
                image = axes.imshow(weights, cmap=color_map(True), vmin=-largest, vmax=largest, interpolation="nearest")
                axes.grid(visible=False)
                axes.set_xticks([])
                axes.set_yticks([])
                for spine in axes.spines.values():
                    spine.set_visible(True)
                    spine.set_linewidth(0.5)
                    spine.set_edgecolor(LIGHT_GRAY)
            top -= lines[name] * (side + GAP)
        if image is not None and not is_color:
            _draw_scale(canvas, image, body, min(body - 0.2, 2.0))
        return render(canvas.figure)


def _images(columns: FigureColumns) -> tuple[dict[str, list[Array]], float]:
    """Return the images of each network, and the weight of full color."""
    rows, places, channels = (np.asarray(columns[name], int) for name in ("row", "column", "channel"))
    shape = tuple(int(one.max()) + 1 for one in (rows, places, channels))
    networks: dict[str, list[Array]] = {}
    for name, cells in columns.items():
        found = re.fullmatch(r"(?:(.*): )?filter \d+", name, re.DOTALL)
        if found is not None:
            weights = np.zeros(shape)
            weights[rows, places, channels] = cells
            networks.setdefault(found[1] or "", []).append(weights)
    if shape[2] != 3:
        networks = {name: [one.mean(axis=2) for one in images] for name, images in networks.items()}
    every = np.concatenate([np.abs(one).ravel() for images in networks.values() for one in images])
    largest = float(np.percentile(every, FULL_COLOR_PERCENTILE)) or 1.0
    if shape[2] == 3:  # matplotlib draws them as colors from 0 to 1
        networks = {
            name: [np.clip(0.5 + one / (2 * largest), 0, 1) for one in images] for name, images in networks.items()
        }
    return networks, largest


def _draw_scale(canvas: Canvas, image: "AxesImage", body: float, height: float) -> None:
    left = WIDTH - RIGHT + 0.12
    axes = canvas.axes(left, body - height, WIDTH - left - 0.12, 0.0)
    axes.grid(visible=False)
    canvas.figure.colorbar(image, cax=axes, extend="both")
    axes.tick_params(labelsize=7, length=2)
    axes.set_ylabel("weight", fontsize=7)


def column_bars(columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw the mean |weight| of the columns with the largest ones, a bar per network.

    Args:
        columns: network, column, mean |weight|.
        title: The finding.
        subtitle: What the figure shows.
    """
    weights: dict[str, dict[str, float]] = {}
    for network, column, weight in zip(*columns.values(), strict=True):
        weights.setdefault(text_cell(column), {})[text_cell(network)] = weight
    networks = list(dict.fromkeys(map(text_cell, columns["network"])))
    ordered = sorted(weights, key=lambda name: -max(weights[name].values()))
    shown = ordered[:MAX_BARS]
    rest = f"; the {MAX_BARS} largest of {len(ordered)} columns" if len(ordered) > MAX_BARS else ""
    with style():
        names = [elide(name, 1.5, LABEL_SIZE) for name in shown]
        left = 0.25 + max(text_width(name, LABEL_SIZE) for name in names)
        named = len(networks) > 1
        below = 0.5 + 0.19 * len(networks) * named
        body = below + BAR_INCHES * len(shown) * max(1.0, 0.6 * len(networks)) + 0.1
        canvas = titled_canvas(title, subtitle + rest, body)
        axes = canvas.axes(left, below, 0.2)
        thick = 0.8 / len(networks)
        for number, network in enumerate(networks):
            places = [place + thick * (number + 0.5) - 0.4 for place in range(len(shown))]
            values = [weights[name].get(network, 0.0) for name in shown]
            color = COLORS[number % len(COLORS)]
            axes.barh(places, values, height=0.9 * thick, color=color)
            if named:
                y = (0.1 + 0.19 * (len(networks) - 1 - number)) / canvas.height
                text = elide(f"\N{BLACK SQUARE} {network}", WIDTH - 0.4, LABEL_SIZE)
                canvas.figure.text(0.15 / WIDTH, y, text, fontsize=LABEL_SIZE, color=color)
        axes.set_yticks(range(len(shown)), names, fontsize=LABEL_SIZE)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(list(columns)[2])
        return render(canvas.figure)
