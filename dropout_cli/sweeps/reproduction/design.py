"""The sweeps of a reproduction: one to choose hyperparameters, and one with the rows of the table."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dropout_cli import config
from dropout_cli.metrics import DEFAULT_METRIC, METRICS
from dropout_cli.objectives import OBJECTIVES
from dropout_cli.sweeps.axes import Axes, Point, Setting
from dropout_cli.sweeps.document import REPEATS, TRIALS
from dropout_cli.sweeps.replicates import SAME, SEED, SPLIT_SEED, Replicate, Splits, lay_out
from dropout_cli.sweeps.reproduction.load import Reproduction
from dropout_cli.sweeps.reproduction.row import Row
from dropout_cli.sweeps.spec import Sweep

CHOICES = "choices"
"""The folder of the sweep in which hyperparameters are chosen."""
TAUGHT = "distillation"
"""The objective that learns from a teacher."""


@dataclass(frozen=True)
class Design:
    """A sweep, and the row and the chosen values of each of its points."""

    sweep: Sweep
    rows: tuple[str, ...]
    """The row of each point."""
    values: tuple[Mapping[str, Any], ...]
    """Key -> the value that is chosen or could be chosen, for each point."""


@dataclass(frozen=True)
class Chosen:
    """The values that were chosen for a row, or for one replicate of it."""

    values: Mapping[str, Any]
    score: float
    """The number of the validation part that decided."""
    replicate: Replicate | None = None
    """The seed and split; None: the choice is for all."""


def merge_settings(*layers: Iterable[Setting]) -> Point:
    """Return the settings of all layers; a later one replaces its key, and all keys below it."""
    found: dict[str, Setting] = {}
    for one in itertools.chain(*layers):
        found = {key: old for key, old in found.items() if key != one.key and not key.startswith(f"{one.key}.")}
        found[one.key] = one
    return tuple(found.values())


def replicates_of(reproduction: Reproduction, seeds: int) -> list[Replicate]:
    """Return the seeds and splits of every row."""
    return lay_out(reproduction.document.splits, range(seeds))


def design_choices(reproduction: Reproduction, scale: str, rows: Sequence[Row], seeds: int) -> Design | None:
    """Return the sweep in which hyperparameters are chosen; None if there is nothing to choose.

    Args:
        reproduction: The file.
        scale: The scale.
        rows: The rows that are trained.
        seeds: The number of seeds of the final runs, of which a choice per replicate needs all.
    """
    choices = reproduction.document.choices
    if choices is None or not reproduction.scales[scale].choose:
        return None
    points, names, values = [], [], []
    for row in rows:
        grid = {**reproduction.choice_grid, **row.grid}
        if row.given.teacher or row.given.same_runs or not grid:
            continue
        for combination in itertools.product(*grid.values()):
            chosen = [Setting(key, *one) for key, one in zip(grid, combination, strict=True)]
            points.append(merge_settings(_layers(reproduction, scale, row), chosen, reproduction.choice_settings))
            names.append(row.name)
            values.append({one.key: one.value for one in chosen})
    if not points:
        return None
    count = seeds if choices.per == "replicate" else choices.seeds
    return Design(_sweep(reproduction, points, count, f"{reproduction.name}-{CHOICES}"), tuple(names), tuple(values))


def design_rows(
    reproduction: Reproduction,
    scale: str,
    rows: Sequence[Row],
    seeds: int,
    chosen: Mapping[str, Sequence[Chosen]],
    teachers: Mapping[str, str],
) -> Design:
    """Return the sweep of the rows.

    Args:
        reproduction: The file.
        scale: The scale.
        rows: The rows to train.
        seeds: The number of seeds.
        chosen: Row -> what was chosen for it.
        teachers: Row -> the folder of its teacher.
    """
    points, names, values = [], [], []
    apart = any(one.replicate is not None for its in chosen.values() for one in its)
    for row in rows:
        if row.given.same_runs:
            continue
        taught = [Setting("objective.teacher", teachers[row.name], row.name)] if row.name in teachers else []
        its: Sequence[Chosen | None] = chosen.get(row.name) or [None]
        for one in its:
            picked = {} if one is None else one.values
            layers = [*_layers(reproduction, scale, row), *taught]
            layers += [Setting(key, value, CHOICES) for key, value in picked.items()]
            # With a choice for each replicate, each point is one run, and so sets its seed and split.
            wanted = [one.replicate] if one is not None and one.replicate else [None]
            if apart and wanted == [None]:
                wanted = list(replicates_of(reproduction, seeds))
            for replicate in wanted:
                own = [] if replicate is None else _of_replicate(replicate)
                points.append(merge_settings(layers, own))
                names.append(row.name)
                values.append(picked)
    splits = SAME if apart else reproduction.document.splits
    sweep = _sweep(reproduction, points, 1 if apart else seeds, reproduction.name, splits)
    return Design(sweep, tuple(names), tuple(values))


def learns_from_teacher(reproduction: Reproduction, scale: str, row: Row) -> bool:
    """Return True if the objective of a row is that of a student."""
    for one in reversed(_layers(reproduction, scale, row)):
        if one.key == "objective.name":
            return bool(one.value == TAUGHT)
        if one.key == "objective":
            return (one.value.get("name") if isinstance(one.value, Mapping) else one.value) == TAUGHT
    return isinstance(config.load_config(reproduction.base).experiment.objective, OBJECTIVES[TAUGHT])


def _of_replicate(replicate: Replicate) -> list[Setting]:
    return [Setting(SEED, replicate.seed, SEED), Setting(SPLIT_SEED, replicate.split_seed, SPLIT_SEED)]


def _layers(reproduction: Reproduction, scale: str, row: Row) -> Point:
    return merge_settings(reproduction.settings, reproduction.scale_settings[scale], row.settings)


def _sweep(
    reproduction: Reproduction, points: Sequence[Point], seeds: int, name: str, splits: Splits | None = None
) -> Sweep:
    document = reproduction.document
    metric = document.metric if document.metric in METRICS else DEFAULT_METRIC
    settings = [{one.key: one.value for one in point} for point in points]
    written = {"base": str(reproduction.base.resolve()), "settings": settings, "seeds": seeds, "metric": metric}
    return Sweep(
        base=reproduction.base,
        points=tuple(points),
        seeds=tuple(range(seeds)),
        splits=splits or document.splits,
        baseline=None,
        metric=metric,
        metrics=(),
        test="t",
        margin=None,
        axes=Axes((), {}, tuple(points), {}),
        trials=TRIALS,
        repeats=REPEATS,
        written=written,
        folder=reproduction.folder,
        name=name,
    )
