"""Make the folders of the present format: `python -m tests.formats.make`.

Each lies in `tests/formats/N/`, N the format that this code writes; one that is there already is left alone, so that
the folders of a format are those that its own code wrote. A new format needs one run of this script, no more.

Everything is trained in PLACE, and deleted there afterwards: the paths of data files in a folder are the same
wherever the script ran, and lead nowhere on other machines. `test_formats` moves a copy to where the data are.

    table        classes of a CSV file, early stopping      interrupted  a run that ended in its second epoch
    regression   a mean and a variance for each number      diverged     a run that failed
    pictures     a folder of pictures for each class        sweep-*      finished, and interrupted within a cell
    averaged     batch normalization, averaged weights,     tune-small   a search, its finals, and fresh runs
                 what eval, eval --mc and effects add
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from dropout_cli import config
from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import Interrupted
from dropout_cli.runs import FORMAT, Run
from dropout_cli.sweeps import plan, run
from dropout_cli.sweeps.folder import SWEEP_FORMAT, Folder
from dropout_cli.sweeps.settings import ExecutionSettings
from dropout_cli.sweeps.sweep_file import load_sweep
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from dropout_cli.training.run import prepare_run, run_experiment
from tests.commands import dropout

HERE = Path(__file__).parent
PLACE = Path("/var/tmp/dropout-formats")
CONFIGS = PLACE / "configs"


def main() -> None:
    """Make what is not there yet."""
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
    """A run of the config of that name, to its end."""
    assert _dropout("train", str(CONFIGS / f"{path.name}.yaml"), "--no-plots", "--runs-dir", str(PLACE / "runs")) == 0
    _only_run().replace(path)


def followed(path: Path) -> None:
    """The same, with what later commands add."""
    trained(path)
    assert _dropout("eval", str(path), "--no-plots") == 0
    assert _dropout("eval", str(path), "--mc", "2", "--thinned", "1", "--split", "val", "--no-plots") == 0
    assert _dropout("effects", str(path), "--rates", "0,0.5", "--examples", "4") == 0


def diverged(path: Path) -> None:
    """A run that failed."""
    assert _dropout("train", str(CONFIGS / f"{path.name}.yaml"), "--no-plots", "--runs-dir", str(PLACE / "runs")) == 1
    _only_run().replace(path)


def interrupted(path: Path) -> None:
    """A run that Ctrl-C ended in its second epoch."""
    loaded = config.load(CONFIGS / "small.yaml", ["training.epochs=3"])
    stopped(loaded.experiment, Run.create_at(path), loaded.text)


def stopped(experiment: Experiment, folder: Run, text: bytes | None) -> None:
    """Train, and stop when the first epoch has ended."""

    def watch(event: TrainingProgress | EpochRecord) -> None:
        if isinstance(event, EpochRecord):
            raise KeyboardInterrupt

    _interrupted_by(lambda: run_experiment(prepare_run(experiment), folder, text, watch=watch, figures=False))


def finished_sweep(path: Path) -> None:
    """Four cells."""
    assert _dropout("sweep", str(CONFIGS / "sweep.yaml"), "--out", str(path), "--no-plots") == 0


def interrupted_sweep(path: Path) -> None:
    """Two cells are complete, one has ended its first epoch."""
    asked, folder = load_sweep(CONFIGS / "sweep.yaml"), Folder(path)
    planned = plan.make(asked)

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
    """Two trials of one seed, another seed for each in the finals, two fresh ones for the winner and the base."""
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
