"""A trial of a search while it runs."""

import math
from collections.abc import Iterator, Sequence
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
    stored: frozenset[int] = frozenset()
    """The steps that the study has already, from a search that was killed during this trial."""
    scores: list[float] = field(default_factory=list)
    """The values of the complete runs."""
    reported: int = 0
    """The number of epochs of the first run that `new_epochs` has yielded."""
    process: BaseProcess | None = None

    @property
    def cell(self) -> Cell:
        """The run that is trained now."""
        return self.cells[len(self.scores)]

    def report(self, value: float, step: int) -> None:
        """Store a value in the study, unless it has one for this step."""
        # A killed search stored the same value, because a resumed run has the same bytes; Optuna warns of a second one.
        if step not in self.stored:
            self.trial.report(value, step)

    def new_epochs(self, history: Sequence[float], *, larger: bool) -> Iterator[tuple[int, float]]:
        """Store the epochs that are new in `history`; yield each with the best value up to it.

        The caller decides after every epoch if the trial goes on, and not after every look at the folder, so that the
        decision does not depend on how fast the machine is.

        Args:
            history: The value of each epoch of the first run.
            larger: True if a larger value is better.
        """
        # A run folder that is renamed at this moment is found under neither name, and its history looks empty. Its
        # epochs must not be reported again.
        while self.reported < len(history):
            self.reported += 1
            self.report(history[self.reported - 1], self.reported)
            known = [value for value in history[: self.reported] if not math.isnan(value)]
            yield self.reported, (max if larger else min)(known, default=math.nan)
