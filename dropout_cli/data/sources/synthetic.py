"""Synthetic datasets: points drawn from a simple distribution."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from dropout_cli.core.field_types import CountOrZero, NonNegative, Positive
from dropout_cli.core.rng import Generator, stream
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, Column, DatasetInfo, Examples, Source

SYNTHETIC_ORIGIN = "generated"
ExampleCount = Annotated[int, Ge(10), Le(100_000)]
ClassCount = Annotated[int, Ge(2), Le(100)]
NoiseLevel = Annotated[NonNegative, Le(1000)]
FeatureCount = Annotated[int, Ge(1), Le(100)]


@dataclass(frozen=True, kw_only=True)
class Synthetic(Source):
    """Base class of sources that draw their examples from the `data` stream."""

    examples: ExampleCount = 1000
    """Number of examples to draw."""
    noise: NoiseLevel = 0.2
    """Standard deviation of the Gaussian noise on every coordinate."""
    data_seed: CountOrZero = 0
    """Seed of the draw; independent of the seed of the run."""

    @abstractmethod
    def draw(self, rng: Generator) -> tuple[Array, Array]:
        """Draw x (examples, features) and labels (examples,)."""

    def read(self) -> Examples:
        """Return the examples as float32; class names are their numbers."""
        x, labels = self.draw(stream(self.data_seed, "data"))
        classes = tuple(str(label) for label in range(int(labels.max()) + 1))
        columns = tuple(Column(f"x{column}") for column in range(x.shape[1]))
        return Examples(x.astype(np.float32), labels.astype(np.intp), classes, columns=columns)


@DATASETS.register("moons")
@dataclass(frozen=True, kw_only=True)
class Moons(Synthetic):
    """Two interleaving half circles in the plane."""

    info = DatasetInfo(1000, (2,), 2, SYNTHETIC_ORIGIN)

    def draw(self, rng: Generator) -> tuple[Array, Array]:
        """Draw with scikit-learn's make_moons."""
        from sklearn.datasets import make_moons

        x, labels = make_moons(self.examples, noise=self.noise, random_state=_sklearn_seed(rng))
        return x, labels


@DATASETS.register("blobs")
@dataclass(frozen=True, kw_only=True)
class Blobs(Synthetic):
    """Gaussian clouds, one per class, around centers drawn from [-10, 10]."""

    info = DatasetInfo(1000, (2,), 3, SYNTHETIC_ORIGIN)

    noise: NoiseLevel = 1.0
    """Standard deviation of every cloud."""
    classes: ClassCount = 3
    """Number of clouds."""
    features: FeatureCount = 2
    """Number of coordinates of a point."""

    def draw(self, rng: Generator) -> tuple[Array, Array]:
        """Draw with scikit-learn's make_blobs."""
        from sklearn.datasets import make_blobs

        x, labels = make_blobs(
            self.examples, self.features, centers=self.classes, cluster_std=self.noise, random_state=_sklearn_seed(rng)
        )
        return x, labels


@DATASETS.register("spirals")
@dataclass(frozen=True, kw_only=True)
class Spirals(Synthetic):
    """Spiral arms in the plane, one per class."""

    info = DatasetInfo(1000, (2,), 2, SYNTHETIC_ORIGIN)

    noise: NoiseLevel = 0.02
    """Standard deviation of the Gaussian noise on every coordinate; the arms end at radius 1."""
    classes: ClassCount = 2
    """Number of arms."""
    turns: Annotated[Positive, Le(100)] = 1.0
    """Number of turns of an arm around the center."""

    def draw(self, rng: Generator) -> tuple[Array, Array]:
        """Draw radius r = sqrt(u), u uniform, at the angle 2 pi (turns * r + class / classes)."""
        labels = np.arange(self.examples) % self.classes
        # The square root spreads points evenly over the area of a disk.
        radius = np.sqrt(rng.random(self.examples))
        angle = 2 * np.pi * (self.turns * radius + labels / self.classes)
        arms = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return arms + rng.normal(0, self.noise, arms.shape), labels


def _sklearn_seed(rng: Generator) -> int:
    """Return a seed for scikit-learn, which takes a number below 2**32 and no Generator."""
    return int(rng.integers(2**32))
