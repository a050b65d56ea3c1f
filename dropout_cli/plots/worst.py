"""The worst-classified examples: image data as images, rows of a table as bars."""

import io
from collections.abc import Sequence

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics import Mistake
from dropout_cli.plots.canvas import BLUE, GRAY, ORANGE, elide, empty_figure, render, single_line, style

MAX_IMAGES = 25
COLUMNS = 5
MAX_BARS = 20


def mistake_caption(mistake: Mistake) -> str:
    """Return `true -> predicted p` with an arrow, on two lines if the names are long."""
    true, predicted = single_line(mistake.true), single_line(mistake.predicted)
    gap = "\n" if len(true) + len(predicted) > 10 else " "
    return f"{true}{gap}\N{RIGHTWARDS ARROW} {predicted} {mistake.prob_predicted:.2f}"


def mistake_images(pictures: Array, captions: Sequence[str]) -> bytes:
    """Draw the first 25 misclassified images in a grid with captions.

    The smallest value shown is black, the largest white. Three or four channels are color; otherwise their mean is
    drawn in gray. A caption's lines are cut to the width of the image.

    Args:
        pictures: (n, height, width, channels) floats or integers of any range.
        captions: One per image.
    """
    if len(pictures) == 0:
        return _none()
    pictures, side, gap = _scaled(pictures[:MAX_IMAGES]), 1.35, 0.15
    tall, wide = side * np.array(pictures.shape[1:3]) / max(pictures.shape[1:3])
    line = 0.15 * max(text.count("\n") + 1 for text in captions[: len(pictures)])
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    width, height = max(columns * (side + gap) + gap, 3.4), rows * (tall + line + gap) + 0.45
    with style():
        figure = empty_figure(width, height)
        axes = figure.add_axes((0, 0, 1, 1))  # one pair of axes in inches is faster than 25
        axes.set_axis_off()
        axes.text(
            gap,
            height - 0.22,
            "examples with the worst mistakes (true \N{RIGHTWARDS ARROW} predicted class)",
            va="center",
        )
        for i, (picture, text) in enumerate(zip(pictures, captions, strict=False)):
            x = gap + (i % columns) * (side + gap) + side / 2
            y = height - 0.45 - (i // columns) * (tall + line + gap)
            place = (x - wide / 2, x + wide / 2, y - line - tall, y - line)
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=place, aspect="auto")
            lines = "\n".join(elide(part, side + 0.1, 8) for part in text.split("\n"))
            axes.text(x, y - line + 0.05, lines, ha="center", va="baseline", fontsize=8, linespacing=1.05)
        axes.set_xlim(0, width)
        axes.set_ylim(0, height)
        return render(figure)


def png_images(pictures: Array) -> list[bytes]:
    """Return each picture as a PNG of its own size, with the same scale of brightness for all.

    Args:
        pictures: (n, height, width, channels) floats or integers of any range.
    """
    from PIL import Image

    images = []
    for picture in _scaled(pictures):
        out = io.BytesIO()
        Image.fromarray(np.round(255 * picture).astype(np.uint8)).save(out, "png")
        images.append(out.getvalue())
    return images


def mistake_bars(mistakes: Sequence[Mistake]) -> bytes:
    """Draw the probabilities of the true and the predicted class of the first 20 mistakes.

    Args:
        mistakes: The mistakes, in the order of drawing.
    """
    if not mistakes:
        return _none()
    mistakes = mistakes[:MAX_BARS]
    places, thick, left = np.arange(len(mistakes)), 0.38, 3.4
    width, height = 8.0, 1.15 + 0.34 * len(mistakes)
    with style():
        figure = empty_figure(width, height)
        axes = figure.add_axes((left / width, 0.5 / height, (width - left - 0.3) / width, (height - 1.0) / height))
        predicted = [mistake.prob_predicted for mistake in mistakes]
        true = [mistake.prob_true for mistake in mistakes]
        axes.barh(places - thick / 2, predicted, thick, color=BLUE, label="predicted class")
        axes.barh(places + thick / 2, true, thick, color=ORANGE, label="true class")
        axes.set_yticks(places, [_row_and_names(mistake) for mistake in mistakes])
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, 1)
        axes.set_ylim(len(mistakes) - 0.5, -0.5)
        axes.set_xlabel("probability")
        figure.legend(loc="upper right", ncols=2, bbox_to_anchor=(1 - 0.2 / width, 1 - 0.05 / height))
        figure.text(0.15 / width, 1 - 0.24 / height, "examples with the worst mistakes", va="center", fontsize=10)
        return render(figure)


def _row_and_names(mistake: Mistake) -> str:
    true, predicted = (elide(name, 1.15, 9) for name in (mistake.true, mistake.predicted))
    return f"row {mistake.row}: {true} \N{RIGHTWARDS ARROW} {predicted}"


def _scaled(pictures: Array) -> Array:
    """Return floats in 0..1; values that are not finite are black.

    The shape is (n, h, w) or (n, h, w, 3 or 4).
    """
    # Infinities become NaN first, since they would be the ends of the scale.
    values = np.nan_to_num(pictures.astype(np.float64), nan=np.nan, posinf=np.nan, neginf=np.nan)
    low, high = (np.nanmin(values), np.nanmax(values)) if np.any(~np.isnan(values)) else (0.0, 1.0)
    values = np.nan_to_num((values - low) / ((high - low) or 1.0))
    return values if values.shape[-1] in (3, 4) else values.mean(axis=-1)


def _none() -> bytes:
    with style():
        figure = empty_figure(4, 1.5)
        figure.text(0.5, 0.5, "no mistakes", ha="center", va="center", fontsize=14, color=GRAY)
        return render(figure)
