"""Measure suites of steps beside other frameworks, a bound, and no dropout."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dropout_cli.bench import matmul_bound
from dropout_cli.bench.case import BenchmarkCase, suite_cases
from dropout_cli.bench.competition import StepTimes, choose_competitors, measure_in_turns


@dataclass(frozen=True)
class CaseTiming:
    """Measured times of one case."""

    case: BenchmarkCase
    ours: StepTimes
    others: Mapping[str, StepTimes]
    products: StepTimes | None
    """Times of the matrix products alone; None if they are not known for this case."""

    @property
    def ratios(self) -> dict[str, float]:
        """Competitor -> its time / ours; above 1, we are faster."""
        return {name: other.ms / self.ours.ms for name, other in self.others.items()}

    @property
    def bound_share(self) -> float | None:
        """Time of the matrix products alone / time of the step."""
        return None if self.products is None else self.products.ms / self.ours.ms

    @property
    def gigaflops(self) -> float | None:
        """Operations of the matrix products per second of the whole step, in 10^9."""
        return None if self.products is None else matmul_bound.product_flops(self.case) / self.ours.ms / 1e6

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers for JSON."""
        samples = {"ours": self.ours, "products": self.products, **self.others}
        return {
            "case": self.case.as_dict(),
            "threads": self.case.threads,
            "milliseconds": {name: vars(sample) for name, sample in samples.items() if sample is not None},
            "ratios": self.ratios,
            "share_of_products": self.bound_share,
            "gigaflops": self.gigaflops,
        }


def measure_steps(
    name: str, against: Collection[str], *, rounds: int, seconds: float, watch: Callable[[str], None]
) -> list[CaseTiming]:
    """Measure every case of a suite.

    Args:
        name: A suite of STEP_SUITES.
        against: Names of other frameworks.
        rounds: How often each competitor is measured.
        seconds: Length of each measurement.
        watch: Receives a line per case, and a line for each competitor that is left out.

    Raises:
        UsageError: A framework is unknown, or its scripts are missing.
        RunFailed: A process ends without an answer.
    """
    chosen = choose_competitors(against)
    rows = []
    for case in suite_cases(name):
        watch(f"{name}: {case.name}")
        samples = measure_in_turns(case, chosen, rounds=rounds, seconds=seconds, watch=watch)
        # `products` is missing where the bound is not known.
        rows.append(CaseTiming(case, samples.pop("ours"), samples, samples.pop("products", None)))
    return rows


def step_table(rows: list[CaseTiming]) -> tuple[list[str], list[list[Any]]]:
    """Return headers and cells of a table for people; columns without any cell are left out."""
    names = list(dict.fromkeys(name for row in rows for name in row.others))
    without = next((row for row in rows if row.case.variant == "none"), None)
    headers = ["case", "threads", "ms", "low - high", *(f"{name} / ours" for name in names)]
    headers += ["share of the GEMM limit", "GFLOP/s", "MB", "/ none"]
    cells: list[list[Any]] = []
    for row in rows:
        line: list[Any] = [
            row.case.name,
            row.case.threads,
            round(row.ours.ms, 3),
            f"{row.ours.low:.3g} - {row.ours.high:.3g}",
        ]
        line += [_rounded(row.ratios.get(name)) for name in names]
        line += [_rounded(row.bound_share), _rounded(row.gigaflops, 0), round(row.ours.peak_bytes / 1e6)]
        # The last column compares only cases of one shape and one optimizer.
        same = (
            without is not None
            and without.case.widths == row.case.widths
            and without.case.optimizer == row.case.optimizer
        )
        cells.append([*line, _rounded(row.ours.ms / without.ours.ms) if without is not None and same else None])
    # A suite without other frameworks or without `none` has columns that stay empty.
    keep = [place for place in range(len(headers)) if any(line[place] is not None for line in cells)]
    return [headers[place] for place in keep], [[line[place] for place in keep] for line in cells]


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)
