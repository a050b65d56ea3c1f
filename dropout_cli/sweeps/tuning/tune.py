"""A search, its finals, and what the winner is worth: it is trained again, beside the config as it stands.

The best of many trials looks better than it is, for it was chosen for what chance added to it, too. Seeds that the
search has not seen say what is left of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dropout_cli.core import environment
from dropout_cli.core.errors import Interrupted, RunFailed, Stop, UsageError
from dropout_cli.core.text import counted, decimals
from dropout_cli.metrics import DEFAULT_METRIC, csv_bytes, larger_is_better
from dropout_cli.sweeps import plan, run, splitting, tables
from dropout_cli.sweeps.evidence import Evidence
from dropout_cli.sweeps.folder import Folder
from dropout_cli.sweeps.in_words import short, span
from dropout_cli.sweeps.replicates import EACH, SAME, Splits
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.tuning.finals import Winner, decide
from dropout_cli.sweeps.tuning.search import Searched, Watch, search
from dropout_cli.sweeps.tuning.study import EPOCHS, FAILURE, SECONDS, SETTINGS, VALUES

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

FILE, TOLD, TRIALS, FINALS = "tune.yaml", "search.txt", "trials.csv", "finals"
"""In the folder, beside what a sweep writes: what was asked for, what was found, every trial, and the finals."""


@dataclass(frozen=True)
class Tuned:
    """What a search and its fresh runs end with."""

    report: run.Report
    winner: dict[str, Any]
    """Key -> value."""
    told: list[str]
    """A sentence or two per line."""


def tune(
    sweep: Sweep,
    folder: Folder,
    *,
    searching: Watch,
    watch: run.Watch,
    notice: Callable[[str], None],
    jobs: int | None = None,
    draw: bool = True,
) -> Tuned:
    """Search, train the winner and the config as it stands with as many fresh seeds as the sweep has, and compare.

    The search is on one split of the data, its finals and the fresh runs are on the splits of the sweep's layout.
    `search/` in the folder holds the study and the cells of the search, `finals/` the sweep among its best. Raises
    UsageError, RunFailed where no trial came to its end, Interrupted. The same again goes on.
    """
    jobs = jobs or environment.cores()
    finals = Folder(folder.path / FINALS)
    sweep = splitting.as_begun(sweep, folder, finals)  # a plan of a newer format is refused before anything is written
    sweep, judged = _judged(sweep)
    text, notice = sweep.with_splits(judged.splits).text, _once(notice)
    for line in run.told_of_layout(judged, folder, finals):
        notice(line)
    sweep = replace(sweep, begun=None)  # it is said
    try:
        found = search(replace(sweep, splits=SAME), Folder(folder.path / "search"), jobs, searching)
    except (Stop, KeyboardInterrupt) as stop:
        raise Interrupted.by(stop, str(folder.path), "the search was interrupted", "The same command goes on") from None
    trials = found.trials
    complete = _complete(trials, folder)
    folder.write(TRIALS, _table(trials))
    won = decide(complete, sweep, finals, text, jobs=jobs, watch=watch, notice=notice)
    planned = plan.make(replace(sweep, points=(sweep.axes.fixed, won.point), first=won.seeds))
    report = run.conduct(
        planned,
        folder,
        text,
        metric=sweep.metric,
        baseline=planned.groups[0].values,
        margin=sweep.margin,
        watch=watch,
        notice=notice,
        jobs=jobs,
        draw=draw,
        file=FILE,
        replacing=True,  # another trial may win when a search goes on
    )
    told = [
        *_searched(found, won, sweep),
        *_worth(won, sweep, planned, report.evidence),
    ]
    folder.write(TOLD, "".join(f"{line}\n" for line in told).encode())
    return Tuned(report, {setting.key: setting.value for setting in won.point}, told)


def _once(notice: Callable[[str], None]) -> Callable[[str], None]:
    """Do not say the same line again."""
    said = set[str]()

    def tell(line: str) -> None:
        if line not in said:
            said.add(line)
            notice(line)

    return tell


def _judged(sweep: Sweep) -> tuple[Sweep, plan.Plan]:
    """Return the sweep with the metric of its task, and the plan of its fixed point.

    Raises UsageError without a choice, or without a part to validate on.
    """
    planned = plan.make(replace(sweep, points=(sweep.axes.fixed,), seeds=(0,)))
    resolved = planned.cells[0].experiment
    if not sweep.axes.leaves_a_choice():
        way_out = "Give a key several values, such as dropout.rate=0,0.3 or 'dropout.rate={uniform: [0, 0.6]}'."
        raise UsageError(str(sweep.base), "nothing to search: there is a single point", way_out)
    if resolved.training.monitor == "auto":
        raise UsageError("dataset.val_fraction", "a search needs examples to validate on", "Give it a part of them.")
    of_errors = sweep.metric == DEFAULT_METRIC and resolved.objective.predicts == "quantities"
    return replace(sweep, metric="test.rmse") if of_errors else sweep, planned


def _complete(trials: "Sequence[FrozenTrial]", folder: Folder) -> "list[FrozenTrial]":
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
        values = [tables.cell(one.user_attrs[SETTINGS].get(key)) for key in keys]
        value = one.value if one.state.name == "COMPLETE" else None
        seeds = " ".join(map(str, one.user_attrs.get(VALUES, ())))
        numbers = ["" if value is None else value, seeds, one.user_attrs.get(EPOCHS, ""), one.user_attrs[SECONDS]]
        rows.append([one.number, one.state.name.lower(), *numbers, *values, one.user_attrs.get(FAILURE, "")])
    return csv_bytes(rows)


def _searched(found: Searched, won: Winner, sweep: Sweep) -> Iterator[str]:
    """What the search did, and what it found."""
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
    number = sweep.metric.partition(".")[2]
    settings = ", ".join(f"{setting.key}={tables.cell(setting.value)}" for setting in won.point)
    value = decimals(won.value, 4)
    yield f"The winner is trial {won.trial.number}: {settings} (val.{number} {value} over these seeds)."


def _splits(splits: Splits) -> str:
    """On which splits the seeds are; the search is always on one."""
    if splits == SAME:
        return ""
    return ", each on a split of its own" if splits == EACH else f", on {counted(splits, 'split')}"


def _worth(won: Winner, sweep: Sweep, planned: plan.Plan, evidence: Evidence) -> Iterator[str]:
    """What is left of the winner with fresh seeds; nothing where none of these runs is complete."""
    number, values, first = sweep.metric.partition(".")[2], planned.groups[-1].values, planned.cells[0].replicate.seed
    on, moved = "", ""
    if planned.splits != SAME:
        on, moved = f"{_splits(planned.splits)},", " (on other splits)"
    for group in evidence.groups:
        if group.values == values:
            val, test = evidence.mean(group, f"val.{number}"), evidence.mean(group, sweep.metric)
            flattery = (won.value - val.mean) * (1 if larger_is_better(number) else -1)
            interval = f" (95 % interval {span(test.interval)})" if span(test.interval) else ""
            yield (
                "The best of a search looks better than it is: it was chosen for what chance added to it, too. Over "
                f"{counted(val.n, 'fresh seed')} (from {first} on){on} it has val.{number} {decimals(val.mean, 4)}: "
                f"{_against_search(flattery)}{moved}. Its {sweep.metric} is {short(test.mean)}{interval}. These "
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
    return f"{short(abs(flattery))} {'better' if flattery < 0 else 'worse'} than in the search"
