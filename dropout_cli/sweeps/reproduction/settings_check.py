"""Settings of a reproduction that are checked before anything is trained."""

import math
from collections.abc import Sequence

from dropout_cli.config import Experiment
from dropout_cli.core.errors import UsageError
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.reproduction.design import TAUGHT, Chosen, design_choices, design_rows, learns_from_teacher
from dropout_cli.sweeps.reproduction.load import Reproduction
from dropout_cli.sweeps.reproduction.row import Row
from dropout_cli.training.monte_carlo import SUMMARY_KEY


def refuse_wrong_settings(reproduction: Reproduction, scale: str, rows: Sequence[Row]) -> None:
    """Plan one seed of everything, so that a mistake in a setting is found before anything is trained.

    Args:
        reproduction: The file.
        scale: The scale.
        rows: The rows to train.

    Raises:
        UsageError: A setting is wrong, or a row with a teacher has no objective that learns from one.
    """
    choices = design_choices(reproduction, scale, rows, 1)
    first: dict[str, list[Chosen]] = {}
    if choices is not None:
        _check_choices(reproduction, plan.make_plan(choices.sweep))
        for name, values in zip(choices.rows, choices.values, strict=True):
            first.setdefault(name, [Chosen(values, math.nan)])
    for row in rows:
        if row.given.teacher is not None and not learns_from_teacher(reproduction, scale, row):
            place = f"{row.place}: rows.{row.name}.teacher"
            raise UsageError(place, "needs an objective that learns from it", f"Set objective: {{name: {TAUGHT}}}.")
    alone = [row for row in rows if row.given.teacher is None]
    if any(row.given.same_runs is None for row in alone):
        design = design_rows(reproduction, scale, alone, 1, first, {})
        planned = plan.make_plan(design.sweep)
        experiments = {cell.id: cell.experiment for cell in planned.cells}
        of_rows = {
            name: experiments[ids[0]] for name, ids in zip(design.rows, planned.runs_of_points, strict=True) if ids
        }
        for row in alone:
            experiment = of_rows.get(row.given.same_runs or row.name)
            if experiment is not None:
                _check_passes(f"{row.place}: rows.{row.name}", row.metric, experiment)


def _check_choices(reproduction: Reproduction, planned: plan.SweepPlan) -> None:
    """Check that runs in which values are chosen have the number that decides."""
    choices = reproduction.document.choices
    assert choices is not None
    place = f"{reproduction.choices_place}: choices.by"
    for cell in planned.cells:
        # `auto` is only unresolved without a validation part.
        if cell.experiment.training.monitor == "auto":
            raise UsageError(place, "needs a validation part", "Set dataset.val_fraction above 0 in `set` of choices.")
        _check_passes(place, choices.by, cell.experiment)


def _check_passes(place: str, metric: str, experiment: Experiment) -> None:
    """Check that a number of Monte Carlo passes is one that the runs are scored with."""
    section, _, rest = metric.partition(".")
    count, counts = rest.partition(".")[0], experiment.training.mc_counts
    if section == SUMMARY_KEY and count not in map(str, counts):
        known = f"training.mc_passes is {', '.join(map(str, counts)) or 'null'}"
        raise UsageError(place, f"runs have no number {metric}, because {known}", f"Add {count} to training.mc_passes.")
