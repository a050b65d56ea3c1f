"""The figures: their bytes are theirs alone, and no data and no name breaks them."""

import io
import itertools
import re
import subprocess
import sys
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from dropout_cli import plots
from dropout_cli.core.types import Array
from dropout_cli.metrics import Mistake
from dropout_cli.plots.canvas import BLUE, VERMILION, elide, single_line, style, text_width
from dropout_cli.plots.color_scheme import dark_color
from dropout_cli.plots.layout import spread
from dropout_cli.plots.sweeps import CurveBand, PlottedMean

HISTORY = {
    "train_loss": [1.0, 0.5, 0.25],
    "train_objective": [1.2, 0.8, 0.6],
    "train_accuracy": [0.5, 0.7, 0.9],
    "val_loss": [1.1, 0.7, 0.6],
    "val_accuracy": [0.4, 0.6, 0.65],
}
MISTAKES = [Mistake(7, "ant", "bee", 0.1, 0.8, 2.3), Mistake(3, "cat", "ant", 0.3, 0.4, 1.2)]
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 8, 6, 3), dtype=np.uint8)
CAPTIONS = [plots.mistake_caption(mistake) for mistake in MISTAKES]

ONE = PlottedMean(0.9, 0.8, 1.0)

FIGURES: dict[str, Callable[[], bytes]] = {
    "curves": lambda: plots.learning_curves(HISTORY, 2),
    "confusion": lambda: plots.confusion_figure(np.array([[9, 1], [0, 5]]), ["ant", "bee"], "insects"),
    "pictures": lambda: plots.mistake_images(PICTURES, CAPTIONS),
    "table": lambda: plots.mistake_bars(MISTAKES),
    "against": lambda: plots.means_by_key({"a": {0.1: ONE, 0.5: ONE}}, {"none": ONE}, "rate", "accuracy"),
    "forest": lambda: plots.forest_plot([("a", ONE), ("b", ONE)], "difference"),
    "bands": lambda: plots.curve_bands({"a": CurveBand("val loss", *np.array([[0.5, 0.3], [0.4, 0.2], [0.6, 0.4]]))}),
    "critical_difference": lambda: plots.critical_difference_plot({"a": 1.2, "b": 1.9, "c": 2.9}, 0.8),
}


def pixels(figure: bytes) -> Array:
    """The figure as uint8 (height, width, 3)."""
    assert figure.startswith(b"\x89PNG\r\n\x1a\n")
    return np.round(imread(io.BytesIO(figure))[..., :3] * 255).astype(np.uint8)


def count(figure: bytes, color: str) -> int:
    """How many pixels have exactly that color, given as #RRGGBB."""
    return int(np.sum(np.all(pixels(figure) == list(bytes.fromhex(color[1:])), axis=-1)))


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_png_without_a_stamp(name: str) -> None:
    """A PNG with something on it, without a version or a date, the same at every call."""
    figure = FIGURES[name]()
    assert np.ptp(pixels(figure)) > 100
    assert b"tEXt" not in figure
    assert figure == FIGURES[name]()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_ignores_the_settings_of_its_user(name: str) -> None:
    """The bytes do not depend on matplotlibrc, and the settings are the same afterwards."""
    expected = FIGURES[name]()
    with mpl.rc_context({"font.size": 20, "figure.facecolor": "red", "savefig.dpi": 30, "text.usetex": True}):
        assert FIGURES[name]() == expected
        assert mpl.rcParams["font.size"] == 20


