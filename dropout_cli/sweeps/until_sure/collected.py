"""Runs that `dropout compare` collects from sweeps with `--until sure`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SweepFolder, is_sweep_folder
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.until_sure.progress import SequentialProgress


@dataclass(frozen=True)
class EndingSweep:
    """A sweep with `--until sure` that is compared as it was planned."""

    settings: ComparisonSettings
    """How its plan compares the runs."""
    progress: SequentialProgress

    def counted(self, records: Sequence[RunRecord]) -> list[RunRecord]:
        """Return the runs that the looks so far have used."""
        return [record for record in records if record.name in self.progress.counted]


def find_ending_sweep(references: Sequence[str], by: Sequence[str]) -> EndingSweep | None:
    """Return the sweep with `--until sure` whose own looks apply; None if there is none.

    Args:
        references: Runs and sweeps; the looks apply only to a single sweep.
        by: The keys to group by; with them, the groups are not those of the plan.

    Raises:
        UsageError: The plan of a sweep is damaged.
    """
    if by or len(set(references)) != 1 or not is_sweep_folder(references[0]):
        return None
    folder = SweepFolder(Path(references[0]))
    records, plan = stored_plan.read_runs(folder)
    progress = plan.progress(records, stored_plan.read_failures(folder, plan))
    return None if progress is None else EndingSweep(plan.comparison, progress)


def stored_settings(references: Sequence[str], by: Sequence[str]) -> ComparisonSettings:
    """Return how the plan of a single sweep compares its runs; the defaults for other runs.

    Args:
        references: Runs and sweeps.
        by: The keys to group by; with them, the groups are not those of the plan.

    Raises:
        UsageError: The plan of the sweep is damaged.
    """
    if by or len(set(references)) != 1 or not is_sweep_folder(references[0]):
        return ComparisonSettings()
    plan = stored_plan.read_plan(SweepFolder(Path(references[0])))
    return ComparisonSettings() if plan is None else plan.comparison


def unplanned_notices(references: Sequence[str]) -> Iterator[str]:
    """Yield a notice for each sweep with looks that ordinary intervals ignore.

    Raises:
        UsageError: The plan of a sweep is damaged.
    """
    for reference in dict.fromkeys(references):
        plan = stored_plan.read_plan(SweepFolder(Path(reference))) if is_sweep_folder(reference) else None
        if plan is not None and plan.until is not None:
            yield (
                f"{reference}: its number of runs depends on its results (--until sure). The intervals do not account "
                "for that. Compare it alone and without --by, or add --any-time."
            )
