"""Report of one run: results, learning curves, errors, and the commands to reproduce it."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dropout_cli import plots, statistics
from dropout_cli.analysis.calibration.regression import stored_regression_calibration
from dropout_cli.analysis.calibration.text import describe_calibration
from dropout_cli.analysis.inspection import stored_inspections
from dropout_cli.analysis.yardstick_lines import yardstick_lines
from dropout_cli.core import npz
from dropout_cli.core.errors import UsageError
from dropout_cli.core.rng import stream
from dropout_cli.core.shell_words import quote_word
from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.metrics import ClassPredictions, confusion_matrix, predicted_classes
from dropout_cli.plots.words import number_words
from dropout_cli.report.common import key_value_table, narrow_tables, scores_table
from dropout_cli.report.inspection_sections import inspection_parts, inspection_sections
from dropout_cli.report.mistake_images import mistake_gallery
from dropout_cli.report.page import (
    Code,
    DetailedCell,
    Details,
    Figure,
    Gallery,
    HtmlTable,
    Section,
    SectionPart,
    render_page,
)
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.runs.noise_columns import noise_column
from dropout_cli.runs.state import require_completed
from dropout_cli.runs.summary import count_examples, describe_scored_train, epoch_words, evaluated_epoch
from dropout_cli.tasks import TASKS, Classification, Regression, Task
from dropout_cli.training import yardstick_messages

MAX_MISTAKES = 25  # of up to 100 in mistakes.csv
RESAMPLES = 2_000


def run_report(run: Run) -> bytes:
    """Return the HTML page about a complete run.

    Raises:
        UsageError: the run is not complete, or its files are damaged.
    """
    require_completed(str(run.path), run.status)
    summary = run.summary()
    try:
        stored = npz.read_npz(run.read("predictions.npz"), str(run.path / "predictions.npz"))
        task = TASKS[summary.get("task", "classification")].from_scores(summary["test"])
        config = summary["config"]
        question = (
            f"How good is {config['architecture']['name']} with {_dropout(config)} on {config['dataset']['name']}?"
        )
        baseline = yardstick_messages.dummy_warning(summary)
        answer = f"{baseline} " if baseline else ""
        return render_page(run.name, question, answer + _answer(task, summary, stored), _sections(run, task, stored))
    except (LookupError, TypeError, ValueError) as error:
        raise UsageError(
            str(run.path), f"its files are damaged ({error})", "Find the damaged files with `dropout verify`."
        ) from None


def _dropout(config: Mapping[str, Any]) -> str:
    variant, rate = config["dropout"]["variant"], config["dropout"].get("rate")
    if variant == "none":
        return "no dropout"
    return f"{variant} dropout" + ("" if rate is None else f" (rate {rate})")


def _answer(task: Task, summary: Mapping[str, Any], stored: Mapping[str, Array]) -> str:
    """Return the result in a sentence with its interval."""
    labels = stored["labels"]
    scope = "The interval covers new examples of the same kind, but not other seeds or splits."
    if isinstance(task, Regression):
        squares = ((labels - stored["mean"]) ** 2).mean(axis=1)
        low, high = _bootstrap(squares)
        return (
            f"On {len(labels)} test examples its root mean squared error is {summary['test']['rmse']:.4g} "
            f"(95 % bootstrap interval {low:.4g} to {high:.4g}). {scope}"
        )
    right = int((predicted_classes(stored) == labels).sum())
    low, high = statistics.wilson_interval(right, len(labels))
    return (
        f"It classifies {right} of {len(labels)} test examples correctly: {100 * right / len(labels):.2f} % "
        f"(95 % Wilson interval {100 * low:.2f} to {100 * high:.2f} %). {scope}"
    )


def _bootstrap(squares: Array) -> tuple[float, float]:
    """Return the percentile interval of the root of the mean of resampled squared errors."""
    from scipy import stats

    if len(squares) < 2:
        return float("nan"), float("nan")
    result = stats.bootstrap(
        (squares,),
        lambda some, axis: np.sqrt(some.mean(axis=axis)),
        n_resamples=RESAMPLES,
        method="percentile",
        rng=stream(0, "bootstrap"),
        batch=100,  # bounds memory for large test parts
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _sections(run: Run, task: Task, stored: Mapping[str, Array]) -> Iterator[Section]:
    summary = run.summary()
    history = run.table("metrics.csv").columns()
    train = describe_scored_train(count_examples(summary["train"]))
    compared = [" ".join(lines)] if (lines := yardstick_lines(summary, run)) else []
    yield Section("Numbers", [scores_table(summary), *_simple_models(summary), *compared, *_per_class(summary)])
    with plots.as_svg():
        drawn = plots.epoch_figures(history, evaluated_epoch(summary), train)
        yield Section("Learning", list(_learning(drawn, summary, history, train)))
        yield Section("Mistakes", list(_wrong(run, task, stored)))
    if isinstance(task, Classification):
        yield Section("Calibration", list(_calibration(task, stored)))
    elif isinstance(task, Regression) and (study := stored_regression_calibration(stored, task.targets.names)):
        yield Section("Calibration", list(inspection_parts(study)))
    learned = summary.get("dropout")
    reported = (
        [key_value_table("Values of the dropout layers", learned)] if isinstance(learned, dict) and learned else []
    )
    yield Section("Dropout", [*reported, *(str(line) for line in summary.get("warnings", []))])
    yield from inspection_sections(stored_inspections(run))
    yield Section("Method", list(_method(summary, stored)))
    place = quote_word(str(run.path))
    commands = f"dropout train {quote_word(str(run.path / RESOLVED))}\ndropout verify {place} --replay"
    introduction = "Train the same run again, and check that the results are identical:"
    yield Section("Reproduce this run", [introduction, Code(commands)])
    yield Section("Config", [Code(run.read(RESOLVED).decode("utf-8", "replace"))])
    yield Section(
        "Environment", [key_value_table("Environment of the training", json.loads(run.read("environment.json")))]
    )


def _simple_models(summary: Mapping[str, Any]) -> Iterator[HtmlTable]:
    """Yield the comparison of the network with the dummy and the linear model."""
    table = yardstick_messages.yardstick_table(summary, every=True)
    if table is not None:
        task, linear = str(summary.get("task", "classification")), summary["yardstick"]["linear"]
        models = [yardstick_messages.DUMMY_DESCRIPTIONS[task]]
        if linear:
            model = yardstick_messages.LINEAR_MODEL_LABELS[linear["kind"]]
            models.append(f"{model} on {linear['rows']:,} training examples")
        headers, rows = table
        # Words, unlike keys, can be broken in a narrow window.
        in_words = [[number_words(str(name)), *values] for name, *values in rows]
        yield HtmlTable(f"The network compared with simple models ({', '.join(models)})", headers, in_words)


def _per_class(summary: Mapping[str, Any]) -> Iterator[HtmlTable]:
    for key, name in (("per_class", "class"), ("per_target", "target")):
        rows = summary["test"].get(key)
        if rows:
            headers = [name, *(column for column in rows[0] if column != name)]
            cells = [[row.get(column) for column in headers] for row in rows]
            yield from narrow_tables(f"Each {name} of the test part", headers, cells)


def _learning(
    drawn: Mapping[str, bytes], summary: Mapping[str, Any], history: Mapping[str, Any], train: str
) -> Iterator[SectionPart]:
    number = "rmse" if "train_rmse" in history else "accuracy"
    first, last, val = (
        significant(history[name][place], 3)
        for name, place in (("train_loss", 0), ("train_loss", -1), ("val_loss", -1))
    )
    description = (
        f"Loss and {number} over {counted(summary['epochs'], 'epoch')}: the training loss goes from {first} to {last}, "
        f"and the validation loss ends at {val}."
    )
    caption = f"{description} Train and validation with dropout off ({train}). The evaluated epoch is marked."
    yield Figure(drawn["curves.png"], description, caption)
    if "rates.png" in drawn:
        description = "Rates of the dropout layers over the epochs; their last values are in metrics.csv."
        changes = "; ".join(_rate_changes(history))
        caption = f"Rates of the dropout layers, from the first to the last of {counted(summary['epochs'], 'epoch')}"
        yield Figure(drawn["rates.png"], description, f"{caption}: {changes}.")


def _wrong(run: Run, task: Task, stored: Mapping[str, Array]) -> Iterator[SectionPart]:
    """Yield the residuals of a regression, or the confusions of a classification."""
    if isinstance(task, Regression):
        names = task.targets.names
        picture = plots.residual_figure(stored["mean"], stored.get("sd"), stored["labels"], names, "test")
        rmse = significant(run.summary()["test"]["rmse"])
        caption = f"The RMSE over {counted(len(stored['labels']), 'test example')} is {rmse}."
        bars = " Bars: one standard deviation." if "sd" in stored else ""
        yield Figure(picture, f"Predicted against true values, and residuals. {caption}", f"{caption}{bars}")
    elif isinstance(task, Classification):
        yield from _confusions(run, task.classes, stored)


def _confusions(run: Run, classes: Sequence[str], stored: Mapping[str, Array]) -> Iterator[SectionPart]:
    """Yield the confusion matrix and the worst mistakes of a classification."""
    log_probs = stored.get("log_probabilities")
    matrix = confusion_matrix(stored["probabilities"], stored["labels"], classes, log_probs)
    off = matrix - np.diag(np.diag(matrix))
    true, taken = map(int, np.unravel_index(int(off.argmax()), off.shape))
    description = f"Confusion matrix of {counted(len(classes), 'class')}. Wrong: {counted(int(off.sum()), 'example')}"
    if off.any():
        times = counted(int(off.max()), "time")
        description += f", most often '{classes[true]}' predicted as '{classes[taken]}' ({times})"
    number = counted(len(stored["labels"]), "test example")
    description += f" (n = {number})."
    caption = f"{description} True classes in rows, predicted classes in columns."
    yield Figure(plots.confusion_figure(matrix, classes, f"test part, {number}"), description, caption)
    gallery = mistake_gallery(run, stored, tuple(classes))
    if gallery is not None:
        yield gallery
    lines = list(csv.reader(io.StringIO(run.read("mistakes.csv").decode("utf-8", "replace"))))
    if len(lines) > 1:
        rows = [_mistake_row(dict(zip(lines[0], line, strict=False))) for line in lines[1 : MAX_MISTAKES + 1]]
        headers = ["row of the data", "true class", "predicted class", "loss"]
        table = HtmlTable(f"The worst mistakes, {len(rows)} of {int(off.sum())}", headers, rows)
        yield Details("The same mistakes as a table", [table]) if isinstance(gallery, Gallery) else table


def _mistake_row(line: Mapping[str, str]) -> list[Any]:
    """Return a line of mistakes.csv, with each probability below its class."""
    classes = [DetailedCell(line[name], f"probability {line[f'prob_{name}']}") for name in ("true", "predicted")]
    return [_number(line["row"]), *classes, _number(line["loss"])]


def _rate_changes(history: Mapping[str, Any]) -> Iterator[str]:
    """Yield the first and the last value of each column about dropout."""
    for name, values in history.items():
        column = noise_column(name)
        if column is not None and column.quantity != "realized_rate" and values:
            first, last = significant(values[0], 3), significant(values[-1], 3)
            yield f"{column.unit} ({column.quantity}) {first} to {last}"


def _calibration(task: Classification, stored: Mapping[str, Array]) -> Iterator[SectionPart]:
    """Yield the calibration of the stored predictions of the test part."""
    probabilities, labels = stored["probabilities"], stored["labels"]
    given = ClassPredictions.of(probabilities, labels, task.classes, stored.get("log_probabilities"))
    if np.all(np.isfinite(probabilities)):
        yield from inspection_parts(describe_calibration({"no noise": given}, "test"))
    else:
        yield "The calibration is unknown, because some probabilities are not finite numbers."


def _method(summary: Mapping[str, Any], stored: Mapping[str, Array]) -> Iterator[str]:
    epochs = [text for text in epoch_words(summary) if text is not None]
    yield (
        f"One run, seed {summary['config']['seed']}. {'. '.join(text[0].upper() + text[1:] for text in epochs)}. "
        f"{summary['parameters']:,} parameters, {summary['seconds']:.3g} s of training."
    )
    yield (
        f"The test part has {counted(len(stored['labels']), 'example')}. One seed is not enough to compare settings. "
        "`dropout sweep` trains several seeds and compares them."
    )


def _number(cell: str) -> str | float:
    try:
        return float(cell) if "." in cell or "e" in cell else int(cell)
    except ValueError:
        return cell
