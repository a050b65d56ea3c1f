"""Statistics over runs: intervals, paired tests, corrections, bias of choosing the best.

Every function takes and returns numbers. SciPy computes the tests that it has.
"""

from dropout_cli.statistics.bootstrap import ErrorDifference, paired_bootstrap, rmse_difference_interval
from dropout_cli.statistics.contingency import McNemar, accuracy_difference_interval, mcnemar
from dropout_cli.statistics.intervals import Interval, mean_and_sd, t_interval, union_interval, wilson_interval
from dropout_cli.statistics.multiple_comparisons import holm_adjust
from dropout_cli.statistics.paired_tests import TESTS, PairedComparison, TestResult, compare_paired, smallest_p
from dropout_cli.statistics.ranks import Ranks, friedman
from dropout_cli.statistics.selection_bias import argbest

__all__ = [
    "TESTS",
    "ErrorDifference",
    "Interval",
    "McNemar",
    "PairedComparison",
    "Ranks",
    "TestResult",
    "accuracy_difference_interval",
    "argbest",
    "compare_paired",
    "friedman",
    "holm_adjust",
    "mcnemar",
    "mean_and_sd",
    "paired_bootstrap",
    "rmse_difference_interval",
    "smallest_p",
    "t_interval",
    "union_interval",
    "wilson_interval",
]
