"""Words for numbers and layouts, as tables, notes and reports share them."""

import math
from collections.abc import Sequence

from dropout_cli.sweeps.comparison import BETTER, NOT_DECIDED, WORSE, Comparison
from dropout_cli.sweeps.evidence import Evidence
from dropout_cli.sweeps.layouts import Layout
from dropout_cli.sweeps.records import Group


def p_text(p: float) -> str:
    """Return a p-value with two digits that count."""
    return "" if math.isnan(p) else "< 0.0001" if 0 <= p < 0.0001 else f"{p:.2g}"


def short(value: float, sign: str = "") -> str:
    """Return four decimals, without a minus before zero; nothing for NaN."""
    return "" if math.isnan(value) else f"{round(value, 4) + 0.0:{sign}.4f}"


def span(interval: tuple[float, float], sign: str = "") -> str:
    """Return both ends of an interval; nothing for NaN."""
    low, high = interval
    return "" if math.isnan(low) else f"{short(low, sign)} to {short(high, sign)}"


def count(number: int, noun: str) -> str:
    """Return `1 run`, `2 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def named(groups: Sequence[Group], most: int = 6) -> str:
    """Return the labels of groups, the first few of them."""
    names = [group.label for group in groups[:most]]
    return "; ".join([*names, *([f"{len(groups) - most} more"] if len(groups) > most else [])])


def speaks_of(layout: Layout, group: Group, *, fixed: bool) -> str:
    """Return what an interval of this layout covers, for a sentence: `new seeds on this split, ...`."""
    test = max((record.examples("test") for record in group.runs), default=0)
    sizes = [sum(map(record.examples, ("train", "val", "test"))) for record in group.runs]
    all_of_them = max(sizes, default=0)  # of one run: the parts of folds differ by an example
    folds = f"{layout.folds} folds" if layout.folds else ""
    if layout.kind in ("none", "single", "irregular"):
        return "these runs alone"
    if layout.kind == "seeds":
        where = f"this division into {folds}" if folds else f"this split: these {test:,} test examples"
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


def new_kind(one: Comparison) -> str:
    """Return what the second interval of a comparison is for."""
    if one.layout.kind == "seeds" or one.test_part_is_fixed:
        return "new examples"
    return "new data"


def where_shown(one: Comparison) -> str:
    """Return on what a verdict holds, in words that go behind it."""
    new = new_kind(one)
    if one.layout.kind == "seeds":
        here = "this split"
    elif one.test_part_is_fixed:
        here = "these test examples"
    else:
        here = "splits of these data"
    if one.shown_for_new_data:
        return f"on {here} and for {new}"
    unknown = math.isnan(one.new_data.low)
    return f"on {here}; not shown for {new}" + (" (no interval is known)" if unknown else "")


def sentence(evidence: Evidence, one: Comparison) -> str:
    """Return the verdict of a comparison with its numbers, as a clause."""
    base = evidence.groups[one.baseline].label
    difference = one.estimate.mean
    if one.refused:
        return f"compared with {base}, it is not decided whether it is better: {one.refused}"
    numbers = f"difference {short(difference, '+')}, 95 % interval {span(one.interval, '+')}"
    if one.verdict in (BETTER, WORSE):
        return f"it is {one.verdict} than {base} {where_shown(one)} ({numbers})"
    if one.verdict == NOT_DECIDED:
        same = "all pairs of runs are identical" if one.identical else "the interval of the difference includes 0"
        return f"compared with {base}, it is not decided whether it is better: {same} ({numbers})"
    return f"it is {one.verdict.replace('equal', f'equal to {base}')} {where_shown(one)} ({numbers})"
