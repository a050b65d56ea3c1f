"""What so many seeds can show at best: no p-value of few pairs is small, least of all among many comparisons.

Flipping the signs of n pairs that are not tied gives no p below 2^(1 - n), and Holm's correction multiplies the
smallest of m by m. As corrected p-values never fall when some p rises, correcting the bounds bounds the corrected ones.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dropout_cli import statistics
from dropout_cli.statistics.paired import EXACT_PAIRS
from dropout_cli.sweeps.baselines import baselines
from dropout_cli.sweeps.comparison import ALPHA, Evidence
from dropout_cli.sweeps.plan import Plan


def p_text(p: float) -> str:
    """A p-value with two digits that count."""
    return "" if math.isnan(p) else f"{p:.2g}"


def is_bounded(evidence: Evidence) -> bool:
    """Whether some comparison has a smallest p; Student's test has none."""
    return any(not math.isnan(one.smallest) for one in evidence.comparisons)


def family(evidence: Evidence) -> str:
    """How many comparisons Holm's correction counts."""
    return _comparisons(sum(not math.isnan(one.p_holm) for one in evidence.comparisons))


def of_evidence(evidence: Evidence) -> Iterator[str]:
    """A sentence where some comparison could show nothing, however large the difference."""
    tested = [one for one in evidence.comparisons if not math.isnan(one.smallest)]
    untied = [one.paired.n - one.paired.tied for one in tested]
    ties = any(one.paired.tied for one in tested)
    yield from _told(untied, [one.smallest for one in tested], ties)


def of_plan(plan: Plan, baseline: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """The smallest p that the plan can give, and where that is too large the same sentence. Raises UsageError."""
    pairs = [{cell.replicate[:2] for cell in plan.cells if cell.group == place} for place in range(len(plan.groups))]
    found = baselines([group.values for group in plan.groups], plan.keys, baseline)
    shared = [
        len(pairs[place] & pairs[other]) for place, other in enumerate(found) if other is not None and other != place
    ]
    sizes = [size for size in shared if size]
    smallest = statistics.holm([statistics.smallest_p(size, size) for size in sizes])
    if sizes:
        yield "smallest p after Holm's correction", p_text(min(smallest))
        yield from (("what that means", line) for line in _told(sizes, smallest, ties=False))


def _told(pairs: Sequence[int], smallest: Sequence[float], ties: bool) -> Iterator[str]:
    few = [place for place, p in enumerate(smallest) if p >= ALPHA]
    if few:
        sizes = Counter(pairs[place] for place in few)
        least, most = min(sizes), max(sizes)
        of = f"{most} pair{'s' * (most != 1)}" if least == most else f"{least} to {most} pairs"
        whole = _comparisons(len(smallest))
        whole = whole if len(few) == len(smallest) else f"{len(few)} of {whole}"
        needed = seeds_needed(len(smallest))
        way_out = "no number of seeds is enough" if needed is None else f"{needed} seeds are needed"
        yield (
            f"{whole} of {of}{' without a tie' * ties} cannot fall below p = "
            f"{p_text(min(smallest[place] for place in few))}; {way_out}{', and more where pairs are tied' * ties}."
        )


def seeds_needed(comparisons: int) -> int | None:
    """The fewest pairs with which the first of so many comparisons can be below .05; None where none are enough."""
    enough = (pairs for pairs in range(2, EXACT_PAIRS + 3) if comparisons * statistics.smallest_p(pairs, pairs) < ALPHA)
    return next(enough, None)


def _comparisons(number: int) -> str:
    return "1 comparison" if number == 1 else f"{number} comparisons"
