"""`timings.csv`: the seconds of each epoch by phase, and the number of examples."""

from dropout_cli.core.errors import RunFailed
from dropout_cli.runs.folder import Run

TIMINGS = "timings.csv"
PHASE_COLUMNS = ("train_seconds", "evaluate_seconds", "save_seconds")
MAX_VALUE = 1e15
"""Above all seconds and counts of an epoch; the sum of more epochs than fit into memory is still finite."""


def read_timings(run: Run) -> dict[str, list[float]]:
    """Return the columns of `timings.csv`: `epoch`, `examples` and those of PHASE_COLUMNS.

    Raises:
        UsageError: The file cannot be read.
        RunFailed: It has other columns, or a value that is no count and no time.
    """
    columns = run.table(TIMINGS).columns()
    place = str(run.path / TIMINGS)
    if columns.keys() != {"epoch", "examples", *PHASE_COLUMNS}:
        raise RunFailed(place, "is damaged (it has other columns)", "Train again.")
    for name, values in columns.items():
        if not all(0 <= value < MAX_VALUE for value in values):  # also False for NaN
            raise RunFailed(place, f"is damaged ({name} has a value that is negative or not finite)", "Train again.")
    return columns
