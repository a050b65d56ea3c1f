"""Sequential intervals: constants c such that mean +- c s / sqrt(n) holds at all looks.

`planned_looks` spends alpha t^2 at planned looks (Kim & DeMets 1987, doi:10.1093/biomet/74.1.149), where t is n divided
by the largest n. `anytime_constant` holds at every n, planned or not (Lai 1976). Bonferroni's correction for many
comparisons divides alpha.
"""

import math
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from dropout_cli.core.types import Array

LOOKS = (6, 8, 10, 14, 20, 30)
POINTS = 1001  # of the grid on which the density of the score is integrated


class Look(NamedTuple):
    """One look at the data."""

    n: int
    """Number of pairs at this look."""
    p: float
    """The nominal two-sided level of this look."""
    c: float
    """The half-width of the interval, in units of s / sqrt(n)."""


@lru_cache(maxsize=32)
def planned_looks(looks: tuple[int, ...] = LOOKS, *, comparisons: int = 1, alpha: float = 0.05) -> tuple[Look, ...]:
    """Return the constants of planned looks.

    The boundaries b are found one after the other, on the scale of the score S ~ N(0, n): the probability that S leaves
    [-b, b] for the first time at a look is the level that is spent there.

    Args:
        looks: Numbers of pairs, in ascending order.
        comparisons: Number of comparisons for Bonferroni's correction.
        alpha: Level of all looks together.
    """
    from scipy import integrate, optimize, stats

    level, constants = alpha / comparisons, list[Look]()
    grid, density, spent = np.zeros(1), np.ones(1), 0.0
    for place, n in enumerate(looks):
        wanted = level * (n / looks[-1]) ** 2 - spent
        spent += wanted
        step = math.sqrt(n - (looks[place - 1] if place else 0))
        missing = partial(_leaving, grid=grid, density=density, step=step, wanted=wanted)
        bound = float(optimize.brentq(missing, 0, 12 * math.sqrt(n), xtol=1e-12))
        new = np.linspace(-bound, bound, POINTS)
        steps = stats.norm.pdf((new[:, None] - grid[None, :]) / step) / step
        # At the first look the score starts at 0 for certain: a density on one point cannot be integrated.
        density = steps[:, 0] if len(grid) == 1 else integrate.simpson(steps * density, x=grid, axis=1)
        grid = new
        nominal = 2 * float(stats.norm.sf(bound / math.sqrt(n)))
        constants.append(Look(n, nominal, float(stats.t.isf(nominal / 2, n - 1))))
    return tuple(constants)


def _leaving(bound: float, grid: Array, density: Array, step: float, wanted: float) -> float:
    """Return P(the score first leaves [-bound, bound] at this look) minus `wanted`."""
    from scipy import integrate, stats

    out = stats.norm.sf((bound - grid) / step) + stats.norm.sf((bound + grid) / step)
    return float(out[0] if len(grid) == 1 else integrate.simpson(density * out, x=grid)) - wanted


def anytime_constant(n: int, *, comparisons: int = 1, alpha: float = 0.05) -> float:
    """Return the constant that holds for any number of looks, planned or not.

    Args:
        n: Number of pairs.
        comparisons: Number of comparisons for Bonferroni's correction.
        alpha: Level of all looks together.

    Returns:
        The constant; infinite if n is too small.
    """
    a = 1.0 + n
    u = (math.sqrt(a) * comparisons / alpha) ** (2 / n)
    return math.inf if u >= a else math.sqrt((n - 1) * (u - 1) / (1 - u / a))
