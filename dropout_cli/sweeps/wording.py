"""Numbers, settings and layouts in words, for tables, notes and reports."""

import math
from collections.abc import Sequence

from dropout_cli.core.text import counted, decimals
from dropout_cli.metrics import metric_part
from dropout_cli.sweeps.comparison import ALPHA, BETTER, NOT_DECIDED, WORSE, Comparison
from dropout_cli.sweeps.layouts import Layout
from dropout_cli.sweeps.records import RunGroup, Values, setting_label
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.until_sure.words import interval_kind, look_words

MOST_DECIMALS = 9
"""The most decimals of a number: a smaller number is written as 0."""
NONE, NO_DROPOUT = ("dropout.variant", "none"), "no dropout"


def format_p(p: float) -> str:
    """Return a p-value with two significant digits, or more near 0.05."""
    # Rounded to 0.05, a p-value would not show on which side of the level it is.
    if math.isnan(p):
        return ""
    if 0 <= p < 0.0001:
        return "< 0.0001"
    texts = (f"{p:.{digits}g}" for digits in range(2, 8))
    return next((text for text in texts if float(text) != ALPHA or p == ALPHA), f"{p:.2g}")


def format_short(value: float, sign: str = "") -> str:
    """Return a number with four decimals, or with more if four would round it to 0.

    Args:
        value: The number; NaN gives an empty text.
        sign: "+" writes the sign of positive numbers, too.
    """
    if math.isnan(value):
        return ""
    digits = next((count for count in range(4, MOST_DECIMALS + 1) if round(value, count)), 4)
    return decimals(value, digits, sign)


def format_interval(interval: tuple[float, float], sign: str = "") -> str:
    """Return both ends of an interval, as `format_short` writes them; NaN gives an empty text."""
    low, high = interval
    return "" if math.isnan(low) else f"{format_short(low, sign)} to {format_short(high, sign)}"


def group_name(group: RunGroup) -> str:
    """Return the name of a group's setting, for a sentence."""
    return setting_name(group.values)


def setting_name(values: Values) -> str:
    """Return values in one line, for a sentence; the variant `none` is called 'no dropout'."""
    return setting_label({key: NO_DROPOUT if (key, value) == NONE else value for key, value in values.items()})


def join_names(groups: Sequence[RunGroup], most: int = 6) -> str:
    """Return the names of groups, at most the first `most` and the number of the others."""
    names = [group_name(group) for group in groups[:most]]
    return "; ".join([*names, *([f"{len(groups) - most} more"] if len(groups) > most else [])])


def interval_scope(layout: Layout, group: RunGroup, *, fixed: bool) -> str:
    """Return for which new runs an interval holds.

    For example: `new seeds with this split and its 360 test examples`.

    Args:
        layout: The layout of the runs, which decides the unit of the interval.
        group: A setting with these runs, for the numbers of examples.
        fixed: True if splits vary, but not the test part.
    """
    test = max((record.examples("test") for record in group.runs), default=0)
    sizes = [sum(map(record.examples, ("train", "val", "test"))) for record in group.runs]
    examples = max(sizes, default=0)  # of one run: the parts of folds differ by an example
    folds = counted(layout.folds, "fold") if layout.folds else ""
    if layout.kind in ("none", "single", "irregular"):
        return "these runs only"
    if layout.kind == "seeds":
        split = f"this division into {folds}" if folds else f"this split and its {counted(test, 'test example')}"
        return f"new seeds with {split}"
    seeds = "new seeds" if layout.seed is None else f"seed {layout.seed}"
    if fixed:
        return f"new training/validation splits, with {seeds} and these {test:,} test examples"
    if folds:
        return f"new divisions of these {examples:,} examples into {folds}, with {seeds}"
    return f"new random splits of these {examples:,} examples, with {seeds}"


def new_data_kind(comparison: Comparison) -> str:
    """Return `new examples` or `new data`: the data of the second interval."""
    # Runs with one test part show nothing about other training data, only about other test examples.
    if comparison.layout.kind == "seeds" or comparison.test_part_is_fixed:
        return "new examples"
    return "new data"


def confirmed_for_new_data(comparison: Comparison) -> bool | None:
    """Return whether a verdict also holds for new data; None if nothing can be said.

    Nothing can be said without a verdict or an interval, and a training metric is not about new data.
    """
    is_training = metric_part(comparison.metric) == "train"
    if is_training or comparison.verdict == NOT_DECIDED or math.isnan(comparison.new_data.low):
        return None
    return comparison.shown_for_new_data


def verdict_scope(comparison: Comparison) -> str:
    """Return for which data a verdict holds, such as `on this split and for new examples`."""
    new = new_data_kind(comparison)
    if comparison.layout.kind == "seeds":
        data = "this split"
    elif comparison.test_part_is_fixed:
        data = "these test examples"
    else:
        data = "splits of these data"
    confirmed = confirmed_for_new_data(comparison)
    return f"on {data}" + {None: "", True: f" and for {new}", False: f", but not confirmed for {new}"}[confirmed]


def interval_text(comparison: Comparison) -> str:
    """Return the interval of a difference with its kind and its look."""
    text = f"{interval_kind(comparison)} {format_interval(comparison.interval, '+')}"
    return ", ".join(filter(None, (text, look_words(comparison))))


def comparison_sentence(
    evidence: SweepComparison, comparison: Comparison, subject: str, *, numbers: bool = True
) -> str:
    """Return the sentence with the verdict of a comparison.

    Args:
        evidence: The comparison of all runs.
        comparison: One of its comparisons.
        subject: The name of the setting, or `it`, which is capitalized at the start of the sentence.
        numbers: True to add the difference with its interval, and the reason if nothing is decided.
    """
    base = group_name(evidence.groups[comparison.baseline])
    # An undecided difference may have either sign, so that both directions are named.
    open_question = f"Whether {subject} is better or worse than {base} is not decided"
    if comparison.verdict == NOT_DECIDED and not numbers:
        return f"{open_question}."
    if comparison.refused:
        return f"{open_question}, because {comparison.refused}."
    difference = f"difference {format_short(comparison.estimate.mean, '+')}"
    shown = f"{difference}, {interval_text(comparison)}"
    if comparison.verdict == NOT_DECIDED:
        all_equal = "all pairs of runs are identical"
        reason = all_equal if comparison.identical else "the interval of the difference includes 0"
        return f"{open_question}, because {reason} ({shown})."
    ending = f" ({shown})." if numbers else "."
    start = "It" if subject == "it" else subject
    if comparison.verdict in (BETTER, WORSE):
        return f"{start} is {comparison.verdict} than {base} {verdict_scope(comparison)}{ending}"
    verdict = comparison.verdict.replace("equal", f"equal to {base}")
    return f"{start} is {verdict} {verdict_scope(comparison)}{ending}"
