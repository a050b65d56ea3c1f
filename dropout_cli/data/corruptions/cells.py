"""Corruptions of tables: noise in columns of numbers, and cells without a value."""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.scaling import row_blocks


@dataclass(frozen=True)
class FeatureCells:
    """The cells of a table, and the features that are made of each of them."""

    cell_of_feature: Array
    """(features,) intp: the number of the cell in its row."""
    replacements: Array
    """(features,): the features of a row in which every value is missing."""
    numeric_sd: Array
    """(features,): standard deviation in the training part; 0 for a feature that is not a number."""

    @property
    def count(self) -> int:
        """Number of cells in a row."""
        return int(self.cell_of_feature.max()) + 1

    def add_noise(self, x: Array, sd: float, eps: Array) -> Array:
        """Add Gaussian noise to the features that are numbers.

        Args:
            x: (N, features), not scaled.
            sd: Standard deviation of the noise, in units of each feature's standard deviation in training.
            eps: (N, features) draws of N(0, 1), the same ones for every standard deviation.
        """
        return np.asarray(x + sd * eps * self.numeric_sd, x.dtype)

    def remove_values(self, x: Array, share: float, draws: Array) -> Array:
        """Replace cells as the training replaced missing values.

        Args:
            x: (N, features), not scaled.
            share: Probability that a cell is missing.
            draws: (N, cells) draws from 0 to 1, the same ones for every share; a cell is missing if its draw is below
                the share.
        """
        missing = (draws < share)[:, self.cell_of_feature]
        return np.where(missing, self.replacements.astype(x.dtype), x)


def find_cells(dataset: Dataset) -> FeatureCells:
    """Return the cells of a dataset of tables.

    Without missing values in training, the replacement of a number is its median in the training part. The features
    that are made of one date are one cell.

    Args:
        dataset: A dataset whose examples have the shape (features,).
    """
    encoding = dataset.encoding
    features = dataset.shape[0]
    if encoding is None:
        names = [column.date.column if column.date else column.name for column in dataset.columns]
        of_feature = _numbered(names) if names else np.arange(features)
        medians = np.median(_training_rows(dataset), axis=0)
        return FeatureCells(of_feature, medians, _training_sd(dataset))
    empty = np.full((1, len(encoding.columns)), np.nan, np.float64)
    cells = _numbered([column.date.column if column.date else column.name for column in encoding.columns])
    sd = np.where(encoding.is_numeric, _training_sd(dataset), 0.0)
    return FeatureCells(cells[encoding.column_of_feature], encoding.apply(empty)[0], sd)


MAX_MEDIAN_ROWS = 100_000
"""The most rows, spread over the training part, that give the medians."""


def _training_rows(dataset: Dataset) -> Array:
    """Return rows of the training part, at most MAX_MEDIAN_ROWS."""
    count = len(dataset.train)
    return np.asarray(dataset.train.x[np.linspace(0, count - 1, min(count, MAX_MEDIAN_ROWS)).astype(np.intp)])


def _training_sd(dataset: Dataset) -> Array:
    """Return the standard deviation of each feature in the training part, in float64."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for block in row_blocks(dataset.train.x):
        scaler.partial_fit(block.astype(np.float64))
    return np.asarray(np.sqrt(scaler.var_))


def _numbered(names: list[str]) -> Array:
    """Return the number of each name in the order of their first places, (N,) intp."""
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([places[name] for name in names], np.intp)
