"""Permutation tests that are asked for: they stand beside the t test of a comparison and decide nothing.

They flip the signs of whole units, which must be independent: seeds, splits, or the means of splits.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from dropout_cli import statistics
from dropout_cli.core.types import Array
from dropout_cli.statistics import TestResult
from dropout_cli.statistics.max_t import max_t
from dropout_cli.statistics.sign_flip_test import sign_flip, wilcoxon
from dropout_cli.sweeps.layouts import Layout
from dropout_cli.sweeps.replicates import Replicate

TestName: TypeAlias = Literal["t", "sign-flip", "max-t", "wilcoxon"]
TESTS: Mapping[TestName, Callable[[Array], TestResult]] = {"sign-flip": sign_flip, "wilcoxon": wilcoxon}
INDEPENDENT = ("seeds", "splits", "nested")
"""Layouts whose units may change their signs one by one."""


class Requested(NamedTuple):
    """The p-values of a permutation test for one comparison; NaN where there is none."""

    p: float
    adjusted: float
    """Holm's correction, or max-T's own."""
    smallest: float
    """The smallest corrected p that so many pairs can give."""


NO_TEST = Requested(math.nan, math.nan, math.nan)


def permutation_tests(
    compared: Sequence[tuple[str, int, Layout]], differing: Sequence[Mapping[Replicate, float]], test: TestName
) -> list[Requested]:
    """Return what the test says of each comparison.

    Args:
        compared: Metric, baseline and layout of each.
        differing: Replicate -> difference of each.
        test: `t` asks for none.
    """
    units = [
        layout.per_unit(by_pair) if layout.kind in INDEPENDENT else []
        for (*_, layout), by_pair in zip(compared, differing, strict=True)
    ]
    if test == "t":
        return [NO_TEST] * len(compared)
    if test == "max-t":
        return _max_t(compared, units)
    results = [TESTS[test](np.array(one)) if len(one) > 1 else TestResult(math.nan, math.nan) for one in units]
    adjusted = statistics.holm_adjust([one.p for one in results])
    smallest = statistics.holm_adjust([one.smallest for one in results])
    return [Requested(one.p, p, least) for one, p, least in zip(results, adjusted, smallest, strict=True)]


def _max_t(compared: Sequence[tuple[str, int, Layout]], units: Sequence[Sequence[float]]) -> list[Requested]:
    """Flip the signs of whole units, for all comparisons with one baseline at once; they must share all units."""
    families: dict[tuple[str, int], list[int]] = {}
    for place, (metric, baseline, _) in enumerate(compared):
        families.setdefault((metric, baseline), []).append(place)
    found = [NO_TEST] * len(compared)
    for places in families.values():
        first = compared[places[0]][2].units
        if len(first) < 2 or any(compared[place][2].units != first or not units[place] for place in places):
            continue
        zip_axes = max_t(np.array([units[place] for place in places]))
        for place, p in zip(places, zip_axes.step_down, strict=True):
            alone = max_t(np.array([units[place]])).single_step[0]
            found[place] = Requested(alone, min(1.0, len(families) * p), min(1.0, len(families) * zip_axes.smallest))
    return found
