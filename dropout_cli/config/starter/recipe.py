"""Recipe of a starter config: network, dropout rate, training and parts that fit the number of rows.

The rules were chosen on 14 tables of 150 to 9,568 rows; `tests/acceptance/starter_recipes.py` compares their results
with those of scikit-learn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

VAL_FRACTION, TEST_FRACTION = 0.15, 0.2
"""Fractions of the rows for validation and test, unless classes need more."""
MIN_CONVOLUTION_SIDE = 12
"""Smaller images leave convolutions and pooling little to do."""


class Amount(NamedTuple):
    """Settings of the training for data sets of at most so many rows."""

    rows: float
    width: int
    batch_size: int
    steps: int
    """Training steps at most, approximately. Early stopping usually ends the training before."""
    most_epochs: int
    patience: int


# Few rows need many small steps, and epochs of milliseconds allow a long patience. Many rows need a wide network, whose
# first run should still take minutes.
AMOUNTS = (
    Amount(2_000, width=64, batch_size=16, steps=20_000, most_epochs=400, patience=100),
    Amount(20_000, width=64, batch_size=64, steps=10_000, most_epochs=200, patience=20),
    Amount(math.inf, width=256, batch_size=256, steps=6_000, most_epochs=200, patience=10),
)


@dataclass(frozen=True)
class Recipe:
    """Settings that fit a data set."""

    val_fraction: float
    test_fraction: float
    width: int
    """Units per hidden layer."""
    rate: float
    """The dropout rate."""
    batch_size: int
    epochs: int
    learning_rate: str
    """As written in the config."""
    patience: int
    """Epochs without improvement after which training stops."""
    is_regression: bool


def recipe_for_rows(rows: int, classes: int, trained: int | None = None) -> Recipe:
    """Return a recipe that fits a data set.

    Args:
        rows: number of rows with a target.
        classes: number of classes; 0 for a regression.
        trained: number of training rows; None if all parts are drawn from the rows.
    """
    val, test = (_part_fraction(usual, rows, classes) for usual in (VAL_FRACTION, TEST_FRACTION))
    if trained is None:
        trained = rows - round(val * rows) - round(test * rows)
    amount = next(amount for amount in AMOUNTS if rows <= amount.rows)
    batch = max(1, min(trained, amount.batch_size))
    # To a multiple of 5.
    epochs = max(5, min(amount.most_epochs, round(amount.steps * batch / max(1, trained) / 5) * 5))
    is_regression = not classes
    return Recipe(
        val_fraction=val,
        test_fraction=test,
        width=amount.width,
        # The noise of dropout changes the variance of the units, which shifts predicted numbers but hardly classes:
        # on six regressions, RMSE was up to 5 times larger with 0.3 than with 0.05.
        rate=0.05 if is_regression else 0.3,
        batch_size=batch,
        epochs=epochs,
        # Measured with 64 units only.
        learning_rate="3e-3" if is_regression and amount.width == 64 else "1e-3",
        patience=amount.patience,
        is_regression=is_regression,
    )


def recipe_text(recipe: Recipe, objective: str = "", layers: Sequence[str] = ()) -> str:
    """Return the part of a config below `dataset`.

    Args:
        recipe: the settings.
        objective: the line of the objective, or a comment about it; empty for the default.
        layers: the layers of a convolutional network; empty for an mlp.
    """
    network = f"{{name: mlp, hidden: [{recipe.width}, {recipe.width}]}}"
    return _NETWORK.format(
        architecture=f"{{name: cnn, layers: [{', '.join(layers)}]}}" if layers else network,
        objective=objective,
        average=_AVERAGE if recipe.is_regression else "",
        rate_comment="low, because dropout shifts predicted numbers; `dropout variants` lists others"
        if recipe.is_regression
        else "`dropout variants` lists the others",
        **vars(recipe),
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


# On seven regressions, RMSE was smaller with it on six.
_AVERAGE = """\
  average: {decay: 0.99}  # uses a moving average of the weights, which predicts numbers better
"""
_NETWORK = """\
architecture: {architecture}
dropout: {{variant: inverted, rate: {rate}}}  # {rate_comment}
{objective}training:
  epochs: {epochs}  # at most
  batch_size: {batch_size}
  optimizer: {{name: adam, learning_rate: {learning_rate}}}
{average}  monitor: val_loss  # smoother than the accuracy of few rows
  early_stopping: {{patience: {patience}}}  # epochs without improvement; the weights of the best epoch are used
seed: 0
"""
