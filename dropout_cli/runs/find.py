"""Find runs by a path, a unique beginning of a run's name, or `latest`."""

import re
from pathlib import Path

from dropout_cli.core.errors import UsageError
from dropout_cli.core.registry import did_you_mean
from dropout_cli.runs import safe_read
from dropout_cli.runs.folder import Run
from dropout_cli.runs.state import STATE

LATEST = "latest"
"""The word for the run that was created last; a folder of that name is written `./latest`."""

SWEEP_FILE, SEARCH_FILE = "plan.json", "search/study.db"
"""Files that identify the folder of a sweep and of an unfinished search."""


def all_runs(root: Path) -> list[Run]:
    """Return the run folders directly under `root`, sorted by name.

    The list is empty if `root` does not exist.

    Raises:
        UsageError: `root` cannot be read.
    """
    try:
        return Run.all_in(root)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UsageError(
            str(root), f"cannot be read ({error.strerror})", "Choose another folder with --runs-dir."
        ) from None


def find_run(reference: str, root: Path) -> Run:
    """Return the run that `reference` names.

    Args:
        reference: A path, a unique beginning of a run's name (with or without its time), or `latest` for the run that
            was created last.
        root: The folder in which names are looked up.

    Raises:
        UsageError: no run or several runs match, or the run has a newer format.
    """
    run = _lookup(reference, root)
    run.require_known_format()
    return run


def _lookup(reference: str, root: Path) -> Run:
    if not reference.strip():
        raise UsageError("RUN", "the name is empty", "`dropout runs` lists all runs.")
    path = Path(reference)
    if reference != LATEST and safe_read.file_exists(path / STATE):
        return Run(path)
    runs = all_runs(root)
    if reference == LATEST and runs:
        return max(runs, key=lambda run: (run.created, run.name))
    matching = (
        [run for run in runs if run.name == reference]
        or [run for run in runs if run.name.startswith(reference)]
        or [run for run in runs if _without_time(run.name).startswith(reference)]
    )
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(run.name for run in matching[:4])
        fact = f"the names of {len(matching)} runs in {root} begin with this ({names})"
        raise UsageError(reference, fact, "Give more of the name.")
    if "\0" not in reference:  # the system refuses paths with a NUL
        for place in (path, root / reference):
            _refuse_others(place, reference)
    if not runs:
        fact = f"no such run: {root} has no runs"
        raise UsageError(reference, fact, "Train one first, or give the folder of the runs.")
    hint = did_you_mean(reference, [LATEST, *(run.name for run in runs)])
    raise UsageError(reference, f"no such run in {root}", f"{hint} `dropout runs` lists all runs.".lstrip())


def _without_time(name: str) -> str:
    """Return the name of a run behind its time, where the name that a user gave begins."""
    time, _, rest = name.partition("_")
    return rest if re.fullmatch(r"\d{8}T\d{6}Z", time) else name


def _refuse_others(path: Path, reference: str) -> None:
    """Raise UsageError with advice if the folder exists but is not a run."""
    try:
        if (path / SWEEP_FILE).is_file():
            raise UsageError(
                reference,
                "is a sweep",
                f"Use show, compare, report, predict, effects, ensemble or verify, or name one of {path / 'cells'}/.",
            )
        if (path / SEARCH_FILE).is_file():
            fact = "is a search that has not ended"
            raise UsageError(reference, fact, "The same `dropout tune` command continues it.")
        if (path / "choices" / SWEEP_FILE).is_file():
            fact = "is a reproduction whose values are still being chosen"
            raise UsageError(reference, fact, "The same `dropout reproduce` command continues it.")
        if path.is_dir() and reference != LATEST:
            raise UsageError(reference, "is a folder, but not a run folder", "`dropout runs` lists all runs.")
    except OSError:  # for example, a name that is too long
        return
