"""What runs say together: intervals, paired tests, corrections for many comparisons, the cost of choosing.

Everything here is a function of numbers; SciPy computes wherever it has the test.
"""

from dropout_cli.statistics.bootstrap import ErrorDifference, paired_bootstrap
from dropout_cli.statistics.choice import best_of
from dropout_cli.statistics.contingency import McNemar, mcnemar
from dropout_cli.statistics.families import holm
from dropout_cli.statistics.intervals import Interval, covering, moments, t_interval, wilson
from dropout_cli.statistics.paired import TESTS, Paired, Result, compare, smallest_p
from dropout_cli.statistics.ranks import Ranks, friedman

__all__ = [
    "TESTS",
    "ErrorDifference",
    "Interval",
    "McNemar",
    "Paired",
    "Ranks",
    "Result",
    "best_of",
    "compare",
    "covering",
    "friedman",
    "holm",
    "mcnemar",
    "moments",
    "paired_bootstrap",
    "smallest_p",
    "t_interval",
    "wilson",
]
