"""Words for numbers and layouts, as tables, notes and reports share them."""

import math
from collections.abc import Sequence

from dropout_cli.core.text import counted, decimals
from dropout_cli.sweeps.comparison import ALPHA, BETTER, NOT_DECIDED, WORSE, Comparison
from dropout_cli.sweeps.layouts import Layout
from dropout_cli.sweeps.records import RunGroup, Values, setting_label
from dropout_cli.sweeps.sweep_comparison import SweepComparison

MOST_DECIMALS = 9
"""A smaller number is told as 0."""
NONE, NO_DROPOUT = ("dropout.variant", "none"), "no dropout"


def format_p(p: float) -> str:
    """Return a p-value with two digits that count, or more where two would make it .05, which it is not."""
    if math.isnan(p):
        return ""
    if 0 <= p < 0.0001:
        return "< 0.0001"
    texts = (f"{p:.{digits}g}" for digits in range(2, 8))
    return next((text for text in texts if float(text) != ALPHA or p == ALPHA), f"{p:.2g}")


def format_short(value: float, sign: str = "") -> str:
    """Return four decimals, or as many as a value takes that is not 0; no minus before zero; nothing for NaN."""
    if math.isnan(value):
        return ""
    digits = next((count for count in range(4, MOST_DECIMALS + 1) if round(value, count)), 4)
    return decimals(value, digits, sign)


def format_interval(interval: tuple[float, float], sign: str = "") -> str:
    """Return both ends of an interval; nothing for NaN."""
    low, high = interval
    return "" if math.isnan(low) else f"{format_short(low, sign)} to {format_short(high, sign)}"


def group_name(group: RunGroup) -> str:
    """Return the label of a group, for a sentence."""
    return setting_name(group.values)


def setting_name(values: Values) -> str:
    """Return values in one line, for a sentence: `none` alone would read as if nothing was meant."""
    return setting_label({key: NO_DROPOUT if (key, value) == NONE else value for key, value in values.items()})


def join_names(groups: Sequence[RunGroup], most: int = 6) -> str:
    """Return the labels of groups, the first few of them."""
    names = [group_name(group) for group in groups[:most]]
    return "; ".join([*names, *([f"{len(groups) - most} more"] if len(groups) > most else [])])


def interval_scope(layout: Layout, group: RunGroup, *, fixed: bool) -> str:
    """Return what an interval of this layout covers, for a sentence: `new seeds on this split, ...`."""
    test = max((record.examples("test") for record in group.runs), default=0)
    sizes = [sum(map(record.examples, ("train", "val", "test"))) for record in group.runs]
    all_of_them = max(sizes, default=0)  # of one run: the parts of folds differ by an example
    folds = counted(layout.folds, "fold") if layout.folds else ""
    if layout.kind in ("none", "single", "irregular"):
        return "these runs alone"
    if layout.kind == "seeds":
        where = f"this division into {folds}" if folds else f"this split and its {counted(test, 'test example')}"
        return f"new seeds on {where}"
    seeds = "new seeds" if layout.seed is None else f"seed {layout.seed}"
    if fixed:
        return f"new divisions into training and validation part, with {seeds}, on these {test:,} test examples"
    what = (
        f"new divisions of these {all_of_them:,} examples into {folds}"
        if folds
        else (f"new random splits of these {all_of_them:,} examples")
    )
    return f"{what}, with {seeds}"


def new_data_kind(one: Comparison) -> str:
    """Return what the second interval of a comparison is for."""
    if one.layout.kind == "seeds" or one.test_part_is_fixed:
        return "new examples"
    return "new data"


def verdict_scope(one: Comparison) -> str:
    """Return on what a verdict holds, in words that go behind it."""
    new = new_data_kind(one)
    if one.layout.kind == "seeds":
        here = "this split"
    elif one.test_part_is_fixed:
        here = "these test examples"
    else:
        here = "splits of these data"
    if one.shown_for_new_data:
        return f"on {here} and for {new}"
    unknown = math.isnan(one.new_data.low)
    return f"on {here}, but not shown for {new}" + (" (no interval is known)" if unknown else "")


def comparison_sentence(evidence: SweepComparison, one: Comparison, subject: str) -> str:
    """Return the verdict of a comparison with its numbers, about `subject`: the label of the setting, or `It`."""
    base = group_name(evidence.groups[one.baseline])
    open_question = f"{subject} is compared with {base}: whether it is better is not decided"
    if one.refused:
        return f"{open_question}, because {one.refused}."
    numbers = f"difference {format_short(one.estimate.mean, '+')}, 95 % interval {format_interval(one.interval, '+')}"
    if one.verdict in (BETTER, WORSE):
        return f"{subject} is {one.verdict} than {base} {verdict_scope(one)} ({numbers})."
    if one.verdict == NOT_DECIDED:
        same = "all pairs of runs are identical" if one.identical else "the interval of the difference includes 0"
        return f"{open_question}, because {same} ({numbers})."
    return f"{subject} is {one.verdict.replace('equal', f'equal to {base}')} {verdict_scope(one)} ({numbers})."
