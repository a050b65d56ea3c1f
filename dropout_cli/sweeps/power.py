"""Statistical power: the runs that a decision needs, and the detectable difference."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted
from dropout_cli.statistics import sample_size
from dropout_cli.statistics.t_test import MIN_UNITS
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.comparison import ALPHA, Comparison
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.plan import SweepPlan
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs
from dropout_cli.sweeps.until_sure.levels import PlannedLooks
from dropout_cli.sweeps.wording import new_data_kind

WANTED = 0.8
"""The probability with which a true difference should be detected; the texts call it 80 %."""
PILOT = 5
"""With fewer units, only the upper bound of their standard deviation is used: the estimate is too often too small."""
MOST_UNDECIDED = 4
"""The most undecided settings for which the notes state how many runs would decide."""
MOST_TIMES = 4
"""The exact number of units is stated up to this multiple of the units that there are."""
MANY = 100
UNIT = {"seeds": "seeds", "splits": "splits", "nested": "splits"}
"""Kind of layout -> the name of its units."""


def runs_to_decide(comparison: Comparison, margin: float | None, examples: int) -> str:
    """Return in sentences how many units would detect a true difference.

    Args:
        comparison: An undecided comparison.
        margin: The difference to detect; None: the observed one.
        examples: The number of examples of the part.

    Returns:
        Sentences that continue `setting: `; empty if the number cannot be computed.
    """
    unit, estimate = _unit(comparison), comparison.estimate
    if not unit or not estimate.sd > 0:
        return "more splits and more seeds make the interval narrower." if comparison.layout.kind == "crossed" else ""
    size = margin or abs(estimate.mean)
    if size == 0:
        return ""
    least, most = units_needed(comparison, margin)
    kind = "the margin" if margin else "the observed one"
    goal = f"to detect a true difference of {size:.2g} ({kind}) with 80 % probability"
    limit = _limit_for_new_data(comparison, size, examples)
    if most is None or least is None:
        return f"{goal}, more than a million {unit} are needed.{limit}"
    if estimate.n < PILOT:
        text = f"{goal}, at most {most:,} {unit} in total are needed, {_more_than(estimate.n, most, most)}. "
        return f"{text}A more exact number needs {PILOT} {unit} or more.{limit}"
    more = _more_than(estimate.n, least, most)
    return f"{goal}, {least:,} to {most:,} {unit} in total are needed, {more}.{limit}"


def _more_than(n: int, least: int, most: int) -> str:
    """Return how many units are missing, such as `4 to 13 more than these 5`."""
    low, high = max(0, least - n), max(0, most - n)
    if high == 0:
        return f"so these {n} are enough"
    if low == high or least == most:
        return f"{high:,} more than these {n}"
    return f"up to {high:,} more than these {n}" if low == 0 else f"{low:,} to {high:,} more than these {n}"


def _limit_for_new_data(comparison: Comparison, size: float, examples: int) -> str:
    """Return a sentence if no number of units can show a difference for new data; empty otherwise."""
    smallest = smallest_for_new_data(comparison)
    if not smallest > size:
        return ""
    if new_data_kind(comparison) == "new examples":
        return (
            f" For new examples it cannot be detected with {counted(examples, 'example')}, however many runs there "
            f"are: the smallest such difference is {smallest:.2g}."
        )
    return (
        " For new data of this kind it cannot be detected with more splits of these data: the smallest such difference "
        f"is {smallest:.2g}."
    )


def smallest_for_new_data(comparison: Comparison) -> float:
    """Return the difference that any number of units can just show for new data, with 80 % probability.

    More units reduce the part of the variance that comes from them. The part of the examples stays.

    Args:
        comparison: The comparison.

    Returns:
        The difference in units of the metric; NaN if the variance for new data is not known.
    """
    from scipy import stats

    new = comparison.new_data_estimate
    if math.isnan(new.se) or not new.sd > 0:
        return math.nan
    # Both estimates have the units' variance over n; what the one for new data has in addition stays.
    of_examples = new.se**2 - new.sd**2 / new.n
    quantiles = stats.norm.isf(ALPHA / comparison.family / 2) + stats.norm.ppf(WANTED)
    return float(quantiles * math.sqrt(max(0.0, of_examples)))


def _unit(comparison: Comparison) -> str:
    """Return the name of the units of a comparison; empty without independent units."""
    unit = UNIT.get(comparison.layout.kind, "")
    return "divisions" if unit == "splits" and comparison.layout.folds else unit


def units_needed(comparison: Comparison, margin: float | None) -> tuple[int | None, int | None]:
    """Return how many units detect the margin, or the observed difference, with 80 % probability.

    Returns:
        The numbers for the observed standard deviation and for its upper bound; None: more than a million.
    """
    estimate, alpha = comparison.estimate, ALPHA / comparison.family
    size = margin or abs(estimate.mean)
    bound = sample_size.sd_upper_bound(estimate.sd, estimate.n)
    most = sample_size.pairs_needed(size, bound, power=WANTED, alpha=alpha)
    return sample_size.pairs_needed(size, estimate.sd, power=WANTED, alpha=alpha), most


def decision_notes(undecided: Sequence[tuple[str, Comparison, int]], margin: float | None) -> Iterator[str]:
    """Yield how many units would decide, the fewest first; settings that need many share one sentence.

    Args:
        undecided: Name of the setting, its undecided comparison, and the number of examples of the part.
        margin: The difference to detect; None: the observed ones.
    """
    near: list[tuple[int, str]] = []
    far: list[tuple[int, int, str, str]] = []
    for name, comparison, examples in undecided:
        needed = runs_to_decide(comparison, margin, examples)
        if not needed:
            continue
        n, unit = comparison.estimate.n, _unit(comparison)
        count = (units_needed(comparison, margin)[n < PILOT] or sample_size.MAX_PAIRS) if unit else 0
        if count > MOST_TIMES * n:
            far.append((count, MOST_TIMES * n, unit, name))
        else:
            near.append((count, f"{name}: {needed}"))
    yield from (text for _, text in sorted(near)[:MOST_UNDECIDED])
    if len(near) > MOST_UNDECIDED:
        verb, whose = ("is", "its") if len(near) - MOST_UNDECIDED == 1 else ("are", "their")
        yield f"{len(near) - MOST_UNDECIDED} more {verb} not decided; comparisons.csv has {whose} numbers."
    if far:
        names = "; ".join(
            [name for *_, name in far[:MOST_UNDECIDED]]
            + [f"{len(far) - MOST_UNDECIDED} more"] * (len(far) > MOST_UNDECIDED)
        )
        bound = MANY if min(far)[0] > MANY else min(limit for _, limit, *_ in far)
        what = "the margin" if margin else "the observed difference" if len(far) == 1 else "the observed differences"
        yield f"{names}: to detect {what} with 80 % probability, more than {bound} {far[0][2]} are needed."


def smallest_detectable(n: int, alpha: float) -> float:
    """Return the smallest true difference that n units detect with 80 % probability.

    Args:
        n: Number of units.
        alpha: The two-sided level of one comparison.

    Returns:
        The difference in standard deviations of the paired differences.
    """
    low, high = 0.0, 1e3
    # Bisection: the power increases with the difference.
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        detected = sample_size.paired_t_power(n, middle, 1.0, alpha=alpha) >= WANTED
        low, high = (low, middle) if detected else (middle, high)
    return high


class EarlierSpread(NamedTuple):
    """The spread of the paired differences in earlier runs of a sweep's folder."""

    metric: str
    sd: float
    """The largest standard deviation over the settings, in units of the metric."""
    n: int
    """The number of pairs of that setting."""


