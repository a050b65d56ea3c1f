"""Create the run and sweep folders of the current format: `python -m tests.formats.make`.

They are written to `tests/formats/N/`, where N is the format that this code writes. Existing folders are kept, so that
the folders of a format are always those of the code that introduced it. A new format needs one run of this script.

Everything is trained in PLACE and deleted there afterwards. So the paths of data files in the folders are the same on
every machine, and exist on none. `test_formats` moves a copy to the data.

    table        classes of a CSV file, early stopping      interrupted  a run that ended in its second epoch
    regression   a mean and a variance for each number      diverged     a run that failed
    pictures     a folder of pictures for each class        sweep-*      finished, and interrupted within a run
    averaged     batch normalization, averaged weights,     tune-small   a search, its finals, and fresh runs
                 with results of eval, eval --mc and effects
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from dropout_cli import config
from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import Interrupted
from dropout_cli.runs import FORMAT, Run
from dropout_cli.sweeps import plan, run
from dropout_cli.sweeps.folder import SWEEP_FORMAT, SweepFolder
from dropout_cli.sweeps.settings import ExecutionSettings
from dropout_cli.sweeps.sweep_file import load_sweep
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from dropout_cli.training.run import prepare_run, run_experiment
from tests.commands import dropout

HERE = Path(__file__).parent
PLACE = Path("/var/tmp/dropout-formats")
CONFIGS = PLACE / "configs"


def main() -> None:
    """Create the folders that do not exist yet."""
    shutil.rmtree(PLACE, ignore_errors=True)
    for name in ("configs", "data"):
        shutil.copytree(HERE / name, PLACE / name)
    try:
        for name, made in FOLDERS.items():
            kept = HERE / str(SWEEP_FORMAT if name in SWEEPS else FORMAT)
            if not (kept / name).exists():
                made(PLACE / "made" / name)
                shutil.copytree(PLACE / "made" / name, kept / name, ignore=shutil.ignore_patterns(".lock"))
    finally:
        shutil.rmtree(PLACE)


def trained(path: Path) -> None:
    """Train the config of that name, and return the complete run."""
    assert _dropout("train", str(CONFIGS / f"{path.name}.yaml"), "--no-plots", "--runs-dir", str(PLACE / "runs")) == 0
    _only_run().replace(path)


def followed(path: Path) -> None:
    """Train a run, and add the results of later commands."""
    trained(path)
    assert _dropout("eval", str(path), "--no-plots") == 0
    assert _dropout("eval", str(path), "--mc", "2", "--thinned", "1", "--split", "val", "--no-plots") == 0
    assert _dropout("effects", str(path), "--rates", "0,0.5", "--examples", "4") == 0


def diverged(path: Path) -> None:
    """Create a run that failed."""
    assert _dropout("train", str(CONFIGS / f"{path.name}.yaml"), "--no-plots", "--runs-dir", str(PLACE / "runs")) == 1
    _only_run().replace(path)


def interrupted(path: Path) -> None:
    """Create a run that Ctrl-C ended in its second epoch."""
    loaded = config.load_config(CONFIGS / "small.yaml", ["training.epochs=3"])
    stopped(loaded.experiment, Run.create_at(path), loaded.text)


def stopped(experiment: Experiment, folder: Run, text: bytes | None) -> None:
    """Train a run, and stop it at the end of its first epoch."""

    def watch(event: TrainingProgress | EpochRecord) -> None:
        if isinstance(event, EpochRecord):
            raise KeyboardInterrupt

    _interrupted_by(lambda: run_experiment(prepare_run(experiment), folder, text, watch=watch, figures=False))


def finished_sweep(path: Path) -> None:
    """Create a sweep of four runs."""
    assert _dropout("sweep", str(CONFIGS / "sweep.yaml"), "--out", str(path), "--no-plots") == 0


def interrupted_sweep(path: Path) -> None:
    """Create a sweep with two complete runs, and one that ended after its first epoch."""
    asked, folder = load_sweep(CONFIGS / "sweep.yaml"), SweepFolder(path)
    planned = plan.make_plan(asked)

    def watch(progress: run.SweepProgress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    execution = ExecutionSettings(jobs=1)
    _interrupted_by(
        lambda: run.run_sweep(planned, folder, asked.text, asked.comparison, execution, watch=watch, notice=print)
    )
    third = planned.cells[2]
    stopped(third.experiment, Run.create_at(folder.partial(third.id)), None)


def search(path: Path) -> None:
    """Create a search with finals and fresh runs.

    It has two trials with one seed, one more seed in the finals, and two fresh seeds for winner and base.
    """
    assert _dropout("tune", str(CONFIGS / "tune.yaml"), "--out", str(path), "--no-plots") == 0


FOLDERS = {
    "table": trained,
    "regression": trained,
    "pictures": trained,
    "averaged": followed,
    "diverged": diverged,
    "interrupted": interrupted,
    "sweep-finished": finished_sweep,
    "sweep-interrupted": interrupted_sweep,
    "tune-small": search,
}


SWEEPS = ("sweep-finished", "sweep-interrupted", "tune-small")
"""The folders whose format is that of sweeps."""


def _dropout(*arguments: str) -> int:
    (PLACE / "made").mkdir(exist_ok=True)
    done = dropout(*arguments, cwd=PLACE)
    print(arguments, done.returncode, done.stderr[-300:])  # noqa: T201
    return done.returncode


def _only_run() -> Path:
    (found,) = (PLACE / "runs").iterdir()
    return found


def _interrupted_by(action: Callable[[], object]) -> None:
    try:
        action()
    except Interrupted:
        return
    raise AssertionError("was not interrupted")


if __name__ == "__main__":
    main()
