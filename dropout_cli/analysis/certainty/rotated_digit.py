"""The softmax of many noisy passes over one picture that is rotated more and more.

It is figure 4 of Gal & Ghahramani 2016, arXiv:1506.02142.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from dropout_cli.analysis.inspection import InspectionFigure
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.corruptions.kinds import Shift
from dropout_cli.data.corruptions.pixel_range import find_pixel_range
from dropout_cli.data.dataset import Part
from dropout_cli.nn import losses
from dropout_cli.nn.layers.base import Layer
from dropout_cli.training import forward_passes
from dropout_cli.training.restore import LoadedModel

EXAMPLE_CLASS = "1"
"""The class of the example, unless the user chooses one; that of the paper."""
DRAWN_PASSES = 100
MAX_CLASSES = 8
MAX_DRAWN_SIDE = 32
"""Larger pictures are drawn with every second, third, ... pixel."""
LONG_COLUMNS = ("kind", "degrees", "class", "pass", "y", "x", "channel", "value")


def rotated_digit_figure(
    trained: LoadedModel,
    network: Layer,
    part: Part,
    shift: Shift,
    split: str,
    example: int | None,
    passes: int | None,
    all_noise: bool,
) -> InspectionFigure:
    """Return the figure of one picture at all angles, with the classes that are predicted at some angle.

    Its columns hold one value per row. `kind` is `pixel` (0 black to 1 white), `softmax input` or `softmax output`.

    Args:
        trained: The model of a classification.
        network: Its network, with the evaluated weights.
        part: The part with the picture.
        shift: The rotation.
        split: The name of the part.
        example: Row number of the picture in its source; None: the first one of class 1, or else the first one.
        passes: None if the network draws no noise; a pass without noise is then drawn. Else 100 passes are drawn, or
            more if this number is larger.
        all_noise: True to draw the noise of the training, not the dropout alone.

    Raises:
        UsageError: The part has no such row.
    """
    place = _find_example(part, trained.dataset.classes, example, split)
    one = replace(part, x=np.asarray(part.x[place : place + 1]), labels=part.labels[:1], rows=part.rows[:1])
    pictures = np.concatenate([shift.shifted_part(one, degrees).x for degrees in shift.strengths])
    turned = replace(part, x=pictures, labels=np.zeros(len(pictures), np.intp), rows=np.arange(len(pictures)))
    batch = trained.experiment.training.evaluation_batch
    if passes is None:
        logits = forward_passes.outputs(network, trained.dataset, turned, batch=batch)[np.newaxis]
    else:
        drawn = forward_passes.noisy_passes(
            network,
            trained.dataset,
            turned,
            seed=trained.experiment.seed,
            count=max(passes, DRAWN_PASSES),
            batch=batch,
            training_noise=all_noise,
        )
        logits = np.array(list(drawn))
    probabilities = losses.softmax(logits.astype(np.float64))
    winners = probabilities.mean(axis=0).argmax(axis=1)
    true = int(part.labels[place])
    shown = list(dict.fromkeys([true, *winners.tolist()]))[:MAX_CLASSES]
    names = trained.dataset.classes
    rows = _pixel_rows(find_pixel_range(trained.dataset, trained.experiment.dataset).to_unit(pictures), shift)
    for kind, values in (("softmax input", logits), ("softmax output", probabilities)):
        rows += [
            # `class` before the name keeps it a text, even if it is a number.
            (kind, degrees, f"class {names[label]}", number, None, None, None, float(values[number, angle, label]))
            for label in shown
            for angle, degrees in enumerate(shift.strengths)
            for number in range(len(values))
        ]
    columns = {name: list(cells) for name, cells in zip(LONG_COLUMNS, zip(*rows, strict=True), strict=True)}
    where = f"row {int(part.rows[place])} of the {split} part"
    drawn_passes = f"{counted(len(logits), 'pass')} with noise" if passes is not None else "a pass without noise"
    return InspectionFigure(
        "rotated_digit",
        "rotated_digit",
        columns,
        _rotated_finding(names[true], [names[label] for label in winners], shift.strengths),
        f"{trained.dataset.name}, {where}: the image, and inputs and outputs of the softmax, {drawn_passes}",
    )


def _find_example(part: Part, classes: tuple[str, ...], example: int | None, split: str) -> int:
    """Return the position of the picture in its part."""
    if example is None:
        of_class = part.labels == classes.index(EXAMPLE_CLASS) if EXAMPLE_CLASS in classes else np.zeros(1, bool)
        return int(np.argmax(of_class))
    places = np.flatnonzero(part.rows == example)
    if not len(places):
        fact = f"the {split} part does not have row {example}"
        raise UsageError("--example", fact, f"Choose a row of it, for example {int(part.rows[0])}.")
    return int(places[0])


def _pixel_rows(pictures: Array, shift: Shift) -> list[tuple[Any, ...]]:
    """Return a row for each pixel and channel of the pictures, (angles, height, width, channels)."""
    step = -(-max(pictures.shape[1:3]) // MAX_DRAWN_SIDE)
    small = pictures[:, ::step, ::step]
    return [
        ("pixel", shift.strengths[angle], None, None, y, x, channel, round(float(small[angle, y, x, channel]), 4))
        for angle, y, x, channel in np.ndindex(small.shape)
    ]


def _rotated_finding(true: str, predicted: list[str], angles: tuple[float, ...]) -> str:
    """Return how far the mean of the passes is right, and the other classes it predicts."""
    wrong = [place for place, name in enumerate(predicted) if name != true]
    if not wrong:
        return f"The mean of the passes predicts '{true}' at every angle"
    others = list(dict.fromkeys(name for name in predicted if name != true))
    names = ", ".join(f"'{name}'" for name in others[: MAX_CLASSES - 1])
    if wrong[0] == 0:
        return f"The mean of the passes predicts {names} for the '{true}', some without a rotation"
    until = "without a rotation" if wrong[0] == 1 else f"up to {angles[wrong[0] - 1]:g} degrees"
    return f"The mean of the passes predicts '{true}' {until}, and also {names} at larger angles"
