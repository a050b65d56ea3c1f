"""The worst-classified examples: image data as images, rows of a table as bars."""

import io
from collections.abc import Sequence

import numpy as np

from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics import Mistake
from dropout_cli.plots.canvas import BLUE, GRAY, ORANGE, elide, render, single_line, style
from dropout_cli.plots.layout import titled_canvas

MAX_IMAGES = 25
COLUMNS = 5
MAX_BARS = 20
IMAGES_SUBTITLE = "worst mistakes: true \N{RIGHTWARDS ARROW} predicted class, and its probability"
BARS_SUBTITLE = "worst mistakes: probabilities of the true and of the predicted class"


def mistake_caption(mistake: Mistake) -> str:
    """Return `true -> predicted p` with an arrow, on two lines if the names are long."""
    true, predicted = single_line(mistake.true), single_line(mistake.predicted)
    gap = "\n" if len(true) + len(predicted) > 10 else " "
    return f"{true}{gap}\N{RIGHTWARDS ARROW} {predicted} {mistake.prob_predicted:.2f}"


def mistakes_title(wrong: int, examples: int, mistakes: Sequence[Mistake]) -> str:
    """Return how many examples are wrong, and the worst mistake.

    Args:
        wrong: Number of wrong examples.
        examples: Number of all examples.
        mistakes: The mistakes, the worst first.
    """
    text = f"{wrong:,} of {counted(examples, 'example')} wrong ({100 * wrong / max(examples, 1):.1f} %)"
    if not mistakes:
        return text
    worst = mistakes[0]
    true, predicted = (elide(name, 1.2, 10) for name in (worst.true, worst.predicted))
    return f"{text}; the worst: '{true}' as '{predicted}' with probability {worst.prob_predicted:.2f}"


def mistake_images(pictures: Array, captions: Sequence[str], title: str = "") -> bytes:
    """Draw the first 25 misclassified images in a grid with captions.

    The smallest value shown is black, the largest white. Three or four channels are color; otherwise their mean is
    drawn in gray. A caption's lines are cut to the width of the image.

    Args:
        pictures: (n, height, width, channels) floats or integers of any range.
        captions: One per image.
        title: The finding.
    """
    if len(pictures) == 0:
        return _none(title)
    pictures, side, gap = _scaled(pictures[:MAX_IMAGES]), 1.35, 0.15
    tall, wide = side * np.array(pictures.shape[1:3]) / max(pictures.shape[1:3])
    line = 0.15 * max(text.count("\n") + 1 for text in captions[: len(pictures)])
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    width, body = max(columns * (side + gap) + gap, 3.4), rows * (tall + line + gap)
    with style():
        canvas = titled_canvas(title, IMAGES_SUBTITLE, body, width)
        figure, height = canvas.figure, canvas.height
        axes = figure.add_axes((0, 0, 1, 1))  # one pair of axes in inches is faster than 25
        axes.set_axis_off()
        for i, (picture, text) in enumerate(zip(pictures, captions, strict=False)):
            x = gap + (i % columns) * (side + gap) + side / 2
            y = body - (i // columns) * (tall + line + gap)
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


def mistake_bars(mistakes: Sequence[Mistake], title: str = "") -> bytes:
    """Draw the probabilities of the true and the predicted class of the first 20 mistakes.

    Args:
        mistakes: The mistakes, in the order of drawing.
        title: The finding.
    """
    if not mistakes:
        return _none(title)
    mistakes = mistakes[:MAX_BARS]
    places, thick, left = np.arange(len(mistakes)), 0.38, 3.4
    width, body = 8.0, 0.85 + 0.34 * len(mistakes)
    with style():
        canvas = titled_canvas(title, BARS_SUBTITLE, body, width)
        figure, height = canvas.figure, canvas.height
        axes = canvas.axes(left, 0.5, 0.3, 0.3)
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
        figure.legend(loc="upper right", ncols=2, bbox_to_anchor=(1 - 0.2 / width, (body + 0.05) / height))
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


def _none(title: str) -> bytes:
    with style():
        canvas = titled_canvas(title, "", 1.2, 4.0)
        canvas.figure.text(0.5, 0.6 / canvas.height, "no mistakes", ha="center", va="center", fontsize=14, color=GRAY)
        return render(canvas.figure)
