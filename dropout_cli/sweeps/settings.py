"""The settings of a sweep beside its plan: how runs are compared, and how they are trained."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from dropout_cli.metrics import DEFAULT_METRIC
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.records import Values

OnError: TypeAlias = Literal["continue", "stop"]


@dataclass(frozen=True)
class ComparisonSettings:
    """How groups of runs are compared."""

    metric: str = DEFAULT_METRIC
    """The main metric; for regressions the default stands for `test.rmse`."""
    others: tuple[str, ...] = ()
    """Further metrics; the comparisons by all metrics are corrected together."""
    test: TestName = "t"
    """A permutation test beside the t test."""
    baseline: Values | None = None
    """Key -> value of the baseline; None: no dropout, else rate 0, else the first group."""
    margin: float | None = None
    """Differences smaller than this do not matter."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics, each once, the main one first."""
        return tuple(dict.fromkeys((self.metric, *self.others)))


@dataclass(frozen=True)
class ExecutionSettings:
    """How the runs of a sweep are trained."""

    jobs: int | None = None
    """Runs at a time on this machine; None: one per core."""
    scheduler: str | None = None
    """Address of the Dask scheduler whose workers train; None: this machine trains."""
    on_error: OnError = "continue"
    """Whether the sweep goes on after a failed run."""
    retry_failed: bool = False
    """Whether to train failed runs again."""
    figures: bool = True
    """Whether to draw figures."""
    may_replace: bool = False
    """Whether the plan may replace a stored plan with which it shares no run."""
