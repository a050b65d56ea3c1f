"""Statistical power: the runs that a decision needs, and the detectable difference."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from dropout_cli.statistics import sample_size
from dropout_cli.statistics.t_test import MIN_UNITS
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.comparison import ALPHA, Comparison
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.plan import SweepPlan

WANTED = 0.8
"""The probability with which a true difference should be detected; the texts call it 80 %."""
PILOT = 5
"""With fewer units, only the upper bound of their standard deviation is used: the estimate is too often too small."""
UNIT = {"seeds": "seeds", "splits": "splits", "nested": "splits"}
"""Kind of layout -> the name of its units."""


def runs_to_decide(comparison: Comparison, margin: float | None) -> str:
    """Return in a sentence how many units would detect a true difference.

    Args:
        comparison: An undecided comparison.
        margin: The difference to detect; None: the observed one.

    Returns:
        A sentence that continues `setting: `; empty if the number cannot be computed.
    """
    unit, estimate = UNIT.get(comparison.layout.kind, ""), comparison.estimate
    unit = "divisions" if unit == "splits" and comparison.layout.folds else unit
    if not unit or not estimate.sd > 0:
        return "more splits and more seeds make the interval narrower." if comparison.layout.kind == "crossed" else ""
    size = margin or abs(estimate.mean)
    if size == 0:
        return ""
    alpha = ALPHA / comparison.family
    sd_bound = sample_size.sd_upper_bound(estimate.sd, estimate.n)
    most = sample_size.pairs_needed(size, sd_bound, power=WANTED, alpha=alpha)
    least = sample_size.pairs_needed(size, estimate.sd, power=WANTED, alpha=alpha)
    kind = "the margin" if margin else "the observed one"
    goal = f"to detect a true difference of {size:.2g} ({kind}) with 80 % probability"
    if most is None or least is None:
        return f"{goal}, more than a million {unit} are needed."
    if estimate.n < PILOT:
        return f"{goal}, at most {most:,} {unit} in total are needed. A more exact number needs {PILOT} {unit} or more."
    return f"{goal}, {least:,} to {most:,} {unit} in total are needed (now: {estimate.n})."


def smallest_detectable(n: int, family: int) -> float:
    """Return the smallest true difference that n units detect with 80 % probability.

    Args:
        n: Number of units.
        family: Number of comparisons that are corrected for.

    Returns:
        The difference in standard deviations of the paired differences.
    """
    low, high = 0.0, 1e3
    # Bisection: the power increases with the difference.
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        detected = sample_size.paired_t_power(n, middle, 1.0, alpha=ALPHA / family) >= WANTED
        low, high = (low, middle) if detected else (middle, high)
    return high


def power_of_plan(plan: SweepPlan, baseline: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Yield rows of the dry run: the number of comparisons and what they can detect.

    Args:
        plan: The planned runs.
        baseline: Key -> value of the baseline; None: the default one.

    Raises:
        UsageError: No setting is the baseline.
    """
    replicates = [{cell.replicate for cell in plan.cells if cell.group == index} for index in range(len(plan.groups))]
    bases = find_baselines([group.values for group in plan.groups], plan.keys, baseline)
    shared = [
        replicates[index] & replicates[base] for index, base in enumerate(bases) if base is not None and base != index
    ]
    folds = max((cell.experiment.dataset.folds or 0 for cell in plan.cells), default=0)
    layouts = [find_layout(sorted(pairs), folds) for pairs in shared if pairs]
    if not layouts:
        return
    refused = next((layout.refused for layout in layouts if layout.refused), "")
    n = min(len(layout.units) for layout in layouts)
    if refused or n < MIN_UNITS:
        yield "what it can show", f"no verdict: {refused}"
        return
    size = smallest_detectable(n, len(layouts))
    yield "comparisons", str(len(layouts))
    yield (
        "difference seen with 80 % probability",
        f"{size:.2g} standard deviations of the paired differences" if math.isfinite(size) else "none",
    )
