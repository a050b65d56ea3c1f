"""Number of pairs needed to show a difference.

The power of the t-test follows from the noncentral t distribution.
"""

import math

MAX_PAIRS = 1_000_000


def paired_t_power(n: int, difference: float, sd: float, *, alpha: float = 0.05) -> float:
    """Return the probability that a two-sided t-test shows a true mean difference.

    Args:
        n: Number of pairs.
        difference: True mean difference.
        sd: True standard deviation of the differences.
        alpha: Level of the test.
    """
    from scipy import stats

    if n < 2:
        return 0.0
    if sd == 0:
        return 1.0 if difference else alpha
    shift = abs(difference) / sd * math.sqrt(n)
    bound = float(stats.t.ppf(1 - alpha / 2, n - 1))
    probability = float(stats.nct.sf(bound, n - 1, shift) + stats.nct.cdf(-bound, n - 1, shift))
    return 1.0 if math.isnan(probability) else probability  # SciPy returns NaN for a large shift


def pairs_needed(difference: float, sd: float, *, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Return the fewest pairs that show a difference with a given probability.

    Args:
        difference: True mean difference.
        sd: True standard deviation of the differences.
        power: The probability.
        alpha: Level of the test.

    Returns:
        The number of pairs; None if it is above a million.
    """
    high = 3
    while paired_t_power(high, difference, sd, alpha=alpha) < power:
        high *= 2
        if high > MAX_PAIRS:
            return None
    low = 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if paired_t_power(middle, difference, sd, alpha=alpha) >= power else (middle, high)
    return high


def sd_upper_bound(sd: float, n: int, *, confidence: float = 0.8) -> float:
    """Return an upper confidence bound of the true standard deviation.

    The standard deviation of a small pilot is often too low.

    Args:
        sd: Standard deviation of the pilot.
        n: Number of pairs in the pilot.
        confidence: Level of the bound.
    """
    from scipy import stats

    return sd * math.sqrt((n - 1) / float(stats.chi2.ppf(1 - confidence, n - 1)))
