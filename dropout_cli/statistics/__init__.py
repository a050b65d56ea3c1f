"""Statistics over runs: intervals, paired tests, corrections, bias of choosing the best.

Every function takes and returns numbers. SciPy computes the tests that it has.
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
