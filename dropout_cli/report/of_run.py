"""The report of one run: what it reached, how it learned, where it is wrong, and how to have it again."""

import csv
import io
import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dropout_cli import plots, statistics
from dropout_cli.core import npz
from dropout_cli.core.errors import UsageError
from dropout_cli.core.rng import stream
from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.metrics import predicted
from dropout_cli.report.common import flat, scores
from dropout_cli.report.page import Code, Figure, Part, Section, Table, page
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.runs.summary import evaluated_epoch, examples, scored_train
from dropout_cli.tasks import TASKS, Regression, Task
from dropout_cli.training import against_dummy

MOST_MISTAKES = 25
BINS = 10
RESAMPLES = 2_000


def of_run(run: Run) -> bytes:
    """The page about a complete run. Raises UsageError for one that is not complete, or whose files are damaged."""
    if run.ended != "completed":
        raise UsageError(str(run.path), f"this run is {run.ended}", "`dropout resume` brings it to its end.")
    summary = run.summary()
    try:
        stored = npz.read(run.read("predictions.npz"), str(run.path / "predictions.npz"))
        task = TASKS[summary.get("task", "classification")].recalled(summary["test"])
        config = summary["config"]
        question = (
            f"How well does {config['architecture']['name']} with {_dropout(config)} do on {config['dataset']['name']}?"
        )
        beaten = against_dummy.sentence(summary)
        answer = f"{beaten} " if beaten else ""
        return page(run.name, question, answer + _answer(task, summary, stored), _sections(run, task, stored))
    except (LookupError, TypeError, ValueError) as error:
        raise UsageError(str(run.path), f"its files are damaged ({error})", "`dropout verify` says which.") from None


def _dropout(config: Mapping[str, Any]) -> str:
    variant, rate = config["dropout"]["variant"], config["dropout"].get("rate")
    if variant == "none":
        return "no dropout"
    return f"{variant} dropout" + ("" if rate is None else f" at rate {rate}")


def _answer(task: Task, summary: Mapping[str, Any], stored: Mapping[str, Array]) -> str:
    """A sentence with its uncertainty."""
    labels = stored["labels"]
    only = "The interval speaks of other examples like these, not of other seeds or splits."
    if isinstance(task, Regression):
        squares = ((labels - stored["mean"]) ** 2).mean(axis=1)
        low, high = _bootstrap(squares)
        return (
            f"On {len(labels)} test examples its root mean squared error is {summary['test']['rmse']:.4g} "
            f"(95 % bootstrap interval {low:.4g} to {high:.4g}). {only}"
        )
    right = int((predicted(stored) == labels).sum())
    low, high = statistics.wilson(right, len(labels))
    return (
        f"It classifies {right} of {len(labels)} test examples rightly: {100 * right / len(labels):.2f} % "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f} %, Wilson). {only}"
    )


