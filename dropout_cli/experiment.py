"""One run, from a prepared experiment to a complete run folder: the straight line of the whole package."""

import time
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from dropout_cli import config, environment, plots, results, threads, training
from dropout_cli.checkpoint import BEST, LAST, Saver, Snapshot
from dropout_cli.config.schema import Experiment
from dropout_cli.errors import Diverged, Interrupted, Stop, UsageError
from dropout_cli.evaluation import probabilities, score
from dropout_cli.inheritance import inherit, teacher_scores
from dropout_cli.preparation import Prepared, prepare
from dropout_cli.runs import FORMAT, Run, as_json

Watch: TypeAlias = Callable[[training.Progress | training.EpochRecord], None]


def conduct(prepared: Prepared, run: Run, text: bytes, *, watch: Watch, figures: bool = True) -> dict[str, Any]:
    """Train in the new folder `run` and return the summary; `text` is the user's config, byte for byte.

    Raises Diverged, Interrupted, or RunFailed when the folder cannot be written.
    """
    with run.lock(), threads.limited(int(prepared.experiment.training.threads)):
        run.mark("running")
        run.write("config.yaml", text)
        run.write("resolved.yaml", config.to_yaml(prepared.experiment).encode())
        run.write("environment.json", as_json(environment.describe()))
        return _carry_through(prepared, run, None, watch, figures)


def ready(experiment: Experiment) -> Prepared:
    """All that `conduct` needs, faults found before a folder is made. Raises ConfigError, DataError or RunFailed."""
    return inherit(prepare(experiment))


def resume(run: Run, *, watch: Watch, figures: bool = True) -> dict[str, Any]:
    """Go on from the last checkpoint of a run that did not end, in its own folder; return the summary."""
    if run.status in ("completed", "failed"):
        raise UsageError(str(run.path), f"this run is {run.status}", "Start another with `dropout train`.")
    prepared = inherit(prepare(config.load(run.path / "resolved.yaml").experiment), fresh=False)
    with run.lock(), threads.limited(int(prepared.experiment.training.threads)):
        Snapshot.read(run, LAST).restore(prepared.learner, prepared.selection)
        best = Snapshot.read(run, BEST) if prepared.selection and prepared.selection.best_epoch else None
        for log in ("metrics.csv", "timings.csv"):
            run.cut_back(log, prepared.learner.epoch)
        run.mark("running")
        return _carry_through(prepared, run, best, watch, figures)


def _carry_through(prepared: Prepared, run: Run, best: Snapshot | None, watch: Watch, figures: bool) -> dict[str, Any]:
    """Train to the end and write the results; however it ends, what was reached is saved."""
    settings = prepared.experiment.training
    every = 0.0 if settings.save_every == "every_epoch" else float(settings.save_every)
    saver = Saver(run, every, Snapshot.take(prepared.learner, prepared.selection), best)
    try:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # a loss that is not finite is caught
            _train(prepared, run, saver, watch)
        saver.save()
        return _finish(prepared, run, saver, figures)
    except Diverged as error:
        saver.save()
        run.log(str(error))
        run.mark("failed", str(error))
        raise
    except (Stop, KeyboardInterrupt) as stop:
        saver.save()
        epoch = saver.last.meta["epoch"]
        interrupted = Interrupted.by(stop, str(run.path), f"interrupted, and saved as it was after epoch {epoch}")
        run.log(str(interrupted))
        run.mark("interrupted")
        raise interrupted from None


def _train(prepared: Prepared, run: Run, saver: Saver, watch: Watch) -> None:
    learner, selection = prepared.learner, prepared.selection
    if selection is not None and selection.exhausted:  # stopped early, and interrupted while writing the results
        return
    targets = prepared.lesson.targets if prepared.lesson else None
    for event in training.epochs(learner, prepared.dataset, prepared.experiment, targets):
        if isinstance(event, training.EpochRecord):
            run.append_row("metrics.csv", event.metrics)
            is_best = selection is not None and selection.update(event.epoch, event.metrics)
            started = time.perf_counter()
            saver.update(Snapshot.take(learner, selection), is_best=is_best)
            seconds = {
                "train_seconds": event.train_seconds,
                "evaluate_seconds": event.evaluate_seconds,
                "save_seconds": time.perf_counter() - started,
            }
            run.append_row("timings.csv", {"epoch": event.epoch, "examples": event.examples} | seconds)
        watch(event)
        if selection is not None and selection.exhausted:
            return


def _finish(prepared: Prepared, run: Run, saver: Saver, figures: bool) -> dict[str, Any]:
    """Evaluate the checkpoint that counts, write the results, and last the manifest."""
    experiment, dataset, learner = prepared.experiment, prepared.dataset, prepared.learner
    started = time.perf_counter()
    settings, trained_epochs, warnings = experiment.training, learner.epoch, learner.network.warnings()
    if settings.evaluate == "best" and saver.best is not None:
        saver.best.restore(learner)
    with learner.averaged() as network:
        parts = {name: part for name in ("train", "val", "test") if (part := dataset.part(name)) is not None}
        probs = {
            name: probabilities(network, dataset, part, batch=settings.evaluation_batch) for name, part in parts.items()
        }
        law_report = experiment.dropout.report(
            network, lambda: score(network, dataset, dataset.test, batch=settings.evaluation_batch).accuracy
        )
    scores = {name: results.scores(probs[name], part, dataset) for name, part in parts.items()}
    run.write_all(results.files(probs["test"], dataset.test, dataset, title=f"{dataset.name}, test", figures=figures))
    history = results.history(run.rows("metrics.csv"))
    if figures:
        run.write("curves.png", plots.curves(history, learner.epoch))
        if plots.worth_drawing(history):
            run.write("rates.png", plots.rates(history))
    moving = results.still_moving(history) if experiment.dropout.learns != "nothing" else []
    warnings += [results.advice(name) for name in moving]
    for text in warnings:
        run.log(text)

    timings = results.history(run.rows("timings.csv"))
    train_seconds = sum(timings["train_seconds"])
    other_seconds = sum(timings["evaluate_seconds"]) + sum(timings["save_seconds"])
    summary = {
        "format": FORMAT,
        **{name: scores.get(name) for name in ("train", "val", "test")},
        "epochs": trained_epochs,
        "stopped_early": trained_epochs < settings.epochs,
        "best_epoch": prepared.selection.best_epoch if prepared.selection else None,
        "checkpoint": settings.evaluate,
        "monitor": settings.monitor if prepared.selection else None,
        "dropout": law_report,
        "teacher": teacher_scores(prepared.lesson, probs["test"], dataset.test.labels) if prepared.lesson else None,
        "still_moving": moving,
        "warnings": warnings,
        "parameters": sum(one.value.size for one in learner.network.parameters().values()),
        "seconds": train_seconds + other_seconds + time.perf_counter() - started,
        "examples_per_second": sum(timings["examples"]) / train_seconds,
        "peak_bytes": environment.peak_bytes(),
        "config": config.to_dict(experiment),
    }
    run.write("summary.json", as_json(summary))
    run.mark("completed")
    run.finish()
    return summary
