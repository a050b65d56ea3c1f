"""Permutation tests of `--test`, which are shown in addition to the t test.

They flip the signs of whole units (seeds, splits, or the means of splits), which must be independent. They do not
influence verdicts.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from dropout_cli import statistics
from dropout_cli.core.types import Array
from dropout_cli.statistics import TestResult
from dropout_cli.statistics.max_t import max_t
from dropout_cli.statistics.paired_tests import sign_flip, wilcoxon
from dropout_cli.sweeps.layouts import Layout
from dropout_cli.sweeps.replicates import Replicate

TestName: TypeAlias = Literal["t", "sign-flip", "max-t", "wilcoxon"]
TESTS: Mapping[TestName, Callable[[Array], TestResult]] = {"sign-flip": sign_flip, "wilcoxon": wilcoxon}
INDEPENDENT = ("seeds", "splits", "nested")
"""Kinds of layout with independent units, whose signs may be flipped one by one."""


class PermutationPValues(NamedTuple):
    """The p-values of a permutation test for one comparison; NaN if it was not made."""

    p: float
    adjusted: float
    """The p-value with Holm's correction, or with that of max-T."""
    smallest: float
    """The smallest corrected p-value that is possible with this number of units."""


NO_TEST = PermutationPValues(math.nan, math.nan, math.nan)


def permutation_tests(
    compared: Sequence[tuple[str, int, Layout]], differing: Sequence[Mapping[Replicate, float]], test: TestName
) -> list[PermutationPValues]:
    """Return the p-values of the permutation test for each comparison.

    Args:
        compared: Metric, index of the baseline, and layout of each comparison.
        differing: For each comparison, replicate -> difference.
        test: The permutation test; `t`: none.
    """
    units = [
        layout.per_unit(by_pair) if layout.kind in INDEPENDENT else []
        for (*_, layout), by_pair in zip(compared, differing, strict=True)
    ]
    if test == "t":
        return [NO_TEST] * len(compared)
    if test == "max-t":
        return _max_t(compared, units)
    results = [TESTS[test](np.array(means)) if len(means) > 1 else TestResult(math.nan, math.nan) for means in units]
    adjusted = statistics.holm_adjust([result.p for result in results])
    smallest = statistics.holm_adjust([result.smallest for result in results])
    return [
        PermutationPValues(result.p, p, least) for result, p, least in zip(results, adjusted, smallest, strict=True)
    ]


def _max_t(compared: Sequence[tuple[str, int, Layout]], units: Sequence[Sequence[float]]) -> list[PermutationPValues]:
    """Return the p-values of max-T, a test of all comparisons with one baseline together."""
    families: dict[tuple[str, int], list[int]] = {}
    for place, (metric, baseline, _) in enumerate(compared):
        families.setdefault((metric, baseline), []).append(place)
    p_values = [NO_TEST] * len(compared)
    for places in families.values():
        first = compared[places[0]][2].units
        # The signs of a unit are flipped for all settings at once, so that all settings must have the same units.
        if len(first) < 2 or any(compared[place][2].units != first or not units[place] for place in places):
            continue
        together = max_t(np.array([units[place] for place in places]))
        for place, p in zip(places, together.step_down, strict=True):
            alone = max_t(np.array([units[place]])).single_step[0]
            # Bonferroni over the families, since max-T corrects within one family only.
            p_values[place] = PermutationPValues(
                alone, min(1.0, len(families) * p), min(1.0, len(families) * together.smallest)
            )
    return p_values
