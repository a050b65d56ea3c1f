"""A mean loss of single networks as a sum of two parts."""

from typing import NamedTuple


class AmbiguityDecomposition(NamedTuple):
    """single = average + ambiguity."""

    single: float
    """The mean loss of the single networks."""
    average: float
    """The loss of their average."""
    ambiguity: float
    """The spread of the networks around their average, at least 0."""
