"""A trial of a search while it runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from dropout_cli.sweeps.plan import Cell

if TYPE_CHECKING:
    from optuna.trial import Trial


@dataclass
class RunningTrial:
    """A trial with its runs."""

    trial: "Trial"
    cells: list[Cell]
    scores: list[float] = field(default_factory=list)
    """The values of the complete runs."""
    reported: int = 0
    """The number of epochs of the first run that were reported to Optuna."""
    process: BaseProcess | None = None

    @property
    def cell(self) -> Cell:
        """The run that is trained now."""
        return self.cells[len(self.scores)]

    def report(self, history: Sequence[float]) -> bool:
        """Report the epochs that are new in `history` to Optuna.

        Args:
            history: The value of each epoch of the first run.

        Returns:
            True if there are any.
        """
        new = range(self.reported, len(history))
        for epoch in new:
            self.trial.report(history[epoch], epoch + 1)
        # A run folder that is renamed at this moment is found under neither name, and its history looks empty. Its
        # epochs must not be reported again.
        self.reported = max(self.reported, len(history))
        return bool(new)
