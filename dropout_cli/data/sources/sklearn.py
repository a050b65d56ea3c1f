"""Small real datasets that come with scikit-learn; they need no network and no files.

They are read once per process; a sweep reads them once for all its runs.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from dropout_cli.data.base import DATASETS, Column, DatasetInfo, Examples, Source

SKLEARN_ORIGIN = "comes with scikit-learn"


@DATASETS.register("digits")
@dataclass(frozen=True, kw_only=True)
class Digits(Source):
    """Handwritten digits, 8x8 pixels with 17 levels of gray."""

    info = DatasetInfo(1797, (8, 8, 1), 10, SKLEARN_ORIGIN)

    def read(self) -> Examples:
        """Return the images as uint8, values 0 to 16."""
        return _digits()


@DATASETS.register("iris")
@dataclass(frozen=True, kw_only=True)
class Iris(Source):
    """Three species of iris, by the lengths and widths of sepals and petals."""

    info = DatasetInfo(150, (4,), 3, SKLEARN_ORIGIN)

    def read(self) -> Examples:
        """Return the table as float32, in centimeters."""
        return _table("iris")


@DATASETS.register("wine")
@dataclass(frozen=True, kw_only=True)
class Wine(Source):
    """Wines of three growers, by chemical analysis."""

    info = DatasetInfo(178, (13,), 3, SKLEARN_ORIGIN)

    def read(self) -> Examples:
        """Return the table as float32."""
        return _table("wine")


@DATASETS.register("breast_cancer")
@dataclass(frozen=True, kw_only=True)
class BreastCancer(Source):
    """Malignant and benign tumors, by measurements of cell nuclei."""

    info = DatasetInfo(569, (30,), 2, SKLEARN_ORIGIN)

    def read(self) -> Examples:
        """Return the table as float32."""
        return _table("breast_cancer")


@DATASETS.register("diabetes")
@dataclass(frozen=True, kw_only=True)
class Diabetes(Source):
    """Regression: the progression of diabetes, from age, sex, body mass and blood values."""

    info = DatasetInfo(442, (10,), 0, SKLEARN_ORIGIN)

    def read(self) -> Examples:
        """Return the table as float32, in the units of the measurements (Efron et al. 2004)."""
        return _diabetes()


@cache
def _digits() -> Examples:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = bunch.images.astype(np.uint8)[..., np.newaxis]
    return Examples(images, bunch.target.astype(np.intp), tuple(str(digit) for digit in bunch.target_names))


@cache
def _diabetes() -> Examples:
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    names = tuple(Column(str(name)) for name in bunch.feature_names)
    values = bunch.target.astype(np.float64)[:, np.newaxis]
    return Examples(bunch.data.astype(np.float32), values, target_names=("progression",), columns=names)


@cache
def _table(name: str) -> Examples:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    return Examples(
        x=bunch.data.astype(np.float32),
        labels=bunch.target.astype(np.intp),
        classes=tuple(str(name) for name in bunch.target_names),
        columns=tuple(Column(str(name)) for name in bunch.feature_names),
    )
