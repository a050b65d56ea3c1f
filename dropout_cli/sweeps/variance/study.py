"""A study of the variance: train the runs of its design, and write table, figure and sentences."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dropout_cli.plots.variance import ShareBar, variance_bars
from dropout_cli.plots.words import metric_words
from dropout_cli.runs.atomic_io import remove_file
from dropout_cli.sweeps import stored_plan, tables
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.folder_use import refuse_other_use
from dropout_cli.sweeps.plan import SweepPlan
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.run import SweepWatch, train_plan
from dropout_cli.sweeps.settings import ComparisonSettings, ExecutionSettings
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.stored_plan import StoredPlan
from dropout_cli.sweeps.variance.design import VarianceDesign
from dropout_cli.sweeps.variance.shares import VarianceShares, compute_shares, finding, sentences, shares_csv

TABLE, FIGURE, NOTES = "variance.csv", "variance.png", "notes.txt"


@dataclass(frozen=True)
class VarianceReport:
    """The result of a study."""

    shares: VarianceShares | None
    """None unless all runs are complete."""
    failures: Mapping[str, str]
    """Id of a run -> reason of its failure."""
    missing: int
    """Runs that were not trained, because the study stopped at an error."""


def run_variance(
    plan: SweepPlan,
    folder: SweepFolder,
    sweep: Sweep,
    design: VarianceDesign,
    execution: ExecutionSettings,
    *,
    watch: SweepWatch,
    notice: Callable[[str], None],
) -> VarianceReport:
    """Train the missing runs of a study, and write its table, figure and notes.

    The same call continues a study that was interrupted.

    Args:
        plan: All runs.
        folder: The folder of the study.
        sweep: The sweep of its runs.
        design: The levels and sources.
        execution: How the missing runs are trained.
        watch: Receives the progress.
        notice: Receives messages for the user.

    Raises:
        UsageError: The folder contains a sweep or a search, or a run does not have the metric.
        DropoutError: As `train_plan`.
    """
    refuse_other_use(folder, search=False, study=True)
    settings = ComparisonSettings(sweep.metric)
    with train_plan(
        plan, folder, sweep.text, settings, execution, watch=watch, notice=notice, base=sweep.base_text, design=design
    ) as its:
        stored = stored_plan.read_plan(folder)
        assert stored is not None
        for name, data in study_tables(its.records, stored).items():
            folder.write(name, data)
        found = compute_shares(its.records, design, sweep.metric)
        if found is None:  # those of an earlier design would not be those of these runs
            for name in (TABLE, FIGURE, NOTES):
                remove_file(folder.path_of(name))
        else:
            folder.write(NOTES, "".join(f"{line}\n" for line in sentences(found)).encode())
            if execution.figures:
                folder.write(FIGURE, draw_shares(found))
    return VarianceReport(found, its.failures, its.missing)


def study_tables(records: Sequence[RunRecord], plan: StoredPlan) -> dict[str, bytes]:
    """Return the tables of a study: every run, and the shares once all runs are complete.

    Args:
        records: The complete runs.
        plan: The stored plan, with a design.

    Raises:
        UsageError: A run does not have the metric.
    """
    assert plan.design is not None
    found = compute_shares(records, plan.design, plan.metric)
    made = {"results.csv": tables.results_csv(records, plan.keys)}
    return made if found is None else made | {TABLE: shares_csv(found)}


def draw_shares(found: VarianceShares) -> bytes:
    """Return the figure of the shares.

    Args:
        found: The shares.
    """
    bars = [ShareBar(one.name, one.part.share, *one.part.interval, bool(one.key)) for one in found.shares]
    subtitle = f"where the variance of {metric_words(found.metric)} comes from, {found.design.runs} runs"
    return variance_bars(bars, finding(found), subtitle)
