"""Selective prediction: a model answers only the examples of which it is confident enough.

Sort N examples by falling confidence. The first k have the coverage k / N and the risk

    risk_k = (loss of the first k) / k

The loss is 1 for a mistake of a classifier and 0 otherwise, or any number such as a squared error.

    AURC     mean over k of risk_k: the area under the curve of risk against coverage
    AUGRC    mean over k of (loss of the first k) / N: the area under the generalized risk
    E-AURC   AURC minus that of the best possible order, in which the losses rise

Examples of equal confidence are answered together or not at all. Their order is arbitrary, so each of them counts with
the mean loss of all of them, and a curve has points only where such a block ends.

References:
    AURC: Geifman and El-Yaniv 2017, arXiv:1705.08500. E-AURC: Geifman et al. 2019, arXiv:1805.08206.
    AUGRC: Traub et al. 2024, arXiv:2407.01032.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dropout_cli.core.types import Array


@dataclass(frozen=True)
class RiskCoverage:
    """Losses by falling confidence."""

    losses: Array
    """(N,): the losses in that order; within a block of equal confidence, the mean of the block."""
    ends: Array
    """(blocks,): the number of examples up to the end of each block, rising; the last one is N."""
    risks: Array
    """(blocks,): the risk of these examples."""
    thresholds: Array
    """(blocks,): the confidence of each block, falling."""
    best_aurc: float
    """The AURC if the losses rose."""

    @classmethod
    def of(cls, confidence: Array, losses: Array) -> "RiskCoverage":
        """Sort examples by confidence.

        Args:
            confidence: (N,) finite numbers; larger is more confident.
            losses: (N,) numbers, at least 0.

        Raises:
            ValueError: There are no examples, or a number is not finite.
        """
        values = np.asarray(losses, np.float64)
        if len(values) == 0 or not (np.isfinite(confidence).all() and np.isfinite(values).all()):
            raise ValueError("selective prediction needs at least one example, and finite numbers")
        order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
        ranked, in_order = confidence[order], values[order]
        ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]) + 1, len(ranked))
        sizes = np.diff(ends, prepend=0)
        tied = np.repeat(np.add.reduceat(in_order, ends - sizes) / sizes, sizes)
        risks = np.cumsum(in_order)[ends - 1] / ends
        return cls(tied, ends, risks, ranked[ends - 1], float(np.mean(_risks(np.sort(values)))))

    @property
    def coverages(self) -> Array:
        """(blocks,): the share of examples up to the end of each block."""
        return np.asarray(self.ends / len(self.losses))

    @property
    def full_risk(self) -> float:
        """The risk of all examples."""
        return float(self.risks[-1])

    @cached_property
    def aurc(self) -> float:
        """The mean risk over all coverages."""
        return float(np.mean(_risks(self.losses)))

    @property
    def augrc(self) -> float:
        """The mean over k of the loss of the first k, divided by N."""
        return float(np.mean(np.cumsum(self.losses)) / len(self.losses))

    @property
    def e_aurc(self) -> float:
        """The AURC in excess of the best possible order."""
        return self.aurc - self.best_aurc

    def last_block(self, risk: float) -> int | None:
        """Return the position of the last block whose risk is at most `risk`, or None.

        The curve may cross the risk several times; this is the largest coverage, not the first crossing.
        """
        within = np.flatnonzero(self.risks <= risk)
        return int(within[-1]) if len(within) else None

    def coverage_at(self, risk: float) -> float:
        """Return the largest coverage whose risk is at most `risk`; 0 if there is none."""
        block = self.last_block(risk)
        return 0.0 if block is None else float(self.coverages[block])

    def sample_blocks(self, most: int) -> Array:
        """Return positions of blocks at about equal steps of coverage, with both ends.

        Args:
            most: The largest number of positions, at least 2.
        """
        if len(self.ends) <= most:
            return np.arange(len(self.ends))
        wanted = np.linspace(self.ends[0], self.ends[-1], most)
        return np.unique(np.searchsorted(self.ends, wanted))


def _risks(losses: Array) -> Array:
    """Return the mean of the first k losses, for every k."""
    return np.asarray(np.cumsum(losses) / np.arange(1, len(losses) + 1))
