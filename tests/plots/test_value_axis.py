"""Figures over a swept key: ticks at the tested values, per cent, and labels inside the figure."""

import itertools
import re

import numpy as np
import pytest

from dropout_cli import plots
from dropout_cli.plots.canvas import style
from dropout_cli.plots.layout import titled_canvas
from dropout_cli.plots.sweeps import PlottedMean
from dropout_cli.plots.value_axis import hidden_intervals, keep_y_label_inside, tick_tested_values
from tests.plots.test_plots import texts

RATES = (0.0, 0.2, 0.4, 0.6, 0.8)


def wide(value: float) -> PlottedMean:
    """A mean with an interval that is seen."""
    return PlottedMean(value, value - 0.01, value + 0.01)


def test_one_and_two_lines_have_their_ticks_at_the_tested_values() -> None:
    """The figure of the metric and that of both parts have the same numbers below them, and per cent beside."""
    points = {rate: wide(0.02 + 0.1 * rate) for rate in RATES}
    for series in ({"": points}, {"training": points, "validation": points}):
        with plots.as_svg():
            drawn = plots.means_by_key(series, {}, "dropout rate", "error", percent=True).decode()
        _, x_axis, y_axis = re.split(r'id="matplotlib\.axis_[12]"', drawn)
        assert re.findall(r">([\d.]+)</text>", x_axis) == ["0", "0.2", "0.4", "0.6", "0.8"]
        assert len(re.findall(r">[\d.]+ %</text>", y_axis)) >= 3


def test_numbers_of_tested_values_do_not_overlap() -> None:
    """Of values that are close together, some have no number; the first one has."""
    values = [0, 0.001, 0.002, 0.5, *np.linspace(0.6, 0.7, 30)]
    with style():
        canvas = titled_canvas("", "", 2.9)
        axes = canvas.axes(0.72, 0.5, 0.15)
        axes.plot(values, values)
        tick_tested_values(axes, values)
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        ticks = axes.get_xticks().tolist()
    assert ticks[0] == 0 and 0.5 in ticks and set(ticks) <= set(values)
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


@pytest.mark.parametrize("scale", [1e-6, 0.0123, 1.0, 123_456.0])
def test_the_label_of_the_y_axis_is_inside_the_figure(scale: float) -> None:
    """However long the numbers are, as those of gaps with their signs."""
    with style():
        canvas = titled_canvas("", "", 2.9)
        axes = canvas.axes(0.72, 0.5, 0.15)
        axes.plot([0, 1], [-0.00123 * scale, 0.00456 * scale])
        axes.set_ylabel("accuracy, training - validation")
        keep_y_label_inside(canvas, axes)
        box = axes.yaxis.get_tightbbox()
    assert box is not None and box.x0 >= 0


def test_intervals_that_are_too_narrow_to_be_seen_are_named() -> None:
    """The subtitle names the line; a line without any interval is not named."""
    narrow = {rate: PlottedMean(0.5, 0.4999, 0.5001) for rate in RATES}
    clear, none = {rate: wide(0.3) for rate in RATES}, {rate: PlottedMean(0.4, 0.4, 0.4) for rate in RATES}
    assert [*hidden_intervals({"training": narrow, "validation": clear, "single": none})] == ["training"]
    with plots.as_svg():
        drawn = texts(plots.means_by_key({"training": narrow, "validation": clear}, {}, "rate", "error"))
    assert "the intervals of training are narrower than the markers" in " ".join(drawn.split())
