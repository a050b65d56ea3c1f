"""Columns of `metrics.csv` about dropout: `<unit>/<part>/<quantity>`, such as `hidden1/dropout/rate`.

These names are a format. A run folder may come from any version, or from a variant of another package, so readers know
its columns by name only.
"""

from typing import Literal, NamedTuple, TypeAlias, get_args

Quantity: TypeAlias = Literal["rate", "realized_rate", "alpha", "sparsity"]
"""The current rate, the fraction dropped in the last step, the noise variance, the fraction of weights removed."""


class NoiseColumn(NamedTuple):
    """The parts of a column's name."""

    unit: str
    quantity: Quantity


def noise_column(name: str) -> NoiseColumn | None:
    """Return the parts of a column's name; None for a column that is not about dropout."""
    unit, _, rest = name.partition("/")
    last = rest.rpartition("/")[2]
    return next((NoiseColumn(unit, quantity) for quantity in get_args(Quantity) if quantity == last), None)
