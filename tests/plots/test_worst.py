"""Images and bars of the worst mistakes."""

import numpy as np
import pytest

from dropout_cli import plots
from dropout_cli.metrics import Mistake
from tests.plots.test_plots import CAPTIONS, count, pixels


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_of_any_range_are_stretched_alike(channels: int) -> None:
    """uint8 0..255 and float 0..16 or -1..1 of the same pictures give the same bytes."""
    ink = np.random.default_rng(1).integers(0, 2, (3, 5, 9, channels))
    ranges = ((ink * 255).astype(np.uint8), ink * 16.0, (ink * 2 - 1).astype(np.float32))
    assert len({plots.mistake_images(pictures, ["a"] * 3) for pictures in ranges}) == 1


def test_color_pictures_keep_their_color() -> None:
    """A red and a black picture: red pixels are red on the page."""
    pictures = np.zeros((2, 4, 4, 3), np.float32)
    pictures[0, ..., 0] = 0.7
    assert count(plots.mistake_images(pictures, CAPTIONS), "#FF0000") > 1000


@pytest.mark.parametrize(("shape", "value"), [((4, 4, 1), np.nan), ((784, 1, 1), 0), ((1, 1, 3), 9)])
def test_odd_pictures_can_be_drawn(shape: tuple[int, ...], value: float) -> None:
    """Not a number, one column, one constant pixel."""
    assert pixels(plots.mistake_images(np.full((1, *shape), value), ["a"])).size


def test_a_grid_holds_25_pictures() -> None:
    """The 26th changes nothing."""
    pictures = np.random.default_rng(2).random((26, 4, 4, 1))
    assert plots.mistake_images(pictures[:25], ["a"] * 25) == plots.mistake_images(pictures, ["a"] * 26)


def test_no_mistakes_is_said() -> None:
    """Without a mistake both figures state that, instead of an error or an empty picture."""
    figure = plots.mistake_bars([])
    assert figure == plots.mistake_images(np.zeros((0, 8, 8, 1)), [])
    assert np.ptp(pixels(figure)) > 100


def test_a_caption_names_both_classes() -> None:
    """Short names share a line, long ones get one each, and a line break inside a name makes no third."""
    assert plots.mistake_caption(Mistake(0, "8", "3", 0.1, 0.9, 2.3)) == "8 → 3 0.90"
    assert (
        plots.mistake_caption(Mistake(0, "golden\nretriever", "cat", 0.1, 0.9, 2.3)) == "golden retriever\n→ cat 0.90"
    )
