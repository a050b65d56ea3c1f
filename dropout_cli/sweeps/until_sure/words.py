"""Sentences and words about intervals that account for several looks."""

from collections.abc import Iterator, Sequence

from dropout_cli.core.text import counted
from dropout_cli.sweeps.comparison import NOT_DECIDED, Comparison
from dropout_cli.sweeps.until_sure.levels import PlannedLevels, SequentialRule


def interval_kind(comparison: Comparison) -> str:
    """Return the name of the interval of a difference, such as `sequential interval`."""
    if comparison.sequential is None:
        return "95 % interval"
    return "sequential interval" if comparison.sequential.look else "any-time interval"


def look_words(comparison: Comparison) -> str:
    """Return the look, such as `look 3 of 6, 10 seeds`; empty without planned looks."""
    level = comparison.sequential
    if level is None or not level.look:
        return ""
    return f"look {level.look} of {level.looks}, {counted(level.n, unit_name(comparison))}"


def unit_name(comparison: Comparison) -> str:
    """Return the name of a unit of a comparison: `seed`, `split` or `division`."""
    if comparison.layout.kind == "seeds":
        return "seed"
    return "division" if comparison.layout.folds else "split"


def procedure_words(comparison: Comparison) -> str:
    """Return the test behind an interval, for the notes."""
    level = comparison.sequential
    if level is None:
        return "paired t test"
    return "repeated paired t intervals" if level.look else "any-time paired t intervals"


def rule_notes(rule: SequentialRule | None) -> Iterator[str]:
    """Yield a note on how intervals account for several looks."""
    if rule is None:
        return
    if isinstance(rule, PlannedLevels):
        *looks, last = rule.plan.looks
        places = f"{', '.join(map(str, looks))} and {last}" if looks else str(last)
        yield (
            f"Sequential intervals: the sweep was planned with looks at {places} {rule.unit}s, and a setting is not "
            "trained further once it is decided. Each interval has the level of the look at which its setting ended "
            "(alpha t^2 spending, Kim & DeMets 1987). The intervals of all looks hold together with 95 % confidence. "
            "There are no p-values, because ordinary ones do not account for the looks."
        )
    else:
        yield (
            "Any-time intervals hold at every number of runs together with 95 % confidence, also if more runs were "
            "added after a look at the results (Lai 1976). There are no p-values, because ordinary ones do not account "
            "for such looks."
        )


MOST_NAMED = 6
"""The most settings whose looks the notes name; comparisons.csv has all."""


def look_notes(named: Sequence[tuple[str, Comparison]]) -> Iterator[str]:
    """Yield a note on the look at which each setting ended, or that it has reached so far.

    Args:
        named: Name of the setting and its comparison.
    """
    texts = [f"{name}: {look_words(comparison)}" for name, comparison in named if look_words(comparison)]
    if texts:
        more = [f"{len(texts) - MOST_NAMED} more in comparisons.csv"] * (len(texts) > MOST_NAMED)
        yield f"Looks: {'; '.join([*texts[:MOST_NAMED], *more])}."


def ended_undecided(named: Sequence[tuple[str, Comparison]]) -> Iterator[str]:
    """Yield a note on the settings that reached the last look without a decision.

    Args:
        named: Name of the setting and its comparison.
    """
    open_ones: dict[str, list[str]] = {}
    for name, comparison in named:
        level = comparison.sequential
        if comparison.verdict == NOT_DECIDED and level is not None and 0 < level.look == level.looks:
            open_ones.setdefault(counted(level.n, unit_name(comparison)), []).append(name)
    for units, names in open_ones.items():
        yield f"Not decided after {units}, the most that were planned: {'; '.join(names)}."
