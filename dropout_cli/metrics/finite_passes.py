"""Expected Brier score or squared error of the mean of T noisy passes.

Both are mean squared distances to the label. With B_inf the score of the mean of all possible passes, and V the
variance of a single pass (summed over the classes, averaged over the examples),

    E B_T = B_inf + V / T

This is exact for every T. R passes have B_1 (the mean score of the single passes) and B_R (the score of their mean).
They estimate V = (B_1 - B_R) R / (R - 1) and B_inf = B_R - V / R without bias. The expected score of T passes is then
the mean score over all subsets of T of the R passes.
"""

from typing import NamedTuple


class ExpectedScore(NamedTuple):
    """B_T as a function of T."""

    limit: float
    """B_inf."""
    variance: float
    """V, the variance of a pass."""

    @classmethod
    def estimate(cls, single: float, combined: float, passes: int) -> "ExpectedScore":
        """Estimate both numbers from the same passes.

        Args:
            single: B_1, the mean score of the single passes.
            combined: B_R, the score of the mean of all passes.
            passes: R, at least 2.
        """
        variance = (single - combined) * passes / (passes - 1)
        return cls(combined - variance / passes, variance)

    def at(self, passes: int) -> float:
        """Return the expected score of the mean of a number of passes."""
        return self.limit + self.variance / passes
