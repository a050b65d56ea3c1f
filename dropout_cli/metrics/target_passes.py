"""Running sums of noisy passes of a regression, combined by the law of total variance.

Of T passes with means m_t and variances v_t, the combined mean is that of m_t, and the combined variance is
mean v_t + var m_t.
"""

import numpy as np

from dropout_cli.core.types import Array


class TargetPasses:
    """Sums of passes, in the targets' own units and in float64."""

    def __init__(self) -> None:
        """Make empty sums."""
        self.count = 0
        self._first = self._sum = self._square_sum = self._variance_sum = np.zeros(1)
        self._log_density_sum: Array | None = None

    def add(self, mean: Array, sd: Array | None, log_densities: Array | None) -> None:
        """Add a pass.

        Args:
            mean: (N, targets) predicted values.
            sd: (N, targets) standard deviations that the network predicts; None counts as 0.
            log_densities: (N, targets) ln p(y) of the pass, for all passes or for none.
        """
        # Sums around the first pass lose no digits if the mean is far from 0.
        self._first = mean if self.count == 0 else self._first
        self.count += 1
        self._sum = self._sum + (mean - self._first)
        self._square_sum = self._square_sum + (mean - self._first) ** 2
        self._variance_sum = self._variance_sum + (np.zeros_like(mean) if sd is None else sd**2)
        if log_densities is not None:
            known = self._log_density_sum
            self._log_density_sum = log_densities if known is None else np.logaddexp(known, log_densities)

    @property
    def mean(self) -> Array:
        """(N, targets): the mean of the passes."""
        return np.asarray(self._first + self._sum / self.count)

    @property
    def model_sd(self) -> Array:
        """(N, targets): the standard deviation of the passes' means, with divisor T."""
        return np.asarray(np.sqrt(np.maximum(self._square_sum / self.count - (self._sum / self.count) ** 2, 0)))

    @property
    def noise_sd(self) -> Array:
        """(N, targets): the root of the mean variance that the passes predict."""
        return np.asarray(np.sqrt(self._variance_sum / self.count))

    @property
    def log_mean_densities(self) -> Array | None:
        """(N, targets): ln mean_t p_t(y); None without densities."""
        return None if self._log_density_sum is None else np.asarray(self._log_density_sum - np.log(self.count))

    @property
    def nll_log_mean_exp(self) -> float | None:
        """The mean of -ln mean_t p_t(y); None without densities."""
        logs = self.log_mean_densities
        return None if logs is None else -float(logs.mean())
