"""The shares of the variance from the complete runs of a study: numbers, table, CSV and sentences."""

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted, decimals
from dropout_cli.core.types import Array
from dropout_cli.metrics import DEFAULT_METRIC, csv_bytes
from dropout_cli.plots.words import metric_words
from dropout_cli.statistics.variance_components import VarianceShare, variance_components
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.variance.design import DEFAULT_LEVELS, LEVELS, SOURCE_NAMES, VarianceDesign

TOGETHER = "together (interactions)"
ALL = "all"
CSV_HEADERS = ("source", "key", "variance", "share", "low", "high", "sd")
TABLE_HEADERS = ("source", "share of the variance", "95 % interval", "standard deviation")


@dataclass(frozen=True)
class NamedShare:
    """The share of one source, or of all interactions."""

    name: str
    key: str
    """The key of its seed; empty for the interactions."""
    part: VarianceShare

    @property
    def sd(self) -> float:
        """The standard deviation in units of the metric."""
        return math.sqrt(self.part.variance)


@dataclass(frozen=True)
class VarianceShares:
    """The result of a study."""

    metric: str
    design: VarianceDesign
    shares: tuple[NamedShare, ...]
    """The sources in their order, and the interactions at the end."""

    @property
    def sd(self) -> float:
        """The standard deviation over all sources, in units of the metric."""
        return math.sqrt(sum(one.part.variance for one in self.shares))

    @property
    def interactions(self) -> NamedShare:
        """The share of all interactions together."""
        return self.shares[-1]

    def largest(self) -> NamedShare | None:
        """Return the largest share; None if all runs have the same result."""
        return max(self.shares, key=lambda one: one.part.share) if self.sd else None

    def stands_out(self) -> bool:
        """Return True if the interval of the largest share lies above all others."""
        first = self.largest()
        others = [one.part.interval.high for one in self.shares if one is not first]
        return first is not None and first.part.interval.low > max(others)


def compute_shares(records: Sequence[RunRecord], design: VarianceDesign, metric: str) -> VarianceShares | None:
    """Return the shares of the variance of a metric; None unless all runs of the design are complete.

    Args:
        records: The complete runs.
        design: The levels and sources.
        metric: The metric; for a regression, the default metric stands for `test.rmse`.

    Raises:
        UsageError: A run does not have the metric, or the runs do not have the seeds of the design.
    """
    if len(records) < design.runs:
        return None
    if metric == DEFAULT_METRIC and all("rmse" in (record.summary.get("test") or {}) for record in records):
        metric = "test.rmse"
    results = np.array([record.score(metric) for record in records])
    if np.isnan(results).any():
        raise UsageError("--metric", f"not every run has '{metric}'", "Choose another metric. No run is trained again.")
    found = variance_components(results, _levels(records, design))
    named = [NamedShare(SOURCE_NAMES[key], key, part) for key, part in zip(design.keys, found.sources, strict=True)]
    return VarianceShares(metric, design, (*named, NamedShare(TOGETHER, "", found.interactions)))


def _levels(records: Sequence[RunRecord], design: VarianceDesign) -> Array:
    """Return the level of each source in each run, (runs, sources); raise UsageError for another design."""
    # The folder may come from someone else, so any seed can be wrong.
    seeds = [[json.dumps(record.setting(key)) for key in design.keys] for record in records]
    levels = np.stack([np.unique(column, return_inverse=True)[1] for column in zip(*seeds, strict=True)], axis=1)
    pairs = [{*zip(one, other, strict=True)} for one, other in itertools.combinations(levels.T.tolist(), 2)]
    if len(records) != design.runs or levels.max() >= design.levels or any(len(one) < design.runs for one in pairs):
        raise UsageError(
            "the runs", "do not have the seeds of their design", "Run `dropout variance` again, with another --out."
        )
    return levels


