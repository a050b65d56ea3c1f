"""Settings of a sweep besides its plan: how runs are compared and trained."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from dropout_cli.metrics import DEFAULT_METRIC
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.records import Values
from dropout_cli.sweeps.until_sure.levels import PlannedLooks

OnError: TypeAlias = Literal["continue", "stop"]


@dataclass(frozen=True)
class ComparisonSettings:
    """How groups of runs are compared."""

    metric: str = DEFAULT_METRIC
    """The main metric; for regressions the default stands for `test.rmse`."""
    others: tuple[str, ...] = ()
    """Further metrics; the comparisons by all metrics are corrected together."""
    test: TestName = "t"
    """A permutation test in addition to the t test; `t`: none."""
    baseline: Values | None = None
    """Key -> value of the baseline; None: no dropout, else rate 0, else the first group."""
    margin: float | None = None
    """Differences smaller than this do not matter."""
    until: PlannedLooks | None = None
    """The looks at which a setting may end; None: all planned runs are trained."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics, each once, the main one first."""
        return tuple(dict.fromkeys((self.metric, *self.others)))


@dataclass(frozen=True)
class ExecutionSettings:
    """How the runs of a sweep are trained."""

    jobs: int | None = None
    """The number of runs that are trained at the same time on this machine; None: one per core."""
    scheduler: str | None = None
    """The address of the Dask scheduler whose workers train the runs; None: this machine trains them."""
    on_error: OnError = "continue"
    """Whether the sweep continues or stops after a failed run."""
    retry_failed: bool = False
    """Whether to train failed runs again."""
    figures: bool = True
    """Whether to draw figures."""
    may_replace: bool = False
    """Whether the plan may replace a stored plan that has no run in common with it."""
