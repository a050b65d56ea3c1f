"""Estimate of the time and disk space of a sweep.

One or two epochs of a few runs are measured.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from dropout_cli.core import environment
from dropout_cli.core.text import format_duration
from dropout_cli.sweeps import power
from dropout_cli.sweeps.plan import Cell, SweepPlan
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.until_sure.plan import fewest_cells
from dropout_cli.training import loop, run, setup

MOST_PROBES = 6
"""The most settings of which a run is measured."""
PER_CELL = 0.1
"""Seconds that a run takes in addition to its epochs."""
PER_CELL_BYTES = 60_000
"""Bytes of a run folder in addition to checkpoints and predictions."""


def estimate_cost(
    plan: SweepPlan,
    jobs: int | None = None,
    comparison: ComparisonSettings | None = None,
    earlier: power.EarlierSpread | None = None,
) -> list[tuple[str, str | int]]:
    """Return rows with the size of a sweep, its estimated time and disk space, and its power.

    Nothing is written.

    Args:
        plan: The planned runs.
        jobs: Number of runs that are trained at the same time; None: one per core.
        comparison: How the settings are compared; None: by one metric with the default baseline.
        earlier: The spread of earlier runs in the folder, if there are any.

    Raises:
        Diverged: A measured run diverged.
        UsageError: No setting is the baseline.
    """
    comparison = comparison or ComparisonSettings()
    number, looks = len(comparison.metrics), comparison.until
    power_rows = power.power_of_plan(plan, comparison.baseline, earlier, metrics=number, looks=looks)
    fewest = len(plan.cells) if looks is None else fewest_cells(plan, looks)
    jobs = jobs or environment.available_cores()
    firsts = {cell.group: cell for cell in reversed(plan.cells)}
    probed = [firsts[group] for group in sorted(firsts)]
    # At most MOST_PROBES settings, evenly spaced in the list: a dry run should take seconds.
    probed = probed[:: max(1, -(-len(probed) // MOST_PROBES))]
    seconds, size = zip(*map(_probe, probed), strict=True)
    epochs = sum(cell.experiment.training.epochs for cell in plan.cells)
    # There are never more processes than runs.
    total = (sum(seconds) / len(seconds) * epochs + PER_CELL * len(plan.cells)) / min(jobs, len(plan.cells))
    space = sum(size) / len(size) * len(plan.cells)
    # The size, the time and the space of a sweep that ends by itself are those of all its looks.
    sizes = [("cells", len(plan.cells))]
    if looks is not None:
        sizes = [("fewest runs", fewest), ("most runs", len(plan.cells))]
    return [
        *sizes,
        ("groups", len(plan.groups)),
        ("combinations without a swept key", plan.skipped),
        ("combinations that are the same as another", plan.merged),
        ("epochs", epochs),
        ("jobs", jobs),
        *([("shortest time to expect", format_duration(total * fewest / len(plan.cells)))] if looks else []),
        ("time to expect", format_duration(total)),
        ("disk space to expect", f"{space / 1e6:.0f} MB"),
        *power_rows,
    ]


def _probe(cell: Cell) -> tuple[float, float]:
    """Return the seconds per epoch and the bytes of the run folder."""
    settings = cell.experiment.training
    prepared = run.prepare_run(replace(cell.experiment, training=replace(settings, epochs=2, early_stopping=None)))
    with setup.thread_limit(prepared.experiment):
        taken = list(_epochs(prepared))
    weights = sum(parameter.value.size for parameter in prepared.learner.network.parameters().values())
    # float32 weights and two moments; a run of more than 5 s keeps the checkpoint before the last one, too.
    checkpoint = 4 * weights * (3 + (settings.average is not None))
    copies = 1 + (settings.epochs * taken[-1] > 5) + (prepared.selection is not None)
    predictions = len(prepared.dataset.test) * (prepared.task.outputs * 4 + 16)
    return taken[-1], checkpoint * copies + predictions + PER_CELL_BYTES


def _epochs(prepared: setup.PreparedExperiment) -> Iterator[float]:
    """Yield the seconds of the first epoch, and of the second if the first is short."""
    targets = prepared.distillation.targets if prepared.distillation else None
    began = time.perf_counter()
    for event in loop.train_epochs(prepared.learner, prepared.dataset, prepared.experiment, prepared.task, targets):
        if isinstance(event, loop.EpochRecord):
            seconds, began = time.perf_counter() - began, time.perf_counter()
            yield seconds
            # Caches and allocations of the first steps do not matter in an epoch that takes more than a second.
            if seconds > 1:
                return
