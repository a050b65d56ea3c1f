"""Everything that is measured of an ensemble of K networks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dropout_cli.analysis.ensemble.scoring import EnsembleScoring, EnsembleSummary, Scores
from dropout_cli.analysis.inspection import Columns
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.metrics import ensembles

MOST_SUBSETS = 50
"""The most random subsets of each size."""
BAND = (5.0, 95.0)
"""Percentiles of the subsets that the curve shows beside their mean."""


@dataclass(frozen=True)
class MeasuredEnsemble:
    """Scores of K networks, of their averages, and of the averages of some of them."""

    name: str
    """The plural of a network, such as `sampled networks`."""
    scoring: EnsembleScoring
    singles: Sequence[Scores]
    """The scores of each network."""
    summary: EnsembleSummary
    curve: Columns
    """A row per size of random subsets: `networks` (the name), `size`, `subsets`, and the scores of their averages."""

    @property
    def count(self) -> int:
        """The number of networks."""
        return len(self.singles)

    def renamed(self, name: str) -> "MeasuredEnsemble":
        """Return this ensemble with another name.

        Args:
            name: The plural of a network.
        """
        return replace(self, name=name, curve={**self.curve, "networks": [name] * len(self.curve["networks"])})

    @property
    def disagreement(self) -> float | None:
        """The share of examples for which two networks predict different classes, a mean over all pairs."""
        of_draws = self.summary.disagreement
        # Two draws may be the same network, which agrees with itself; a pair has two networks.
        return None if of_draws is None else of_draws * self.count / (self.count - 1)

    def spread(self, metric: str) -> dict[str, float]:
        """Return mean, sample standard deviation, minimum and maximum of a metric of one network."""
        values = np.array([scores[metric] for scores in self.singles])
        return {
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)),
            "min": float(values.min()),
            "max": float(values.max()),
        }


def measure_ensemble(name: str, scoring: EnsembleScoring, networks: Array, *, seed: int) -> MeasuredEnsemble:
    """Measure an ensemble.

    Args:
        name: The plural of a network.
        scoring: The task, with the true values.
        networks: (K, N, D) predictions of at least two networks.
        seed: The seed of the random subsets; size k draws from the stream `ensemble_subsets`, index k.
    """
    return MeasuredEnsemble(
        name,
        scoring,
        [scoring.scores(one) for one in networks],
        scoring.summarize(networks),
        _curve(name, scoring, networks, seed),
    )


def _curve(name: str, scoring: EnsembleScoring, networks: Array, seed: int) -> dict[str, list[float | str]]:
    columns: dict[str, list[float | str]] = {"networks": [], "size": [], "subsets": []}
    averaged = scoring.averaged(networks)
    for size in ensembles.subset_sizes(len(networks)):
        subsets = ensembles.choose_subsets(len(networks), size, MOST_SUBSETS, stream(seed, "ensemble_subsets", size))
        row: dict[str, float | str] = {"networks": name, "size": size, "subsets": len(subsets)}
        for metric, values in scoring.score_subsets(averaged, subsets).items():
            low, high = np.percentile(values, BAND)
            row |= {metric: float(values.mean()), f"{metric}_sd": float(values.std(ddof=1)) if len(values) > 1 else 0.0}
            row |= {f"{metric}_low": float(low), f"{metric}_high": float(high)}
        for column, cell in row.items():
            columns.setdefault(column, []).append(cell)
    return columns
