"""The number of runs that a sweep recommends: how often it is enough, in simulated pilots.

The true difference is one standard deviation. A pilot gives a range, from the observed standard deviation to its upper
bound. The upper end must reach 80 % power in at least 80 % of the pilots. The lower end must not: in pilots of three to
five pairs, the observed standard deviation alone is enough in about half of the cases at most.
"""

import math
from dataclasses import replace

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.statistics.sample_size import paired_t_power
from dropout_cli.statistics.t_test import estimate_mean
from dropout_cli.sweeps.power import WANTED, units_needed
from tests.acceptance.bars import Bars
from tests.sweeps.test_power import comparison

DIFFERENCE = 1.0
PILOTS = (3, 5, 7, 10, 20)
SMALL = (3, 5)
"""Pilots whose observed standard deviation is most often too small."""


def enough(n: int | None) -> bool:
    """Return True if a number of pairs shows the true difference with 80 % probability."""
    return n is None or paired_t_power(n, DIFFERENCE, 1.0) >= WANTED


if __name__ == "__main__":
    bars = Bars("runs_needed")
    repetitions = 100 if bars.smoke else 2_000
    rng, one = stream(0, "test:pilots"), comparison()
    for pilot in PILOTS:
        lower, upper = [], []
        for _ in range(repetitions):
            found = estimate_mean(rng.normal(DIFFERENCE, 1.0, pilot).tolist())
            least, most = units_needed(replace(one, estimate=found), DIFFERENCE)
            lower.append(enough(least))
            upper.append(enough(most))
        slack = 4 * math.sqrt(WANTED * (1 - WANTED) / repetitions) if bars.smoke else 0.0
        name, command = f"share of pilots of {pilot} pairs whose", "for dropout compare: how many more runs"
        bars.at_least(f"{name} upper number is enough", float(np.mean(upper)), WANTED - slack, command, always=True)
        if pilot in SMALL:
            bars.at_most(
                f"{name} lower number alone is enough", float(np.mean(lower)), 0.55 + slack, command, always=True
            )
    bars.end()
