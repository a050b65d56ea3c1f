"""Sentences about the width of predicted distributions: of their intervals, and on the whole."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.statistics import wilson_interval

ALPHA = 0.05
"""With a p-value below it, a calibration curve is called wrong on the whole."""
SMALLEST_P = 1e-4

Pits = Mapping[tuple[str, str], Array]
"""Predictor and target -> (N,) PIT."""


class WrongWidth(NamedTuple):
    """A calibration curve that a calibrated model would hardly have."""

    kind: str
    """`too wide` or `too narrow`."""
    p_value: float

    @property
    def p_text(self) -> str:
        """The p-value in words."""
        return f"p < {SMALLEST_P:g}" if self.p_value < SMALLEST_P else f"p = {significant(self.p_value, 2)}"


def wrong_width(pit: Array) -> WrongWidth | None:
    """Return the kind of error of a calibration curve; None if a calibrated model can have it.

    A true value is in the central interval with share s if |2 PIT - 1| <= s. So the calibration curve is the
    distribution function of |2 PIT - 1|, which is uniform for a calibrated model. The Kolmogorov-Smirnov test compares
    the whole curve; its sign is positive if intervals contain too much.

    Args:
        pit: (N,) distribution functions at the true values.
    """
    from scipy import stats

    found = stats.kstest(np.abs(2 * pit - 1), "uniform")
    if not found.pvalue < ALPHA:
        return None
    return WrongWidth("too wide" if found.statistic_sign > 0 else "too narrow", float(found.pvalue))


def wrong_widths_words(pits: Pits) -> str:
    """Return which curves are wrong on the whole, as the end of a title; empty if none is."""
    wrong = {place: found for place, pit in pits.items() if (found := wrong_width(pit)) is not None}
    if len(pits) == 1:
        return "".join(f"; on the whole, distributions are {one.kind} ({one.p_text})" for one in wrong.values())
    named = [len({place[part] for place in pits}) > 1 for part in (0, 1)]
    parts = []
    for kind in ("too narrow", "too wide"):
        names = [
            " of ".join(name for name, shown in zip((label, target)[::-1], named[::-1], strict=True) if shown)
            for (label, target), one in wrong.items()
            if one.kind == kind
        ]
        parts += [f"{kind} for {', '.join(names)}"] * bool(names)
    return f"; on the whole, distributions are {' and '.join(parts)} (p < {ALPHA:g})" if parts else ""


def width_sentences(
    scored: Mapping[str, Sequence[Mapping[str, float]]], names: Sequence[str], pits: Pits, examples: int, level: float
) -> Iterator[str]:
    """Yield a sentence for each predictor: whether it is too narrow or too wide.

    It is about the intervals with one coverage, and about the distributions on the whole.

    Args:
        scored: Predictor -> scores of each target.
        names: Names of the targets.
        pits: The PIT of the targets that are shown.
        examples: Number of examples.
        level: Coverage of the intervals.
    """
    intervals = f"{level * 100:g} % intervals"
    for label, each in scored.items():
        kinds: dict[str, list[str]] = {"too narrow": [], "too wide": [], "": []}
        for name, one in zip(names, each, strict=True):
            kind = "too narrow" if one["coverage_high"] < level else "too wide"
            kinds["" if one["coverage_low"] <= level <= one["coverage_high"] else kind].append(name)
        parts = [
            f"{intervals} are {kind}" + f" for {', '.join(found)}" * (len(names) > 1)
            for kind, found in kinds.items()
            if kind and found
        ]
        if undecided := kinds[""]:
            some = f"for {', '.join(undecided)} " * (0 < len(undecided) < len(names))
            parts.append(f"{some}{counted(examples, 'example')} {_undecided_words(examples, intervals, level)}")
        wrong = [(target, wrong_width(pit)) for (whose, target), pit in pits.items() if whose == label]
        parts += [
            f"on the whole, the distributions are {one.kind}"
            + f" for {target}" * (len(names) > 1)
            + f" (Kolmogorov-Smirnov test of the PIT, {one.p_text})"
            for target, one in wrong
            if one is not None
        ]
        yield f"{label[:1].upper()}{label[1:]}: {'; '.join(parts)}."


def _undecided_words(examples: int, intervals: str, level: float) -> str:
    verb = "does" if examples == 1 else "do"
    fewest = fewest_for_too_wide(level)
    if examples >= fewest:
        return f"{verb} not show that {intervals} are too narrow or too wide"
    return (
        f"{verb} not show that {intervals} are too narrow, and cannot show whether they are too wide; "
        f"{fewest} or more can"
    )


def fewest_for_too_wide(level: float) -> int:
    """Return the smallest number of examples that can show that intervals are too wide.

    With fewer, the Wilson interval contains the level even if all true values are in their intervals.

    Args:
        level: Coverage of the intervals.
    """
    examples = 1
    while wilson_interval(examples, examples).low <= level:
        examples += 1
    return examples
