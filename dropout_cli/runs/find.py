"""Which run is meant: a path, a unique prefix of a run's name, or `latest`."""

from pathlib import Path

from dropout_cli.core.errors import UsageError
from dropout_cli.runs import safe_read
from dropout_cli.runs.folder import STATE, Run

LATEST = "latest"
"""The word for the run that was created last; a folder of that name is `./latest`."""

SWEEP, SEARCH = "plan.json", "search/study.db"
"""What the folders of a sweep and of a search have; that of a search becomes one of a sweep when it has ended."""


def all_runs(root: Path) -> list[Run]:
    """The run folders directly under `root`, in the order of their names; none where `root` does not exist."""
    try:
        return Run.all_in(root)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UsageError(str(root), f"cannot be read ({error.strerror})", "Name another with --runs-dir.") from None


def find(reference: str, root: Path) -> Run:
    """The run that `reference` means: a path, a unique prefix of a run's name, or `latest`, the one created last.

    Raises UsageError, also for a run of a newer format.
    """
    found = _meant(reference, root)
    found.must_be_known()
    return found


def _meant(reference: str, root: Path) -> Run:
    if not reference.strip():
        raise UsageError("RUN", "an empty name means no run", "`dropout runs` lists them.")
    path = Path(reference)
    if reference != LATEST and safe_read.is_file(path / STATE):
        return Run(path)
    runs = all_runs(root)
    if reference == LATEST and runs:
        return max(runs, key=lambda run: (run.created, run.name))
    matching = [run for run in runs if run.name == reference] or [run for run in runs if run.name.startswith(reference)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(run.name for run in matching[:4])
        raise UsageError(reference, f"{len(matching)} runs in {root} begin so ({names})", "Give more of the name.")
    if "\0" not in reference:
        for place in (path, root / reference):
            _refuse_others(place, reference)
    raise UsageError(reference, f"no such run in {root}", "`dropout runs` lists them.")


def _refuse_others(path: Path, reference: str) -> None:
    """Raise UsageError, and say what to do with it, where a folder is there, but is none of a run."""
    try:
        if (path / SWEEP).is_file():
            raise UsageError(reference, "is a sweep", f"Use compare, report, verify, or one of {path / 'cells'}/.")
        if (path / SEARCH).is_file():
            fact = "is a search that has not ended"
            raise UsageError(reference, fact, "The same `dropout tune` command goes on.")
        if path.is_dir() and reference != LATEST:
            raise UsageError(reference, "is a folder, but not that of a run", "`dropout runs` lists them.")
    except OSError:  # a name that is too long, for one
        return
