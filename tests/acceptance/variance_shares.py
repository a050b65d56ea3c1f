"""Coverage of the intervals of `dropout variance`: how often they contain the true share of the variance.

The data sets are simulated: normal main effects of five sources with 7 levels, with and without interactions of all
pairs. The bar is .90 for every share over 2,000 data sets (standard error .007), and .85 over 300 in the short form.
"""

import itertools

import numpy as np

from dropout_cli.core.rng import Generator, stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.variance_components import VarianceComponents, orthogonal_array, variance_components
from tests.acceptance.bars import Bars

LEVELS = 7
COMMAND = "for dropout variance: variance_components.variance_components"
SOURCES = ("init", "order", "noise", "augment", "split")
MAINS = {
    "the shares of digits": (0.13, 0.0, 0.0, 0.0, 0.72),
    "five equal sources": (0.2, 0.2, 0.2, 0.2, 0.2),
    "one source": (1.0, 0.0, 0.0, 0.0, 0.0),
    "unequal sources": (0.05, 0.1, 0.15, 0.3, 0.4),
}
"""Name -> variance of each main effect."""
INTERACTIONS = (0.0, 0.15, 1.0, 3.0)
"""The variance of all interactions together."""


def simulate(mains: tuple[float, ...], interactions: float, design: Array, rng: Generator) -> Array:
    """Return the results of the runs of a design, with normal effects of levels and of pairs of levels."""
    effects = rng.normal(size=(len(mains), LEVELS)) * np.sqrt(mains)[:, None]
    results = sum(effects[source][design[:, source]] for source in range(len(mains)))
    pairs = list(itertools.combinations(range(len(mains)), 2))
    for one, other in pairs:
        joint = rng.normal(size=(LEVELS, LEVELS)) * np.sqrt(interactions / len(pairs))
        results = results + joint[design[:, one], design[:, other]]
    return np.asarray(results)


def covered(found: VarianceComponents, truths: Array) -> Array:
    """Return for each share whether its interval contains the truth."""
    shares = [*found.sources, found.interactions]
    return np.array([one.interval.low <= truth <= one.interval.high for one, truth in zip(shares, truths, strict=True)])


def main(bars: Bars) -> None:
    """Check every share of every model."""
    repetitions, bar = (300, 0.85) if bars.smoke else (2_000, 0.90)
    design = orthogonal_array(LEVELS, len(SOURCES))
    for name, mains in MAINS.items():
        for interactions in INTERACTIONS[1:2] if bars.smoke else INTERACTIONS:
            rng = stream(LEVELS, f"variance_shares:{name}:{interactions}")
            truths = np.array([*mains, interactions]) / (sum(mains) + interactions)
            shares, widths = [], []
            for _ in range(repetitions):
                found = variance_components(simulate(mains, interactions, design, rng), design)
                shares.append(covered(found, truths))
                widths.append([one.interval.high - one.interval.low for one in (*found.sources, found.interactions)])
            for source, truth, share, width in zip(
                (*SOURCES, "interactions"),
                truths,
                np.mean(shares, axis=0).tolist(),
                np.mean(widths, axis=0),
                strict=True,
            ):
                what = f"{name}, interactions {interactions:g}; {source}, share {truth:.2f}, mean width {width:.2f}"
                bars.at_least(what, share, bar, COMMAND, always=True)


if __name__ == "__main__":
    judged = Bars("variance_shares")
    main(judged)
    judged.end()
