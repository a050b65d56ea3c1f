"""The looks of a new sweep with `--until sure`, and checks of its settings."""

from collections.abc import Sequence
from dataclasses import replace

from dropout_cli.core.errors import ConfigError, UsageError
from dropout_cli.core.text import counted
from dropout_cli.statistics.sequential import LOOKS
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.plan import Cell, SweepPlan
from dropout_cli.sweeps.records import Values
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.stored_plan import StoredPlan
from dropout_cli.sweeps.until_sure.levels import PlannedLooks

PLACE = "until"
OTHER_FOLDER = "choose another folder with --out"


def comparison_with_looks(plan: SweepPlan, sweep: Sweep) -> ComparisonSettings:
    """Return how the runs are compared, with the looks of `--until sure` if the sweep has them.

    Args:
        plan: All runs up to the most seeds or splits.
        sweep: The specification.

    Raises:
        ConfigError: The settings or the layout do not allow looks.
        UsageError: No setting is the baseline.
    """
    if sweep.until is None:
        return sweep.comparison
    compared = _compared_settings(plan, sweep)
    _check_layouts(plan, sweep.until)
    comparisons = compared * len(sweep.comparison.metrics)
    return replace(sweep.comparison, until=PlannedLooks(looks_up_to(sweep.until), comparisons))


def looks_up_to(most: int) -> list[int]:
    """Return the usual looks below a number, and that number."""
    return [*(look for look in LOOKS if look < most), most]


def fewest_cells(plan: SweepPlan, looks: PlannedLooks) -> int:
    """Return the number of runs of the first look, after which a sweep may end."""
    return sum(len(cells) for units in _units(plan) for cells in units[: looks.looks[0]])


def _compared_settings(plan: SweepPlan, sweep: Sweep) -> int:
    """Return how many settings have a baseline; raise ConfigError if one has none."""
    if len(plan.groups) < 2:
        fact = "needs at least two settings to compare; this sweep has one"
        raise ConfigError(PLACE, fact, "Sweep a key, such as dropout.rate=0,0.3.")
    values = [group.values for group in plan.groups]
    bases = find_baselines(values, plan.keys, sweep.baseline)
    alone = sum(base is None for base in bases)
    if alone:
        fact = f"needs a baseline for each setting; {counted(alone, 'setting')} {'has' if alone == 1 else 'have'} none"
        raise ConfigError(PLACE, fact, "Give a setting that differs in one key with --baseline KEY=VALUE.")
    compared = sum(base != place for place, base in enumerate(bases))
    if not compared:
        fact = "needs a setting besides each baseline"
        raise ConfigError(PLACE, fact, "Sweep a key, such as dropout.rate=0,0.3.")
    return compared


def _units(plan: SweepPlan) -> list[list[list[Cell]]]:
    """Return for each setting the runs of each seed or split, in the order of training."""
    found: list[dict[tuple[int, ...], list[Cell]]] = [{} for _ in plan.groups]
    for cell in plan.cells:
        one = cell.replicate
        unit = (one.split_seed,) if isinstance(plan.splits, int) else (one.seed, one.split_seed)
        found[cell.group].setdefault(unit, []).append(cell)
    return [list(units.values()) for units in found]


def _check_layouts(plan: SweepPlan, most: int) -> None:
    """Raise ConfigError unless every setting has the same independent seeds or splits."""
    replicates = [[cell.replicate for cells in units for cell in cells] for units in _units(plan)]
    for index, its in enumerate(replicates):
        folds = max((cell.experiment.dataset.folds or 0 for cell in plan.cells if cell.group == index), default=0)
        layout = find_layout(its, folds)
        if layout.kind not in ("seeds", "splits", "nested") or len(layout.units) != most or its != replicates[0]:
            fact = "needs the same independent seeds or splits for every setting"
            raise ConfigError(PLACE, fact, "Do not sweep seeds, splits or folds.")


def refuse_changed_looks(plan: SweepPlan, comparison: ComparisonSettings, folder: SweepFolder) -> None:
    """Raise UsageError if runs of the folder were trained for other looks, or without looks.

    Args:
        plan: The new plan.
        comparison: How its runs are compared.
        folder: The folder, which may store another plan.
    """
    stored = stored_plan.read_plan(folder)
    if stored is None or (stored.until is None and comparison.until is None):
        return
    if not any(folder.has_manifest(cell.id) for cell in stored.cells):
        return
    place = str(folder.path)
    if comparison.until is None:
        fact = "the sweep began with --until sure, so its number of runs depends on its results"
        raise UsageError(place, fact, f"Give --until sure again, or {OTHER_FOLDER}.")
    if stored.until is None:
        fact = "the sweep began without --until sure, and its results may have been seen"
        raise UsageError(place, fact, f"Compare these runs with `dropout compare --any-time`, or {OTHER_FOLDER}.")
    for fact in _changes(plan, comparison, stored):
        way_out = f"Give the options of the first command, or {OTHER_FOLDER}."
        raise UsageError(place, f"{fact}, but results were already compared under the first plan", way_out)


def _changes(plan: SweepPlan, comparison: ComparisonSettings, stored: StoredPlan) -> Sequence[str]:
    """Return what differs from the stored plan."""
    before, now = stored.until, comparison.until
    assert before is not None and now is not None
    found = []
    if before.looks != now.looks:
        fact = f"the sweep was planned for at most {before.looks[-1]} seeds or splits, not {now.looks[-1]}"
        found.append(fact)
    if stored.margin != comparison.margin:
        names = ["none" if one is None else f"{one:g}" for one in (stored.margin, comparison.margin)]
        found.append(f"the margin was {names[0]}, now it is {names[1]}")
    if stored.comparison.metrics != comparison.metrics:
        found.append(f"the metrics were {', '.join(stored.comparison.metrics)}, now {', '.join(comparison.metrics)}")
    if {cell.id for cell in stored.cells} != {cell.id for cell in plan.cells}:
        found.append("the settings or their configs have changed")
    elif _bases([one.values for one in stored.groups], stored.keys, stored.baseline) != _bases(
        [one.values for one in plan.groups], plan.keys, comparison.baseline
    ):
        found.append("the baseline has changed")
    return [*found, *(["the correction has changed"] if before != now else [])]


def _bases(values: Sequence[Values], keys: Sequence[str], wanted: Values | None) -> list[Values | None]:
    """Return the values of the baseline of each setting."""
    return [None if base is None else values[base] for base in find_baselines(values, keys, wanted)]