def test_pyplot_is_never_imported_nor_matplotlib_before_it_is_needed() -> None:
    """Importing the package costs nothing; drawing leaves pyplot's global state alone."""
    program = (
        "import sys; from dropout_cli import plots\n"
        "assert 'matplotlib' not in sys.modules\n"
        "plots.learning_curves({'train_loss': [1.0]}, 1)\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_curves_without_validation_leave_it_out() -> None:
    """Missing columns and columns of NaN draw the same figure, without the validation's color."""
    train = {column: values for column, values in HISTORY.items() if "val" not in column}
    figure = plots.learning_curves(train, 3)
    assert figure == plots.learning_curves({**train, "val_loss": [np.nan] * 3, "val_accuracy": [np.nan] * 3}, 3)
    assert count(figure, VERMILION) == 0
    assert count(plots.learning_curves(HISTORY, 3), VERMILION) > 0


@pytest.mark.parametrize(("low", "high"), [(0.25, 0.95), (0.2, 9.0), (0.09, 2.0), (0.001, 5.0)])
def test_the_axis_of_learning_curves_has_two_numbers_at_least(low: float, high: float) -> None:
    """Also where there is no power of ten, or only one, between the least and the largest loss."""
    losses = np.array([[high, low]] * 3)
    with plots.as_svg():
        svg = plots.curve_bands({"a": CurveBand("val loss", *losses)}, ", 5 runs per setting")
    drawn = svg.decode()
    numbers = re.findall(r">([\d.]+)</text>", drawn.partition('id="matplotlib.axis_2"')[2])
    assert len(numbers) >= 2
    assert "val loss: mean and 95 % interval, 5 runs per setting" in texts(svg)


def texts(svg: bytes) -> str:
    """The letters of an SVG, a line per text."""
    return "\n".join(re.findall(r">([^<>]+)</text>", svg.decode()))


def test_a_few_lines_have_their_names_at_their_ends_and_many_have_a_legend() -> None:
    """A single series has no name; up to 6 lines have no legend; more have one below the axes."""
    with plots.as_svg():
        alone = plots.means_by_key({"": {0.1: ONE, 0.5: ONE}}, {}, "rate", "y")
        few = plots.means_by_key({"": {0.1: ONE, 0.5: ONE}}, {"none": ONE}, "rate", "y")
        many = plots.means_by_key({f"line {i}": {0.1: ONE, 0.5: ONE} for i in range(7)}, {}, "rate", "y")
    assert "none" not in texts(alone) and "none" in texts(few).split("\n")
    assert b"legend" not in alone + few and b"legend" in many
    assert all(f"line {i}" in texts(many) for i in range(7))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 0.3)), min_size=1, max_size=8))
def test_names_at_the_ends_of_lines_do_not_overlap(blocks: list[tuple[float, float]]) -> None:
    """They keep the order of the lines, stay beside the axes if there is room, and a single name is at its line."""
    wanted, sizes = [block[0] for block in blocks], [block[1] for block in blocks]
    places = spread(wanted, sizes)
    order = sorted(range(len(blocks)), key=lambda index: (wanted[index], index))
    for lower, upper in itertools.pairwise(order):
        assert places[upper] - places[lower] >= (sizes[lower] + sizes[upper]) / 2 - 1e-9
    if len(blocks) == 1:
        assert places[0] == pytest.approx(np.clip(wanted[0], sizes[0] / 2, 1 - sizes[0] / 2))
    if sum(sizes) <= 1:
        assert all(size / 2 - 1e-9 <= place <= 1 - size / 2 + 1e-9 for place, size in zip(places, sizes, strict=True))


@pytest.mark.parametrize(("low", "high"), [(0.001, 0.1), (0.0001, 1.0), (0.3, 30.0)])
def test_a_key_over_decades_has_a_logarithmic_axis_with_numbers(low: float, high: float) -> None:
    """A learning rate from 0.001 to 0.1 is not pressed against the left edge."""
    middle = float(np.sqrt(low * high))
    with plots.as_svg():
        drawn = plots.means_by_key({"": dict.fromkeys((low, middle, high), ONE)}, {}, "learning rate", "y").decode()
    numbers = re.findall(r">([\d.]+)</text>", drawn.partition('id="matplotlib.axis_1"')[2].partition("axis_2")[0])
    assert len(numbers) >= 2 and float(numbers[-1]) <= high * 1.01


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.3), (0.9, 1.1), (2.0, 9.0), (1e-5, 4e-5)])
def test_a_logarithmic_axis_below_a_decade_has_numbers(low: float, high: float) -> None:
    """The noise variance often changes by less than a factor of ten."""
    history = {"a/dropout/alpha": list(np.linspace(low, high, 5))}
    with plots.as_svg():
        drawn = plots.rate_curves(history).decode()
    assert len(re.findall(r">[\d.e\u2212-]+</text>", drawn.partition('id="matplotlib.axis_2"')[2])) >= 2