def _bootstrap(squares: Array) -> tuple[float, float]:
    """The interval of the root of the mean, by the percentiles of resampled ones."""
    from scipy import stats

    if len(squares) < 2:
        return float("nan"), float("nan")
    found = stats.bootstrap(
        (squares,),
        lambda some, axis: np.sqrt(some.mean(axis=axis)),
        n_resamples=RESAMPLES,
        method="percentile",
        rng=stream(0, "bootstrap"),
        batch=100,
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _sections(run: Run, task: Task, stored: Mapping[str, Array]) -> Iterator[Section]:
    summary = run.summary()
    history = run.table("metrics.csv").columns()
    train = scored_train(examples(summary["train"]))
    yield Section("Numbers", [scores(summary), *_beside(summary), *_per_class(summary)])
    with plots.as_svg():
        drawn = plots.over_epochs(history, evaluated_epoch(summary), train)
        yield Section("Learning", list(_learning(drawn, summary, history, train)))
        yield Section("Where it is wrong", list(_wrong(run, task, stored)))
    if not isinstance(task, Regression):
        yield Section("Calibration", [*_chance(summary), _calibration(stored)])
    learned = summary.get("dropout")
    told = [flat("What the variant says of itself", learned)] if isinstance(learned, dict) and learned else []
    yield Section("Dropout", [*told, *(str(line) for line in summary.get("warnings", []))])
    yield Section("Method", list(_method(summary, stored)))
    place = shlex.quote(str(run.path))
    again = f"dropout train {shlex.quote(str(run.path / RESOLVED))}\ndropout verify {place} --replay"
    yield Section("Again", ["The same run, and the check that it gives the same bytes:", Code(again)])
    yield Section("Config", [Code(run.read(RESOLVED).decode("utf-8", "replace"))])
    yield Section("Environment", [flat("Where it was trained", json.loads(run.read("environment.json")))])


def _beside(summary: Mapping[str, Any]) -> Iterator[Table]:
    """The network beside the dummy and the linear model."""
    found = against_dummy.table(summary, every=True)
    if found is not None:
        task, linear = str(summary.get("task", "classification")), summary["yardstick"]["linear"]
        fitted = f"; {against_dummy.KINDS[linear['kind']]} on {linear['rows']:,} training examples" if linear else ""
        yield Table(f"The network beside simple models: the dummy is {against_dummy.DUMMIES[task]}{fitted}", *found)


def _per_class(summary: Mapping[str, Any]) -> Iterator[Table]:
    for key, name in (("per_class", "class"), ("per_target", "target")):
        rows = summary["test"].get(key)
        if rows:
            headers = [name, *(one for one in rows[0] if one != name)]
            yield Table(f"Each {name} of the test part", headers, [[row.get(one) for one in headers] for row in rows])


def _learning(
    drawn: Mapping[str, bytes], summary: Mapping[str, Any], history: Mapping[str, Any], train: str
) -> Iterator[Part]:
    number = "rmse" if "train_rmse" in history else "accuracy"
    first, last, val = (
        significant(history[name][place], 3)
        for name, place in (("train_loss", 0), ("train_loss", -1), ("val_loss", -1))
    )
    told = (
        f"Loss and {number} over {counted(summary['epochs'], 'epoch')}: train loss falls from {first} to {last}, "
        f"validation ends at {val}."
    )
    caption = f"Loss and {number} after each epoch, noise off ({train}); marked is the evaluated epoch."
    yield Figure(drawn["curves.png"], told, caption)
    if "rates.png" in drawn:
        told = "Rates of the dropout layers over the epochs; their last values are in metrics.csv."
        yield Figure(drawn["rates.png"], told, "What the dropout layers did.")


def _wrong(run: Run, task: Task, stored: Mapping[str, Array]) -> Iterator[Part]:
    from dropout_cli import metrics

    if isinstance(task, Regression):
        names = task.quantities.names
        picture = plots.residuals(stored["mean"], stored.get("sd"), stored["labels"], names, "test")
        yield Figure(picture, "Predicted against true values, and what is left over.", "Bars: one standard deviation.")
        return
    log_probs = stored.get("log_probabilities")
    matrix = metrics.confusion_matrix(stored["probabilities"], stored["labels"], task.classes, log_probs)  # type: ignore[attr-defined]
    off = matrix - np.diag(np.diag(matrix))
    true, taken = np.unravel_index(int(off.argmax()), off.shape)
    classes = task.classes  # type: ignore[attr-defined]
    wrong = f"{counted(int(off.sum()), 'example')} {'is' if off.sum() == 1 else 'are'} off the diagonal"
    told = f"Confusion matrix of {counted(len(classes), 'class')}; {wrong}" + (
        f", most often '{classes[true]}' taken for '{classes[taken]}' ({counted(int(off.max()), 'time')})."
        if off.any()
        else "."
    )
    yield Figure(plots.confusion(matrix, classes, "test"), told, "True classes in rows, predicted ones in columns.")
    lines = list(csv.reader(io.StringIO(run.read("mistakes.csv").decode("utf-8", "replace"))))
    if len(lines) > 1:
        rows = [[_number(cell) for cell in line] for line in lines[1 : MOST_MISTAKES + 1]]
        yield Table(f"The worst mistakes, {len(rows)} of {int(off.sum())}", lines[0], rows)


def _chance(summary: Mapping[str, Any]) -> Iterator[str]:
    """Say how much of the ECE is chance."""
    test = summary["test"]
    if test.get("ece_if_calibrated") is not None:
        yield (
            f"The ECE on the test part is {test['ece']:.4f}. A perfectly calibrated model as sure as it is would have "
            f"{test['ece_if_calibrated']:.4f} on average, by chance alone."
        )


def _calibration(stored: Mapping[str, Array]) -> Table:
    """How often the network is right, by how sure it is."""
    probs = stored["probabilities"].astype(np.float64)
    sure, right = probs.max(axis=1), predicted(stored) == stored["labels"]
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    rows = [
        [
            f"{place / BINS:.1f} to {(place + 1) / BINS:.1f}",
            int(inside.sum()),
            sure[inside].mean(),
            right[inside].mean(),
        ]
        for place in range(BINS)
        if (inside := bins == place).any()
    ]
    caption = "Predictions by the probability of the predicted class"
    return Table(caption, ["probability", "examples", "mean probability", "share right"], rows)


def _method(summary: Mapping[str, Any], stored: Mapping[str, Array]) -> Iterator[str]:
    yield (
        f"One run, seed {summary['config']['seed']}. The numbers are those of epoch {evaluated_epoch(summary)}, "
        f"{_which(summary)}. {summary['parameters']:,} parameters, {summary['seconds']:.3g} s of training."
    )
    yield (
        f"The test part has {counted(len(stored['labels']), 'example')}. One seed is no answer: `dropout sweep` trains "
        "several and compares them."
    )


def _which(summary: Mapping[str, Any]) -> str:
    """Say which epoch was evaluated and, if it is another, which was the best."""
    best, monitor = summary["best_epoch"], summary["monitor"]
    if summary["checkpoint"] == "best":
        return f"the best by {monitor}"
    other = best is not None and best != evaluated_epoch(summary)
    return f"the last one (the best by {monitor} was {best})" if other else "the last one"


def _number(cell: str) -> str | float:
    try:
        return float(cell) if "." in cell or "e" in cell else int(cell)
    except ValueError:
        return cell
