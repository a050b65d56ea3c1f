"""A row of a published table, ready to be planned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dropout_cli.core.registry import UnknownName
from dropout_cli.metrics import METRICS, is_share, larger_is_better, metric_name
from dropout_cli.sweeps.axes import Setting
from dropout_cli.sweeps.reproduction.document import Better, Choices, PaperRow, Unit

Settings = tuple[Setting, ...]
SHARES = {name for name in map(metric_name, METRICS) if is_share(name)}


@dataclass(frozen=True)
class Row:
    """A row with its place in the file."""

    name: str
    place: str
    """The file, line and column of its name."""
    given: PaperRow
    settings: Settings
    grid: Mapping[str, list[tuple[Any, str]]]
    """Key -> the values to choose from, with their places."""
    metric: str
    unit: Unit
    better: Better

    @property
    def factor(self) -> float:
        """The factor between numbers of the summary and shown ones."""
        return 100.0 if self.unit == "percent" else 1.0

    @property
    def is_share(self) -> bool:
        """True for a known metric that is a share of the examples, of whichever section of the summary."""
        return self.metric.rpartition(".")[2] in SHARES


def known_direction(metric: str) -> Better:
    """Return which values of a metric are better; neither if the name is no metric."""
    try:
        return "higher" if larger_is_better(metric) else "lower"
    except UnknownName:
        return "neither"


def choices_direction(choices: Choices) -> Better:
    """Return which values of the deciding number are better; neither if that is not known."""
    return choices.better or known_direction(choices.by)