def test_titles_state_the_finding_with_its_numbers() -> None:
    """Learning curves, the confusion matrix and residuals compute theirs; sweeps are given it."""
    true, mean = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [6.0]])
    with plots.as_svg():
        curves = texts(plots.learning_curves(HISTORY, 2)).replace("\n", " ")
        matrix = texts(plots.confusion_figure(np.array([[9, 1], [0, 5]]), ["ant", "bee"], "insects")).replace("\n", " ")
        residuals = texts(plots.residual_figure(mean, None, true, ["price"], "test")).replace("\n", " ")
        dots = texts(plots.dot_plot([("a", ONE), ("b", ONE)], "accuracy", title="Highest mean: 0.9 with a"))
        finding = plots.mistakes_title(14, 359, MISTAKES)
        mistakes = [plots.mistake_bars(MISTAKES, finding), plots.mistake_images(PICTURES, CAPTIONS, finding)]
        none = texts(plots.mistake_bars([], plots.mistakes_title(0, 30, []))).replace("\n", " ")
        steps = {"small": {"masks": 25.0, "matrix products": 75.0}, "large": {"masks": 500.0, "matrix products": 500.0}}
        many = texts(plots.step_time_figure(steps, "a training step"))
        one = texts(plots.step_time_figure({"small": steps["small"]}, "a training step"))
    assert "Epoch 2: training accuracy 0.7, validation accuracy 0.6" in curves
    assert "14 of 15 examples correct (93.3 %); most frequent mistake: 'ant' as 'bee' (1 time)" in matrix
    assert "RMSE 1.732 (3 examples)" in residuals
    assert "Highest mean: 0.9 with a" in dots
    for figure in mistakes:
        said = texts(figure).replace("\n", " ")
        assert "14 of 359 examples wrong (3.9 %); the worst: 'ant' as 'bee' with probability 0.80" in said
    assert "0 of 30 examples wrong (0.0 %)" in none and "no mistakes" in none
    assert "Most of a step is matrix products: 62% on average over 2 cases" in many and "a training step" in many
    assert "small: a step takes 0.1 ms, 75% of it for matrix products" in one


@pytest.mark.parametrize("name", ["curves", "confusion", "against", "forest", "bands", "critical_difference"])
def test_an_svg_has_a_dark_value_for_each_color_and_fits_a_phone(name: str) -> None:
    """No color is left as it is, each variable has a light and a dark value, and 9 points are 9 pixels at 358."""
    with plots.as_svg():
        drawn = FIGURES[name]().decode()
        assert drawn == FIGURES[name]().decode()
    sheet = re.findall(r"<style>(.*?)</style>", drawn)[-1]
    light, dark = sheet.split("@media (prefers-color-scheme:dark)")
    assert set(re.findall(r"--c\w+(?=:)", light)) == set(re.findall(r"--c\w+(?=:)", dark)) >= {"--c262626"}
    assert not re.findall(r"#[0-9a-f]{6}", drawn.replace(sheet, ""))
    width = float(re.findall(r'<svg [^>]*width="([\d.]+)pt"', drawn)[0]) / 72 * 96
    assert 9 / 72 * 96 * min(358 / width, 1) > 9


