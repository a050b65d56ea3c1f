"""A search, its finals, and what the winner is worth: it is trained again, beside the config as it stands.

The best of many trials looks better than it is, for it was chosen for what chance added to it, too. Seeds that the
search has not seen say what is left of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dropout_cli.core import environment
from dropout_cli.core.errors import Interrupted, RunFailed, StopRequest, UsageError
from dropout_cli.core.text import counted, decimals
from dropout_cli.metrics import DEFAULT_METRIC, csv_bytes, larger_is_better, metric_name
from dropout_cli.sweeps import layout_choice, plan, run, tables
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.plan_changes import layout_messages
from dropout_cli.sweeps.replicates import EACH, SAME, Splits
from dropout_cli.sweeps.settings import ComparisonSettings, ExecutionSettings
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.tuning.finals import Winner, select_winner
from dropout_cli.sweeps.tuning.search import SearchResult, SearchWatch, run_search
from dropout_cli.sweeps.tuning.study import EPOCHS, FAILURE, SECONDS, SETTINGS, VALUES
from dropout_cli.sweeps.wording import format_interval, format_short

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

FILE, MESSAGES, TRIALS, FINALS = "tune.yaml", "search.txt", "trials.csv", "finals"
"""In the folder, beside what a sweep writes: what was asked for, what was found, every trial, and the finals."""


@dataclass(frozen=True)
class TuneResult:
    """The result of a search and of its fresh runs."""

    report: run.SweepReport
    winner: dict[str, Any]
    """Key -> value."""
    messages: list[str]
    """Lines of one or two sentences."""


def run_tuning(
    sweep: Sweep,
    folder: SweepFolder,
    execution: ExecutionSettings,
    *,
    watch_search: SearchWatch,
    watch: run.SweepWatch,
    notice: run.Notice,
) -> TuneResult:
    """Search, and compare the winner with the config as it stands over fresh seeds.

    The search is on one split of the data; the finals and the fresh runs are on the splits of the sweep's layout.
    `search/` in the folder holds the study and the runs of the search, `finals/` the sweep among its best. The same
    call continues a search that was interrupted.

    Args:
        sweep: The space to search, and the number of fresh seeds.
        folder: Where the search is kept.
        execution: How runs are trained.
        watch_search: Receives the progress of the search.
        watch: Receives the progress of finals and fresh runs.
        notice: Receives messages for the user.

    Raises:
        UsageError: There is nothing to search or to validate on, or the folder stores another search.
        RunFailed: No trial came to its end, or the folder cannot be written.
        Interrupted: The search was interrupted.
    """
    execution = replace(execution, jobs=execution.jobs or environment.available_cores())
    finals = SweepFolder(folder.path / FINALS)
    sweep = layout_choice.keep_layout(
        sweep, folder, finals
    )  # a plan of a newer format is refused before anything is written
    sweep, fixed = _with_task_metric(sweep)
    text, notice = sweep.with_splits(fixed.splits).text, _once(notice)
    for line in layout_messages(fixed, folder, finals):
        notice(line)
    sweep = replace(sweep, begun=None)  # its message is out
    found = _search(sweep, folder, execution, watch_search)
    complete = _complete(found.trials, folder)
    folder.write(TRIALS, _table(found.trials))
    winner = select_winner(complete, sweep, finals, text, execution, watch=watch, notice=notice)
    planned = plan.make_plan(replace(sweep, points=(sweep.axes.fixed, winner.point), first=winner.seeds))
    comparison = ComparisonSettings(sweep.metric, baseline=planned.groups[0].values, margin=sweep.margin)
    execution = replace(execution, may_replace=True)  # another trial may win when a search goes on
    report = run.run_sweep(planned, folder, text, comparison, execution, watch=watch, notice=notice, file=FILE)
    messages = [
        *_search_messages(found, winner, sweep),
        *_fresh_messages(winner, sweep, planned, report.evidence),
    ]
    folder.write(MESSAGES, "".join(f"{line}\n" for line in messages).encode())
    return TuneResult(report, {setting.key: setting.value for setting in winner.point}, messages)


def _search(sweep: Sweep, folder: SweepFolder, execution: ExecutionSettings, watch: SearchWatch) -> SearchResult:
    """Search on one split; raise Interrupted with the tune folder as its place."""
    assert execution.jobs is not None
    try:
        return run_search(replace(sweep, splits=SAME), SweepFolder(folder.path / "search"), execution.jobs, watch)
    except (StopRequest, KeyboardInterrupt) as stop:
        raise Interrupted.from_stop(
            stop, str(folder.path), "the search was interrupted", "The same command goes on"
        ) from None


def _once(notice: run.Notice) -> run.Notice:
    """Return a function that passes each line on once."""
    seen = set[str]()

    def notice_once(line: str) -> None:
        if line not in seen:
            seen.add(line)
            notice(line)

    return notice_once


def _with_task_metric(sweep: Sweep) -> tuple[Sweep, plan.SweepPlan]:
    """Return the sweep with the metric of its task, and the plan of its fixed point.

    Raises UsageError without a choice, or without a part to validate on.
    """
    planned = plan.make_plan(replace(sweep, points=(sweep.axes.fixed,), seeds=(0,)))
    resolved = planned.cells[0].experiment
    if not sweep.axes.leaves_a_choice():
        way_out = "Give a key several values, such as dropout.rate=0,0.3 or 'dropout.rate={uniform: [0, 0.6]}'."
        raise UsageError(str(sweep.base), "nothing to search: there is a single point", way_out)
    if resolved.training.monitor == "auto":
        raise UsageError("dataset.val_fraction", "a search needs examples to validate on", "Give it a part of them.")
    of_errors = sweep.metric == DEFAULT_METRIC and resolved.objective.task == "regression"
    return replace(sweep, metric="test.rmse") if of_errors else sweep, planned


def _complete(trials: "Sequence[FrozenTrial]", folder: SweepFolder) -> "list[FrozenTrial]":
    """Return those that came to their end, by number, so that ties do not depend on which ended first.

    Raises RunFailed without any.
    """
    complete = sorted((one for one in trials if one.state.name == "COMPLETE"), key=lambda one: one.number)
    if not complete:
        reasons = [one.user_attrs[FAILURE] for one in trials if FAILURE in one.user_attrs]
        raise RunFailed(str(folder.path), "no trial came to its end", "; ".join(reasons[:1]))
    return complete


def _table(trials: "Sequence[FrozenTrial]") -> bytes:
    """Write a row per trial: number, how it ended, value, values of its seeds, training time, settings."""
    keys = list(dict.fromkeys(key for one in trials for key in one.user_attrs[SETTINGS]))
    rows: list[list[Any]] = [["trial", "ended", "value", "values", "epochs", "seconds", *keys, "failure"]]
    for one in sorted(trials, key=lambda one: one.number):
        values = [tables.json_value(one.user_attrs[SETTINGS].get(key)) for key in keys]
        value = one.value if one.state.name == "COMPLETE" else None
        seeds = " ".join(map(str, one.user_attrs.get(VALUES, ())))
        numbers = ["" if value is None else value, seeds, one.user_attrs.get(EPOCHS, ""), one.user_attrs[SECONDS]]
        rows.append([one.number, one.state.name.lower(), *numbers, *values, one.user_attrs.get(FAILURE, "")])
    return csv_bytes(rows)


def _search_messages(found: SearchResult, won: Winner, sweep: Sweep) -> Iterator[str]:
    """Yield messages about the trials, the finals and the winner."""
    trials = found.trials
    ended = [one.state.name for one in trials]
    seconds = sum(one.user_attrs[SECONDS] for one in trials)
    counts = f"{ended.count('COMPLETE')} complete, {ended.count('PRUNED')} pruned, {ended.count('FAIL')} failed"
    one = "" if won.splits == SAME else ", on one split"
    yield (
        f"{counted(len(trials), 'trial')} of {counted(sweep.repeats, 'seed')} (from 0 on){one}: {counts}; "
        f"{seconds:.3g} s of training. Points by Optuna's tree-structured Parzen estimator; pruned where they were not "
        "among the best third."
    )
    if found.exhausted:
        yield (
            f"The search ended after {len(trials)} of {counted(sweep.trials, 'trial')}: no point is left that "
            "was not tried, and a point tried again with the same seeds gives the same numbers."
        )
    if won.finalists > 1:
        yield (
            f"The {won.finalists} best trials were trained with {counted(won.seeds - sweep.repeats, 'more seed')} "
            f"(from {sweep.repeats} on){_splits(won.splits)}; the mean over all {counted(won.seeds, 'seed')} decides."
        )
    number = metric_name(sweep.metric)
    settings = ", ".join(f"{setting.key}={tables.json_value(setting.value)}" for setting in won.point)
    value = decimals(won.value, 4)
    yield f"The winner is trial {won.trial.number}: {settings} (val.{number} {value} over these seeds)."


def _splits(splits: Splits) -> str:
    """Return the splits of the seeds in words; the search is always on one."""
    if splits == SAME:
        return ""
    return ", each on a split of its own" if splits == EACH else f", on {counted(splits, 'split')}"


def _fresh_messages(won: Winner, sweep: Sweep, planned: plan.SweepPlan, evidence: SweepComparison) -> Iterator[str]:
    """Yield messages about the winner over fresh seeds; none if no such run is complete."""
    number, values, first = metric_name(sweep.metric), planned.groups[-1].values, planned.cells[0].replicate.seed
    on, moved = "", ""
    if planned.splits != SAME:
        on, moved = f"{_splits(planned.splits)},", " (on other splits)"
    for group in evidence.groups:
        if group.values == values:
            val, test = evidence.mean(group, f"val.{number}"), evidence.mean(group, sweep.metric)
            flattery = (won.value - val.mean) * (1 if larger_is_better(number) else -1)
            interval = f" (95 % interval {format_interval(test.interval)})" if format_interval(test.interval) else ""
            yield (
                "The best of a search looks better than it is: it was chosen for what chance added to it, too. Over "
                f"{counted(val.n, 'fresh seed')} (from {first} on){on} it has val.{number} {decimals(val.mean, 4)}: "
                f"{_against_search(flattery)}{moved}. Its {sweep.metric} is {format_short(test.mean)}{interval}. These "
                "numbers count. The config as it stands was trained with the same seeds"
                f"{' and splits' * (planned.splits != SAME)}, for comparison."
            )
    chosen = evidence.chosen
    if chosen is not None and evidence.groups[chosen.best].values != values:
        best = evidence.groups[chosen.best]
        yield (
            f"Best on validation over the fresh seeds is {best.label}, not the winner: the search and its finals chose "
            f"it over the seeds 0 to {won.seeds - 1}, and the fresh seeds do not bear that out."
        )


def _against_search(flattery: float) -> str:
    """Return by how much a number is worse, or better, than in the search."""
    if flattery == 0:
        return "as in the search"
    return f"{format_short(abs(flattery))} {'better' if flattery < 0 else 'worse'} than in the search"
