"""Published and measured values side by side, with a verdict for each row and for each order.

    band = 2 sqrt(2 SE_test^2 + s^2 / n)

SE_test is the standard error of one network's error on the shared test part: sqrt(p (1 - p) / N) for a share, and
RMSE / sqrt(2 N) for a root mean squared error, whose errors are taken as normal. s is the standard deviation over the
n seeds. If every seed has its own published split, s contains the choice of the test part, and SE_test is left out. It
is also left out for other numbers, such as nll, of which it is not known.

A difference inside the band is `consistent`, or `underpowered` if the band is wider than the gain that the paper
claims, or than the published value itself if it claims none. A difference outside the band is `better` or `worse`,
however wide the band is.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.errors import UsageError
from dropout_cli.metrics import METRICS, metric_name
from dropout_cli.statistics import Interval
from dropout_cli.statistics.intervals import NO_INTERVAL
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.means import group_mean
from dropout_cli.sweeps.records import RunGroup, RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.reproduction.load import Reproduction
from dropout_cli.sweeps.reproduction.numbers import read_number
from dropout_cli.sweeps.reproduction.row import Row
from dropout_cli.sweeps.reproduction.stored import StoredReproduction, read_reproduction

CONSISTENT, UNDERPOWERED, ONE_RUN, NO_VALUE = "consistent", "underpowered", "one run", "no value"
NOT_RUN, NO_RESULT = "not run", "no result"
HOLDS, REVERSED, NOT_DECIDED = "holds", "reversed", "not decided"


@dataclass(frozen=True)
class MeasuredRow:
    """A row of the table; numbers are in the unit of the row."""

    row: Row
    n: int
    mean: float
    sd: float
    interval: Interval
    band: float
    gain: float | None
    """The gain that the paper claims; None if it compares the row with no other."""
    examples: int
    """Test examples of one run."""
    planned: int
    """The number of planned runs; 0 if the row is not trained."""
    complete: int
    """The number of complete runs."""

    @property
    def difference(self) -> float:
        """Measured minus published."""
        published = self.row.given.published
        return math.nan if published is None else self.mean - published

    @property
    def verdict(self) -> str:
        """The verdict about the published value."""
        if not self.n:
            return NO_RESULT if self.planned else NOT_RUN
        if self.row.given.published is None:
            return NO_VALUE
        if math.isnan(self.band):
            return ONE_RUN
        if abs(self.difference) <= self.band:
            gain = abs(self.row.given.published) if self.gain is None else self.gain
            return UNDERPOWERED if self.band > gain else CONSISTENT
        if self.row.better == "neither":
            return "differs"
        return "better" if (self.difference < 0) == (self.row.better == "lower") else "worse"

    @property
    def fails(self) -> bool:
        """True if a value that the file declares does not hold."""
        return self.verdict in ("worse", "differs") or self.is_above_limit

    @property
    def is_above_limit(self) -> bool:
        """True if the mean is above `at_most`."""
        limit = self.row.given.at_most
        return limit is not None and self.n > 0 and self.mean > limit


@dataclass(frozen=True)
class MeasuredOrder:
    """Two rows that the paper orders, and whether the order holds here."""

    first: Row
    """The better one in the paper."""
    second: Row
    pairs: int
    difference: float
    """First minus second."""
    interval: Interval
    """Corrected for the number of orders."""
    reason: str = ""
    """Why there is no interval."""

    @property
    def verdict(self) -> str:
        """The verdict about the order."""
        low, high = self.interval
        if math.isnan(low) or low <= 0 <= high:
            return NOT_DECIDED
        return HOLDS if (high < 0) == (self.first.better != "higher") else REVERSED


@dataclass(frozen=True)
class ReproducedTable:
    """All rows and orders of a reproduction, measured at one scale."""

    reproduction: Reproduction
    stored: StoredReproduction
    rows: tuple[MeasuredRow, ...]
    orders: tuple[MeasuredOrder, ...]
    complete: int
    planned: int

    @property
    def failures(self) -> list[str]:
        """The values and orders of the file that do not hold."""
        found = [f"row {one.row.name} {_failure(one)}" for one in self.rows if one.fails]
        return found + [
            f"the order {one.first.name}, {one.second.name} is reversed"
            for one in self.orders
            if one.verdict == REVERSED
        ]


def _failure(one: MeasuredRow) -> str:
    if one.is_above_limit:
        return f"has {one.mean:.4g}, which is above {one.row.given.at_most:g}"
    return "differs" if one.verdict == "differs" else f"is {one.verdict}"


def measure_folder(folder: SweepFolder) -> ReproducedTable:
    """Compare the runs of a reproduction with the published values.

    Raises:
        UsageError: The folder is damaged.
    """
    reproduction, stored = read_reproduction(folder)
    records, plan = stored_plan.read_runs(folder)
    by_id = {record.name: record for record in records}
    trained = {row.name for row in reproduction.trained_rows(stored.scale)}
    groups = {name: _group(ids, by_id) for name, ids in stored.runs.items()}
    groups |= {
        name: groups[row.given.same_runs]
        for name, row in reproduction.rows.items()
        if row.given.same_runs in groups and name in trained
    }
    values = {name: _values(reproduction.rows[name], group) for name, group in groups.items()}
    counts = {name: len(ids) for name, ids in stored.runs.items()}
    rows = tuple(
        _measure(reproduction, row, groups.get(name), values.get(name, {}), counts.get(row.given.same_runs or name, 0))
        for name, row in reproduction.rows.items()
    )
    pairs = dict.fromkeys(pair for order in reproduction.document.orders for pair in itertools.pairwise(order))
    # Pairs whose runs failed count, so that a failure does not make the other intervals narrower.
    trained_pairs = [pair for pair in pairs if all(name in groups for name in pair)]
    orders = tuple(
        _order(reproduction.rows[first], reproduction.rows[second], values, groups, len(trained_pairs))
        for first, second in trained_pairs
        if values[first] and values[second]
    )
    return ReproducedTable(reproduction, stored, rows, orders, len(records), len(plan.cells))


def _group(ids: Sequence[str], records: Mapping[str, RunRecord]) -> RunGroup:
    found: dict[Replicate, tuple[RunRecord, ...]] = {}
    for id in ids:
        if (record := records.get(id)) is not None:
            found[record.replicate] = (*found.get(record.replicate, ()), record)
    return RunGroup({}, found)


def _values(row: Row, group: RunGroup) -> dict[Replicate, float]:
    """Return replicate -> number in the unit of the row; runs without the number are left out."""
    found = {
        replicate: float(np.mean([read_number(record, row.metric) for record in its]))
        for replicate, its in group.records.items()
    }
    return {replicate: row.factor * value for replicate, value in found.items() if math.isfinite(value)}


def _measure(
    reproduction: Reproduction, row: Row, group: RunGroup | None, values: Mapping[Replicate, float], planned: int
) -> MeasuredRow:
    gain = _gain(reproduction, row)
    if group is None or not values:
        complete, runs = (0, 0) if group is None else (len(group.runs), planned)
        return MeasuredRow(row, 0, math.nan, math.nan, NO_INTERVAL, math.nan, gain, 0, runs, complete)
    numbers = list(values.values())
    mean, n = float(np.mean(numbers)), len(numbers)
    sd = float(np.std(numbers, ddof=1)) if n > 1 else math.nan
    layout = find_layout(values)
    if row.metric in METRICS:
        low, high = group_mean(group, row.metric).interval
        interval = Interval(row.factor * low, row.factor * high)
    else:
        interval = layout.estimate(values).interval()
    examples = max(record.examples("test") for record in group.runs)
    spread = sd if n > 1 else row.given.sd or math.nan
    shared = 0.0 if layout.splits_vary else _test_error(row, mean, examples)
    band = 2 * math.sqrt(2 * shared**2 + spread**2 / n)
    return MeasuredRow(row, n, mean, sd, interval, band, gain, examples, planned, len(group.runs))


def has_test_error(row: Row) -> bool:
    """Return True if the standard error from the size of the test part is known: for shares and the RMSE."""
    return row.is_share or metric_name(row.metric) == "rmse"


def _test_error(row: Row, mean: float, examples: int) -> float:
    """Return the standard error of a share or RMSE on the test part, in its unit; 0 for others."""
    if not examples:
        return 0.0
    if metric_name(row.metric) == "rmse":
        return abs(mean) / math.sqrt(2 * examples)
    if not row.is_share:
        return 0.0
    p = min(max(mean / row.factor, 0.0), 1.0)
    return row.factor * math.sqrt(p * (1 - p) / examples)


def _gain(reproduction: Reproduction, row: Row) -> float | None:
    """Return the gain that the paper claims for a row; for the reference, the largest gain over it."""
    rows = reproduction.rows
    reference = row.given.against or reproduction.document.reference

    def gain(one: Row, other: Row) -> float | None:
        if one.metric != other.metric or one.given.published is None or other.given.published is None:
            return None
        return abs(one.given.published - other.given.published)

    if reference is None:
        return None
    if reference != row.name:
        return gain(row, rows[reference])
    gains = [
        found
        for one in rows.values()
        if one.name != row.name
        and (one.given.against or reproduction.document.reference) == row.name
        and (found := gain(one, row)) is not None
    ]
    return max(gains, default=None)


def _order(
    first: Row,
    second: Row,
    values: Mapping[str, Mapping[Replicate, float]],
    groups: Mapping[str, RunGroup],
    comparisons: int,
) -> MeasuredOrder:
    if first.factor != second.factor:
        raise UsageError(
            "orders", f"'{first.name}' and '{second.name}' have different units", "Order rows of the same unit."
        )
    ours, theirs = values[first.name], values[second.name]
    by_pair = {replicate: ours[replicate] - theirs[replicate] for replicate in ours if replicate in theirs}
    if not by_pair:
        return MeasuredOrder(first, second, 0, math.nan, NO_INTERVAL, "no seed and split in common")
    layout = find_layout(by_pair)
    step = first.factor / max(1, max(record.examples("test") for record in groups[first.name].runs))
    estimate = layout.estimate(by_pair, step=step if first.is_share else 0.0)
    mean = float(np.mean(list(by_pair.values())))
    interval = NO_INTERVAL if layout.refused else estimate.interval(comparisons=comparisons)
    return MeasuredOrder(first, second, len(by_pair), mean, interval, layout.refused)