@pytest.mark.parametrize("color", ["#0072b2", "#d55e00", "#009e73", "#262626", "#6e6e6e", "#08306b", "#dce9f4"])
def test_a_dark_color_stands_out_from_the_dark_page_as_the_light_one_from_white(color: str) -> None:
    """Contrast by WCAG: within a factor of two, and 3 at least if it is 4.5 on white."""

    def luminance(text: str) -> float:
        channels = [int(text[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    on_white = 1.05 / (luminance(color) + 0.05)
    on_dark = (luminance(dark_color(color)) + 0.05) / (luminance("#0f141a") + 0.05)
    assert on_dark > on_white / 2 and (on_white < 4.5 or on_dark > 4.5)


def test_a_forest_says_what_its_intervals_are() -> None:
    """The correction, and which color is not decided."""
    with plots.as_svg():
        drawn = texts(plots.forest_plot([("a", ONE), ("b", ONE)], "difference", note=", corrected for 2 comparisons"))
    assert "mean difference and 95 % interval, corrected for 2 comparisons; gray: not decided" in " ".join(
        drawn.split()
    )
    assert "better \N{RIGHTWARDS ARROW}" in drawn


def test_one_epoch_is_visible() -> None:
    """A line of one point has a marker: moving the point moves pixels of its color on the panel."""
    low, high = (plots.learning_curves({"train_accuracy": [value]}, 1) for value in (0.2, 0.8))
    assert count(low, BLUE) > 20
    assert low != high


def test_the_chosen_epoch_is_marked() -> None:
    """Two figures that differ only in the chosen epoch differ."""
    assert plots.learning_curves(HISTORY, 2) != plots.learning_curves(HISTORY, 3)


@pytest.mark.parametrize("wild", [[np.inf, 1e300, 1.0], [-1e308, 1e308, 0.0], [np.nan, np.nan, np.nan], []])
def test_a_diverging_loss_can_be_drawn(wild: list[float]) -> None:
    """Infinite and enormous values are left out; the rest is drawn."""
    assert count(plots.learning_curves({**HISTORY, "train_objective": wild}, 3), BLUE) > 0


@pytest.mark.parametrize("n", [1, 2, 20, 21, 100, 101, 250])
def test_a_matrix_of_any_size_fits_a_page(n: int) -> None:
    """From one class to hundreds the figure stays below 15 inches a side."""
    figure = plots.confusion_figure(np.eye(n, dtype=np.int64) * 50, [f"some class {i}" for i in range(n)], "a title")
    assert max(pixels(figure).shape) < 15 * 120


@pytest.mark.parametrize("n", [10, 100])
def test_a_single_error_among_many_is_seen(n: int) -> None:
    """One confusion in a million tints its cell; an empty class (a row of zeros) is no trouble."""
    matrix = np.diag([1_000_000] * (n - 1) + [0])
    names = [str(i) for i in range(n)]
    before = pixels(plots.confusion_figure(matrix, names, ""))
    matrix[0, n - 1] = 1
    after = pixels(plots.confusion_figure(matrix, names, ""))
    assert np.sum(np.any(before != after, axis=-1)) > 80


def test_numbers_stand_out_from_their_cells() -> None:
    """A dark cell is written on in white, a pale one in ink, so both cells hold both extremes of light."""
    shown = pixels(plots.confusion_figure(np.array([[995, 5], [8, 992]]), ["a", "b"], ""))
    dark = np.all(shown == (0x08, 0x30, 0x6B), axis=-1)
    inside = shown[np.ix_(np.flatnonzero(dark.sum(axis=1) > 50), np.flatnonzero(dark.sum(axis=0) > 50))]
    middle = inside.shape[1] // 2
    assert inside[: len(inside) // 2, 5 : middle - 5].min(axis=2).max() > 240
    assert inside[: len(inside) // 2, middle + 5 : -5].max(axis=2).min() < 60


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
@example("$\\frac{$", "a$b$c_{")
@example("\ud800", "\x00\x1b[31m")
@example("漢字", "\u202eabc")
@example("\n", "")
@example("W" * 5000, "\\$" * 300)
def test_no_name_breaks_a_figure(one: str, other: str) -> None:
    """Formulas, control characters, surrogates, scripts without glyphs, nothing, and very long names are drawn."""
    mistake = Mistake(1, one, other, 0.2, 0.7, 1.6)
    assert pixels(plots.confusion_figure(np.array([[3, 1], [0, 2]]), [one, other], one + other)).shape[1] < 8 * 120
    assert pixels(plots.mistake_images(np.zeros((1, 2, 2, 1)), [plots.mistake_caption(mistake)])).size
    assert pixels(plots.mistake_bars([mistake])).size


@given(st.text(max_size=60), st.floats(0.3, 3))
def test_fitted_text_fits(text: str, inches: float) -> None:
    """A name is at most as wide as asked for, whole if it can be."""
    with style():
        short = elide(text, inches, 9)
        assert text_width(short, 9) <= inches
        assert short == single_line(text) or text_width(single_line(text), 9) > inches


def test_a_shortened_name_keeps_its_ends() -> None:
    """Names that differ only in their last character stay apart."""
    with style():
        assert elide("an extremely long name, part 1", 1.2, 9) != elide("an extremely long name, part 2", 1.2, 9)