def shares_csv(found: VarianceShares) -> bytes:
    """Return `variance.csv`: a row per source, the interactions, and the sum of all."""
    rows: list[tuple[Any, ...]] = [
        (one.name, one.key, one.part.variance, one.part.share, *one.part.interval, one.sd) for one in found.shares
    ]
    total = (ALL, "", found.sd**2, 1.0 if found.sd else math.nan, math.nan, math.nan, found.sd)
    # Where all runs have the same result, a share is not defined and its cell is empty.
    cells = [["" if cell != cell else cell for cell in row] for row in (*rows, total)]
    return csv_bytes([CSV_HEADERS, *cells])


def shares_table(found: VarianceShares) -> list[list[str]]:
    """Return the rows of the table with TABLE_HEADERS; the last one is the sum of all."""
    rows = [
        [one.name, format_share(one.part.share), format_shares(*one.part.interval), format_sd(one.sd)]
        for one in found.shares
    ]
    return [*rows, [ALL, format_share(1.0 if found.sd else math.nan), "", format_sd(found.sd)]]


def format_share(share: float) -> str:
    """Return a share in percent, empty for NaN."""
    return "" if math.isnan(share) else f"{decimals(100 * share, 0)} %"


def format_shares(low: float, high: float) -> str:
    """Return an interval of shares in percent, empty for NaN."""
    return "" if math.isnan(low) else f"{decimals(100 * low, 0)} to {decimals(100 * high, 0)} %"


def format_sd(sd: float) -> str:
    """Return a standard deviation with three significant digits."""
    return f"{sd:.3g}"


def finding(found: VarianceShares) -> str:
    """Return which source decides most of the spread, as a sentence without full stop."""
    first, name = found.largest(), metric_words(found.metric)
    if first is None:
        return f"All {found.design.runs} runs have the same {name}: there is no variance to divide"
    numbers = f"{format_share(first.part.share)} [{format_shares(*first.part.interval)}] of the variance of {name}"
    together = first is found.interactions
    named = "sources together (interactions)" if together else first.name
    several = together or named.endswith("weights")
    if found.stands_out():
        return f"The {named} {'dominate' if several else 'dominates'}: {numbers}"
    return f"No source clearly dominates. The {named} {'have' if several else 'has'} the largest share: {numbers}"


def sentences(found: VarianceShares) -> Iterator[str]:
    """Yield the sentences below the table."""
    yield f"{finding(found)}."
    if found.sd == 0:
        return
    yield f"The standard deviation of {metric_words(found.metric)} is {format_sd(found.sd)}, if all sources vary."
    share = format_share(found.interactions.part.share)
    yield (
        "Variances from varying one source at a time do not add up to the whole: each of them also contains "
        f"interactions with the fixed seeds of the other sources. All interactions together are {share} here."
    )
    yield (
        f"{counted(found.design.runs, 'run')}: {counted(found.design.levels, 'seed')} of each source; each pair of "
        "seeds of two sources occurs once. The intervals assume normal effects."
    )
    if found.design.levels < DEFAULT_LEVELS:
        yield (
            f"{found.design.levels} levels are a preview with wide intervals. "
            f"--levels {DEFAULT_LEVELS} is the default, --levels {LEVELS[-1]} is precise."
        )


def shares_dict(found: VarianceShares) -> dict[str, Any]:
    """Return the result for JSON; NaN becomes null."""

    def entry(one: NamedShare) -> dict[str, Any]:
        numbers = {"share": one.part.share, "low": one.part.interval.low, "high": one.part.interval.high}
        known = {name: None if math.isnan(value) else value for name, value in numbers.items()}
        return {"source": one.name, "key": one.key or None, **known, "variance": one.part.variance, "sd": one.sd}

    return {
        "metric": found.metric,
        "levels": found.design.levels,
        "runs": found.design.runs,
        "sources": [entry(one) for one in found.shares[:-1]],
        "interactions": entry(found.interactions),
        "sd": found.sd,
    }
