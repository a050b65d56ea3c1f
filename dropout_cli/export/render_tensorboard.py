"""The format `tensorboard`: a run, or the runs of a sweep with its figures, as files of TensorBoard."""

from collections.abc import Mapping, Sequence

from dropout_cli.core.errors import UsageError
from dropout_cli.export.tensorboard_events import (
    final_scores,
    hyperparameters,
    image_value,
    pack_events,
    run_events,
)
from dropout_cli.runs import Run
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.records import differing_keys
from dropout_cli.sweeps.stored_plan import read_plan
from dropout_cli.training.tensorboard_log import EVENT_FILE, require_tensorboard


def run_files_for_tensorboard(run: Run, checkpoint: str | None = None) -> dict[str, bytes]:
    """Return the file of a run, by name.

    Args:
        run: The run.
        checkpoint: The checkpoint for the histograms: `best` or `last`; None: the evaluated one.

    Raises:
        UsageError: The package tensorboard is not installed, or the run has no checkpoint.
        RunFailed: A file of the run is damaged.
    """
    require_tensorboard("--format tensorboard")
    return {EVENT_FILE: pack_events(run_events(run, checkpoint), run.created / 1e9)}


def sweep_files_for_tensorboard(folder: SweepFolder, checkpoint: str | None = None) -> dict[str, bytes]:
    """Return the files of a sweep, by name: one in a folder per complete run, and one of the sweep.

    Args:
        folder: The folder of the sweep.
        checkpoint: The checkpoint for the histograms: `best` or `last`; None: the evaluated one of each run.

    Raises:
        UsageError: The package tensorboard is not installed, or no run is complete.
        RunFailed: A file of a run is damaged.
    """
    require_tensorboard("--format tensorboard")
    plan = read_plan(folder)
    runs = {cell.id: Run(folder.cell(cell.id)) for cell in (plan.cells if plan else ()) if folder.is_complete(cell.id)}
    if not runs:
        raise UsageError(str(folder.path), "has no complete run", "Continue the sweep first.")
    keys = [*differing_keys([hyperparameters(run, None) for run in runs.values()]), "seed"]
    files = {
        f"{id}/{EVENT_FILE}": pack_events(run_events(run, checkpoint, keys), run.created / 1e9)
        for id, run in runs.items()
    }
    return files | {EVENT_FILE: _sweep_file(folder, runs, keys)}


def _sweep_file(folder: SweepFolder, runs: Mapping[str, Run], keys: Sequence[str]) -> bytes:
    """Return the file with the figures of a sweep, and the list of its hyperparameters and metrics."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import summary_v2 as hparams

    start = max(run.created for run in runs.values()) / 1e9
    first = next(iter(runs.values()))
    metrics = [hparams.Metric(name) for name, _ in final_scores(first.summary())]
    shown = [hyperparameters(run, keys) for run in runs.values()]
    columns = {key: sorted({one[key] for one in shown if key in one}, key=str) for key in keys}
    # A domain has values of one type, from which TensorBoard makes its filters.
    domains = {
        key: hparams.Discrete(values) if len(set(map(type, values))) == 1 else None for key, values in columns.items()
    }
    known = hparams.hparams_config_pb(
        [hparams.HParam(key, domain) for key, domain in domains.items()], metrics, time_created_secs=start
    )
    figures = [image_value(path.stem, folder.read(path.name)) for path in sorted(folder.path.glob("*.png"))]
    events = [Event(wall_time=start, summary=known)]
    events += [Event(wall_time=start, summary=Summary(value=[figure])) for figure in figures]
    return pack_events(events, start)
