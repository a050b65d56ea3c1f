"""Sizes of a starter config: network, epochs, batch and parts that fit the number of rows."""

import math
from dataclasses import dataclass

STARTER_STEPS = 6_000
"""Approximate number of training steps for a first run."""
VAL_FRACTION, TEST_FRACTION = 0.15, 0.2
"""Fractions of the rows for validation and test, unless classes need more."""


@dataclass(frozen=True)
class Recipe:
    """Sizes that fit a data set."""

    val_fraction: float
    test_fraction: float
    width: int
    """Units per hidden layer."""
    batch_size: int
    epochs: int


def recipe_for_rows(rows: int, classes: int) -> Recipe:
    """Return sizes that fit a table.

    Args:
        rows: number of rows with a target.
        classes: number of classes; 0 for a regression.
    """
    val, test = (_part_fraction(usual, rows, classes) for usual in (VAL_FRACTION, TEST_FRACTION))
    trained = rows - round(val * rows) - round(test * rows)
    batch = min(trained, 16 if rows < 2_000 else 64 if rows < 50_000 else 256)
    # About STARTER_STEPS steps, to a multiple of 5.
    epochs = max(5, min(200, round(STARTER_STEPS * batch / trained / 5) * 5))
    return Recipe(val, test, 64 if rows < 5_000 else 256, batch, epochs)


def recipe_text(recipe: Recipe, objective: str = "") -> str:
    """Return the part of a config below `dataset`.

    Args:
        recipe: the sizes.
        objective: the line of the objective; empty for the default.
    """
    return _NETWORK.format(objective=objective, width=recipe.width, epochs=recipe.epochs, batch=recipe.batch_size)


def _part_fraction(usual: float, rows: int, classes: int) -> float:
    """Return the usual fraction, raised in small data to one example per class if possible."""
    least = max(1, classes)
    # Below 3 * least rows, the three parts cannot all have an example of each class.
    return usual if 3 * least > rows else max(usual, math.ceil(100 * least / rows) / 100)


_NETWORK = """\
architecture: {{name: mlp, hidden: [{width}, {width}]}}
dropout: {{variant: inverted, rate: 0.3}}  # `dropout variants` lists the others
{objective}training:
  epochs: {epochs}
  batch_size: {batch}
  optimizer: {{name: adam, learning_rate: 1e-3}}
  schedule: cosine
seed: 0
"""