def earlier_spread(folder: SweepFolder, comparison: ComparisonSettings) -> EarlierSpread | None:
    """Return the spread of the complete runs in a folder; None if there are too few.

    Raises:
        UsageError: The stored plan is damaged.
    """
    plan = stored_plan.read_plan(folder)
    if plan is None:
        return None
    records, _ = stored_plan.read_runs(folder)
    try:
        evidence = compare_runs(records, plan.keys, comparison)
    except UsageError:  # no run of the baseline is complete
        return None
    known = [(one.estimate.sd, one.estimate.n) for one in evidence.main if one.estimate.sd > 0 and not one.refused]
    return EarlierSpread(evidence.metric, *max(known)) if known else None


def power_of_plan(
    plan: SweepPlan,
    baseline: Mapping[str, Any] | None,
    earlier: EarlierSpread | None = None,
    *,
    metrics: int = 1,
    looks: PlannedLooks | None = None,
) -> Iterator[tuple[str, str]]:
    """Yield rows of the dry run: the number of comparisons and what they can detect.

    Args:
        plan: The planned runs.
        baseline: Key -> value of the baseline; None: the default one.
        earlier: The spread of earlier runs in the folder, if there are any.
        metrics: The number of metrics by which the settings are compared.
        looks: The looks of a sweep with `--until sure`; None: one look at all runs.

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
    family = metrics * len(layouts)  # the intervals are corrected for all of them together
    # The last look alone detects less than all looks together, so that the difference is not too small.
    alpha = ALPHA / family if looks is None else looks.levels(family)[-1]
    size = smallest_detectable(n, alpha)
    yield "comparisons", str(family)
    yield "difference seen with 80 % probability", _in_units(size, earlier) if math.isfinite(size) else "none"


EXAMPLE_SD = 0.002
"""A usual standard deviation of paired differences in accuracy, for an example."""


def _in_units(size: float, earlier: EarlierSpread | None) -> str:
    """Return a difference in units of the metric, or in standard deviations with an example."""
    text = f"{size:.2g} standard deviations of the paired differences"
    if earlier is None:
        example = f"if differences vary by {EXAMPLE_SD:g} from seed to seed, this is {size * EXAMPLE_SD:.1g}"
        return f"{text} (for example, {example})"
    found = f"they vary by {earlier.sd:.2g} in {earlier.n} earlier pairs of this folder"
    return f"{size * earlier.sd:.2g} in {earlier.metric} ({text}; {found})"
