"""Short labels that tell several runs apart in figures and tables."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run, find_run
from dropout_cli.sweeps.collect import collect_runs
from dropout_cli.sweeps.records import setting_label


def label_runs(references: Sequence[str], root: Path) -> dict[str, Run]:
    """Return a label in words for each run.

    It has the settings in which the runs differ, and seed or name if that is not enough.

    Args:
        references: At least two runs, as `find_run` accepts them.
        root: The folder that holds the runs.

    Raises:
        UsageError: A run does not exist, is not complete, or is named twice.
    """
    runs = [find_run(reference, root) for reference in references]
    for run in runs:
        if run.status != "completed":
            fact = f"this run is {run.status}"
            raise UsageError(str(run.path), fact, "Complete it with `dropout resume`, or leave it out.")
    repeated = [path for path, count in Counter(run.path.resolve() for run in runs).items() if count > 1]
    if repeated:
        raise UsageError(str(repeated[0]), "this run is given twice", "Give each run once.")
    records, _, _ = collect_runs([str(run.path) for run in runs], root)
    labels = [setting_label(record.values) if any(record.values) else "" for record in records]
    for unit in ("seed", "run"):
        counts = Counter(labels)
        labels = [
            label if label and counts[label] == 1 else f"{label}, {text}".removeprefix(", ")
            for label, record in zip(labels, records, strict=True)
            for text in [f"seed {record.replicate.seed}" if unit == "seed" else f"run {record.name}"]
        ]
        if len(set(labels)) == len(labels):
            break
    return dict(zip(labels, runs, strict=True))
