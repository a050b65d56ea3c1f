"""How many runs would decide a comparison, and what a planned number of runs can see."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from dropout_cli.statistics import sample_size
from dropout_cli.statistics.estimate import MIN_UNITS
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.comparison import ALPHA, Comparison
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.plan import SweepPlan

WANTED = 0.8
PILOT = 5
"""With fewer units their standard deviation is too often too small to plan with, and only its bound is used."""
UNIT = {"seeds": "seeds", "splits": "splits", "nested": "splits"}


def runs_to_decide(one: Comparison, margin: float | None) -> str:
    """Return in a sentence how many units would show a difference: of the margin, or as large as the one seen."""
    unit, found = UNIT.get(one.layout.kind, ""), one.estimate
    unit = "divisions" if unit == "splits" and one.layout.folds else unit
    if not unit or not found.sd > 0:
        return "more splits and more seeds make the interval narrower." if one.layout.kind == "crossed" else ""
    size = margin or abs(found.mean)
    if size == 0:
        return ""
    alpha = ALPHA / one.family
    most = sample_size.pairs_needed(size, sample_size.sd_upper_bound(found.sd, found.n), power=WANTED, alpha=alpha)
    least = sample_size.pairs_needed(size, found.sd, power=WANTED, alpha=alpha)
    as_seen = "" if margin else " as large as the one seen"
    what = f"would show a true difference{as_seen} ({size:.2g}) with 80 % probability"
    if most is None or least is None:
        return f"more than a million {unit} {what}."
    if found.n < PILOT:
        return f"at most {most:,} {unit} in all {what}; {found.n} are too few to say it more closely."
    return f"{least:,} to {most:,} {unit} in all {what}; there are {found.n}."


def smallest_detectable(n: int, family: int) -> float:
    """Return which true difference n units show with 80 % probability, in standard deviations of the differences."""
    low, high = 0.0, 1e3
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        seen = sample_size.paired_t_power(n, middle, 1.0, alpha=ALPHA / family) >= WANTED
        low, high = (low, middle) if seen else (middle, high)
    return high


def power_of_plan(plan: SweepPlan, baseline: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Yield what the plan can show. Raises UsageError where the baseline is none of the groups."""
    replicates = [{cell.replicate for cell in plan.cells if cell.group == place} for place in range(len(plan.groups))]
    found = find_baselines([group.values for group in plan.groups], plan.keys, baseline)
    shared = [
        replicates[place] & replicates[other]
        for place, other in enumerate(found)
        if other is not None and other != place
    ]
    folds = max((cell.experiment.dataset.folds or 0 for cell in plan.cells), default=0)
    layouts = [find_layout(sorted(one), folds) for one in shared if one]
    if not layouts:
        return
    refused = next((one.refused for one in layouts if one.refused), "")
    n = min(len(one.units) for one in layouts)
    if refused or n < MIN_UNITS:
        yield "what it can show", f"no verdict: {refused}"
        return
    size = smallest_detectable(n, len(layouts))
    yield "comparisons", str(len(layouts))
    yield (
        "difference seen with 80 % probability",
        f"{size:.2g} standard deviations of the paired differences" if math.isfinite(size) else "none",
    )
