"""A regression on points around a straight line."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from dropout_cli.core.field_types import CountOrZero, NonNegative
from dropout_cli.core.rng import stream
from dropout_cli.data.base import DATASETS, Column, DatasetInfo, Examples, Source

Coefficient = Annotated[float, Ge(-1e6), Le(1e6)]


@DATASETS.register("linear")
@dataclass(frozen=True, kw_only=True)
class Linear(Source):
    """Regression: y = slope x + intercept + noise, with one normally distributed feature.

    The defaults are the synthetic data of Gal, Hron and Kendall 2017 (arXiv:1705.07832).
    """

    info = DatasetInfo(1000, (1,), 0, "generated")

    examples: Annotated[int, Ge(10), Le(1_000_000)] = 1000
    """Number of examples to draw."""
    slope: Coefficient = 2.0
    """The slope of the line."""
    intercept: Coefficient = 8.0
    """The value of the line at x = 0."""
    noise: Annotated[NonNegative, Le(1000)] = 1.0
    """Standard deviation of the Gaussian noise on y."""
    data_seed: CountOrZero = 0
    """Seed of the draw; independent of the seed of the run."""

    def read(self) -> Examples:
        """Return x as float32 and y as float64."""
        rng = stream(self.data_seed, "data")
        x = rng.normal(size=(self.examples, 1))
        y = self.slope * x + self.intercept + rng.normal(0, self.noise, x.shape)
        return Examples(x.astype(np.float32), y, target_names=("y",), columns=(Column("x"),))
