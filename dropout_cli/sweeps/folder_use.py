"""The use of a folder for results: a sweep, a search or a run, and never two of them."""

import os

from dropout_cli.core.errors import UsageError
from dropout_cli.runs.find import SEARCH_FILE
from dropout_cli.runs.safe_read import file_exists
from dropout_cli.runs.state import STATE
from dropout_cli.sweeps.folder import PLAN, SweepFolder

TUNE_FILE = "tune.yaml"
"""The stored specification of a search, which makes a folder with a plan that of a search."""

RESULTS = ("results.csv", "summary.csv", "comparisons.csv", "notes.txt", "trials.csv", "published.csv")
"""Files with results, which are never written before the plan."""

DESIGN = "design"
"""The key in `plan.json` that only a study of the variance has."""


def refuse_other_use(folder: SweepFolder, *, search: bool, study: bool = False) -> None:
    """Raise UsageError if a folder contains results of another kind, which new results would replace.

    Args:
        folder: The folder for the results; it may not exist yet.
        search: True for a search, False for a sweep.
        study: True for a study of the variance, whose runs are those of a sweep.
    """
    is_search = folder.has(SEARCH_FILE)
    fact = ""
    if file_exists(folder.path):
        raise UsageError(str(folder.path), "is a file", "Give a folder with --out.")
    # Also a link or a pipe of that name, which is refused elsewhere.
    ours = any(os.path.lexists(folder.path / name) for name in (PLAN, SEARCH_FILE, TUNE_FILE))
    if folder.has(STATE):
        fact = "the folder contains a run"
    elif folder.has("study.db"):
        fact = "the folder contains the trials of a search"
    elif not search and (is_search or folder.has(TUNE_FILE)):
        fact = "the folder contains a search, not a sweep"
    elif search and not is_search and folder.has(TUNE_FILE):
        fact = f"the folder contains the results of a search without its trials ({SEARCH_FILE})"
    elif search and not is_search and folder.has(PLAN):
        fact = "the folder contains a sweep, not a search"
    elif folder.has(PLAN) and study != (DESIGN in (folder.plan() or {})):
        kinds = ("a sweep", "a study of the variance")
        fact = f"the folder contains {kinds[not study]}, not {kinds[study]}"
    elif not ours and (others := [name for name in RESULTS if folder.has(name)]):
        fact = f"the folder contains {others[0]} from elsewhere, which would be replaced"
    if fact:
        raise UsageError(str(folder.path), fact, "Choose another folder with --out.")
