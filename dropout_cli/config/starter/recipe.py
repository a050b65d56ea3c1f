"""Sizes of a starter config: network, epochs, batch and parts that fit the number of rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

STARTER_STEPS = 6_000
"""Approximate number of training steps for a first run."""
VAL_FRACTION, TEST_FRACTION = 0.15, 0.2
"""Fractions of the rows for validation and test, unless classes need more."""

FEW_ROWS = 2_000
"""With fewer examples, networks soon learn them by heart."""
MIN_CONVOLUTION_SIDE = 12
"""Smaller images leave convolutions and pooling little to do."""


@dataclass(frozen=True)
class Recipe:
    """Sizes that fit a data set."""

    val_fraction: float
    test_fraction: float
    width: int
    """Units per hidden layer."""
    batch_size: int
    epochs: int


def recipe_for_rows(rows: int, classes: int, trained: int | None = None) -> Recipe:
    """Return sizes that fit a table.

    Args:
        rows: number of rows with a target.
        classes: number of classes; 0 for a regression.
        trained: number of training rows; None if all parts are drawn from the rows.
    """
    val, test = (_part_fraction(usual, rows, classes) for usual in (VAL_FRACTION, TEST_FRACTION))
    if trained is None:
        trained = rows - round(val * rows) - round(test * rows)
    batch = min(trained, 16 if rows < FEW_ROWS else 64 if rows < 50_000 else 256)
    # About STARTER_STEPS steps, to a multiple of 5.
    epochs = max(5, min(200, round(STARTER_STEPS * batch / trained / 5) * 5))
    return Recipe(val, test, 64 if rows < 5_000 else 256, batch, epochs)


def recipe_text(recipe: Recipe, objective: str = "", layers: Sequence[str] = (), *, stops_early: bool = False) -> str:
    """Return the part of a config below `dataset`.

    Args:
        recipe: the sizes.
        objective: the line of the objective; empty for the default.
        layers: the layers of a convolutional network; empty for an mlp.
        stops_early: True if training stops when the validation part has not improved for a while.
    """
    network = f"{{name: mlp, hidden: [{recipe.width}, {recipe.width}]}}"
    return _NETWORK.format(
        objective=objective,
        architecture=f"{{name: cnn, layers: [{', '.join(layers)}]}}" if layers else network,
        epochs=recipe.epochs,
        batch=recipe.batch_size,
        stopping=_STOPPING if stops_early else "",
    )


def image_layers(height: int, width: int) -> tuple[str, ...]:
    """Return the layers of a convolutional network for images; empty if an mlp suits them better.

    Args:
        height: height of the images in pixels.
        width: width of the images in pixels.
    """
    side = min(height, width)
    if side < MIN_CONVOLUTION_SIDE:
        return ()
    layers: list[str] = []
    # Each pooling halves the sides, until a map of about 4 to 8 pixels is left for the dense layer.
    for filters in (16, 32, 64, 64):
        layers += [f"conv {filters} 3x3", "pool 2"]
        side //= 2
        if side < MIN_CONVOLUTION_SIDE:
            break
    return (*layers, "dense 64")


def _part_fraction(usual: float, rows: int, classes: int) -> float:
    """Return the usual fraction, raised in small data to one example per class if possible."""
    least = max(1, classes)
    # Below 3 * least rows, the three parts cannot all have an example of each class.
    return usual if 3 * least > rows else max(usual, math.ceil(100 * least / rows) / 100)


_NETWORK = """\
architecture: {architecture}
dropout: {{variant: inverted, rate: 0.3}}  # `dropout variants` lists the others
{objective}training:
  epochs: {epochs}
  batch_size: {batch}
  optimizer: {{name: adam, learning_rate: 1e-3}}
  schedule: cosine
{stopping}seed: 0
"""
_STOPPING = """\
  early_stopping: {patience: 20}  # few examples: stop when the validation part has not improved for 20 epochs
"""
