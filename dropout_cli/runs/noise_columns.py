"""The columns of `metrics.csv` that speak of dropout: `<unit>/<part>/<quantity>`, such as `hidden1/dropout/rate`.

These names are a format. A run folder may come from any version, or from a variant of another package, so that its
columns are all that is known of it; who reads them looks here for the kind. Where the network is at hand, its layers
say more (`Layer.columns`, `Layer.learned_columns`).
"""

from typing import Literal, NamedTuple, TypeAlias, get_args

Quantity: TypeAlias = Literal["rate", "realized_rate", "alpha", "sparsity"]
"""The rate in force, the share dropped in the last step, the variance of the noise, the share of weights cut."""


class NoiseColumn(NamedTuple):
    """The parts of such a name."""

    unit: str
    quantity: Quantity


def noise_column(name: str) -> NoiseColumn | None:
    """Return the parts of a column's name; None for a column that speaks of something else."""
    unit, _, rest = name.partition("/")
    last = rest.rpartition("/")[2]
    return next((NoiseColumn(unit, quantity) for quantity in get_args(Quantity) if quantity == last), None)
