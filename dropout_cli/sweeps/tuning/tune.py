"""A search, its finals, and the comparison of the winner with the original config.

The best of many trials looks better than it is, because chance helped to select it. The winner and the original config
are therefore trained with new seeds, which the search has not used.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dropout_cli.core import environment
from dropout_cli.core.errors import Interrupted, RunFailed, StopRequest, UsageError
from dropout_cli.core.text import counted, decimals
from dropout_cli.metrics import DEFAULT_METRIC, csv_bytes, larger_is_better, metric_name
from dropout_cli.runs.safe_read import require_regular_files
from dropout_cli.sweeps import layout_choice, plan, run, tables
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.folder_use import TUNE_FILE, refuse_other_use
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

FILE, MESSAGES, TRIALS, FINALS = TUNE_FILE, "search.txt", "trials.csv", "finals"
"""Files of a search in addition to those of a sweep: specification, messages, table of trials, folder of the finals."""


@dataclass(frozen=True)
class TuneResult:
    """The result of a search and of the runs with new seeds."""

    report: run.SweepReport
    winner: dict[str, Any]
    """Key -> value of the winner."""
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
    """Search, and compare the winner with the original config over new seeds.

    The search uses one split of the data; the finals and the runs with new seeds use the splits of the sweep's layout.
    `search/` in the folder has the study and the runs of the search, `finals/` the sweep of its best trials. The same
    call continues a search that was interrupted.

    Args:
        sweep: The space to search, and the number of new seeds.
        folder: The folder of the search.
        execution: How runs are trained.
        watch_search: Receives the progress of the search.
        watch: Receives the progress of the finals and of the runs with new seeds.
        notice: Receives messages for the user.

    Raises:
        UsageError: There is only one setting, no validation part, or something else in the folder than this search.
        RunFailed: No trial finished, or the folder cannot be written.
        Interrupted: The search was interrupted.
    """
    execution = replace(execution, jobs=execution.jobs or environment.available_cores())
    finals = folder.inner(FINALS)
    sweep = layout_choice.keep_layout(
        sweep, folder, finals
    )  # a plan of a newer format is refused before anything is written
    sweep, fixed = _with_task_metric(sweep)
    refuse_other_use(folder, search=True)
    require_regular_files(folder.path)
    text, notice = sweep.with_splits(fixed.splits).text, _once(notice)
    for line in layout_messages(fixed, folder, finals):
        notice(line)
    sweep = replace(sweep, begun=None)  # the message about a kept layout is shown once
    folder.unseal()
    found = _search(sweep, folder, execution, watch_search)
    complete = _complete(found.trials, folder)
    folder.write(TRIALS, _table(found.trials))
    if sweep.base_text is not None:
        folder.write(run.BASE_FILE, sweep.base_text)
    winner = select_winner(complete, sweep, finals, text, execution, watch=watch, notice=notice)
    planned = plan.make_plan(replace(sweep, points=(sweep.axes.fixed, winner.point), first=winner.seeds))
    comparison = ComparisonSettings(sweep.metric, baseline=planned.groups[0].values, margin=sweep.margin)
    execution = replace(execution, may_replace=True)  # another trial may win after more trials
    report = run.run_sweep(planned, folder, text, comparison, execution, watch=watch, notice=notice, file=FILE)
    messages = [
        *_search_messages(found, winner, sweep),
        *_fresh_messages(winner, sweep, planned, report.evidence),
    ]
    folder.write(MESSAGES, "".join(f"{line}\n" for line in messages).encode())
    folder.seal()
    return TuneResult(report, {setting.key: setting.value for setting in winner.point}, messages)


def _search(sweep: Sweep, folder: SweepFolder, execution: ExecutionSettings, watch: SearchWatch) -> SearchResult:
    """Search on one split; raise Interrupted with the tune folder as its place."""
    assert execution.jobs is not None
    try:
        return run_search(replace(sweep, splits=SAME), folder.inner("search"), execution.jobs, watch)
    except (StopRequest, KeyboardInterrupt) as stop:
        raise Interrupted.from_stop(
            stop, str(folder.path), "the search was interrupted", "Run the same command again to continue"
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
    """Return the sweep with the metric of its task, and the plan of its fixed keys.

    Raises:
        UsageError: There is only one setting, or no validation part.
    """
    planned = plan.make_plan(replace(sweep, points=(sweep.axes.fixed,), seeds=(0,)))
    resolved = planned.cells[0].experiment
    if not sweep.axes.leaves_a_choice():
        way_out = "Give a key several values, such as dropout.rate=0,0.3 or 'dropout.rate={uniform: [0, 0.6]}'."
        raise UsageError(str(sweep.base), "nothing to search: there is only one setting", way_out)
    # `auto` is only unresolved without a validation part.
    if resolved.training.monitor == "auto":
        raise UsageError("dataset.val_fraction", "a search needs a validation part", "Set it, for example to 0.15.")
    of_errors = sweep.metric == DEFAULT_METRIC and resolved.objective.task == "regression"
    return replace(sweep, metric="test.rmse") if of_errors else sweep, planned


def _complete(trials: "Sequence[FrozenTrial]", folder: SweepFolder) -> "list[FrozenTrial]":
    """Return the complete trials by number; raise RunFailed without any."""
    complete = [one for one in trials if one.state.name == "COMPLETE"]
    if not complete:
        reasons = [reason for one in trials if (reason := one.user_attrs.get(FAILURE))]
        raise RunFailed(str(folder.path), "no trial finished", "; ".join(reasons[:1]))
    return complete


def _table(trials: "Sequence[FrozenTrial]") -> bytes:
    """Return trials.csv: a row per trial with its result, cost and settings."""
    keys = list(dict.fromkeys(key for one in trials for key in one.user_attrs[SETTINGS]))
    rows: list[list[Any]] = [["trial", "ended", "value", "values", "epochs", "seconds", *keys, "failure"]]
    for one in trials:
        values = [tables.json_value(one.user_attrs[SETTINGS].get(key)) for key in keys]
        value = one.value if one.state.name == "COMPLETE" else None
        seeds = " ".join(map(str, one.user_attrs.get(VALUES, ())))
        numbers = [
            "" if value is None else value,
            seeds,
            one.user_attrs.get(EPOCHS, ""),
            one.user_attrs.get(SECONDS, 0.0),
        ]
        rows.append([one.number, one.state.name.lower(), *numbers, *values, one.user_attrs.get(FAILURE, "")])
    return csv_bytes(rows)


def _search_messages(found: SearchResult, won: Winner, sweep: Sweep) -> Iterator[str]:
    """Yield messages about the trials, the finals and the winner."""
    trials = found.trials
    ended = [one.state.name for one in trials]
    seconds = sum(one.user_attrs.get(SECONDS, 0.0) for one in trials)
    counts = f"{ended.count('COMPLETE')} complete, {ended.count('PRUNED')} pruned, {ended.count('FAIL')} failed"
    seeds = "seed 0" if sweep.repeats == 1 else f"{sweep.repeats:,} seeds each (0, 1, ...)"
    split = "" if won.splits == SAME else ", on one split"
    yield (
        f"{counted(len(trials), 'trial')} with {seeds}{split}: {counts}; {seconds:.3g} s of training. Settings were "
        "proposed by Optuna's tree-structured Parzen estimator. A trial was stopped early (pruned) if it was not in "
        "the best third."
    )
    if found.exhausted:
        yield (
            f"The search ended after {len(trials)} of {counted(sweep.trials, 'trial')}, because all settings have been "
            "tried. The same setting with the same seeds gives the same numbers again."
        )
    if won.finalists > 1:
        yield (
            f"The {won.finalists} best trials were trained with {counted(won.seeds - sweep.repeats, 'more seed')} "
            f"(from {sweep.repeats} on){_splits(won.splits)}. The winner has the best mean over all "
            f"{counted(won.seeds, 'seed')}."
        )
    number = metric_name(sweep.metric)
    settings = ", ".join(f"{setting.key}={tables.json_value(setting.value)}" for setting in won.point)
    value = decimals(won.value, 4)
    yield f"The winner is trial {won.trial.number}: {settings} (val.{number} {value} over these seeds)."


def _splits(splits: Splits) -> str:
    """Return the splits of the seeds in words; empty for one split, as in the search."""
    if splits == SAME:
        return ""
    return ", each on its own split" if splits == EACH else f", on {counted(splits, 'split')}"


def _fresh_messages(won: Winner, sweep: Sweep, planned: plan.SweepPlan, evidence: SweepComparison) -> Iterator[str]:
    """Yield messages about the winner over new seeds; none if no such run is complete."""
    number, values, first = metric_name(sweep.metric), planned.groups[-1].values, planned.cells[0].replicate.seed
    on, moved = "", ""
    if planned.splits != SAME:
        on, moved = f"{_splits(planned.splits)},", " (on different splits)"
    for group in evidence.groups:
        if group.values == values:
            val, test = evidence.mean(group, f"val.{number}"), evidence.mean(group, sweep.metric)
            flattery = (won.value - val.mean) * (1 if larger_is_better(number) else -1)
            interval = f" (95 % interval {format_interval(test.interval)})" if format_interval(test.interval) else ""
            yield (
                "The best result of a search looks better than it is, because chance helped to select it. With "
                f"{counted(val.n, 'new seed')} (from {first} on){on} it has val.{number} {decimals(val.mean, 4)}: "
                f"{_against_search(flattery)}{moved}. Its {sweep.metric} is {format_short(test.mean)}{interval}. "
                "Report these numbers. For comparison, the original config was trained with the same seeds"
                f"{' and splits' * (planned.splits != SAME)}."
            )
    chosen = evidence.chosen
    if chosen is not None and evidence.groups[chosen.best].values != values:
        best = evidence.groups[chosen.best]
        yield (
            f"With the new seeds, {best.label} is better on validation than the winner. The new seeds do not confirm "
            f"the choice of the search and its finals, which used the seeds 0 to {won.seeds - 1}."
        )


def _against_search(flattery: float) -> str:
    """Return by how much a metric is worse, or better, than in the search."""
    if flattery == 0:
        return "the same as in the search"
    return f"{format_short(abs(flattery))} {'better' if flattery < 0 else 'worse'} than in the search"
