"""One run, from a prepared experiment to a complete run folder: the straight line of the whole package."""

import hashlib
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from dropout_cli import config, plots
from dropout_cli.config.schema import Experiment
from dropout_cli.core import environment
from dropout_cli.core.errors import Diverged, Interrupted, RunFailed, Stop
from dropout_cli.data.preprocessing import FILE as PREPROCESSING
from dropout_cli.data.preprocessing import Fitted
from dropout_cli.metrics import VALIDATION, predicted, validation_file
from dropout_cli.nn.layers.base import Layer
from dropout_cli.runs import FORMAT, RESOLVED, Run, Table, as_json
from dropout_cli.runs.summary import scored_train
from dropout_cli.tasks.base import Prediction, files
from dropout_cli.training import against_dummy, arithmetic, convergence, loop, pass_noise, yardstick
from dropout_cli.training.checkpoint import BEST, LAST, Saver, Snapshot, identity
from dropout_cli.training.inference import outputs
from dropout_cli.training.setup import Prepared, computing, prepare
from dropout_cli.training.warm_start import inherit, teacher_scores

Watch: TypeAlias = Callable[[loop.Progress | loop.EpochRecord], None]


def ready(experiment: Experiment) -> Prepared:
    """All that `conduct` needs, faults found before a folder is made. Raises ConfigError, DataError or RunFailed."""
    return inherit(prepare(experiment))


def conduct(
    prepared: Prepared,
    run: Run,
    text: bytes | None,
    *,
    watch: Watch,
    figures: bool = True,
    yardsticks: Path | None = None,
) -> dict[str, Any]:
    """Train in the new folder `run` and return the summary; `text` is the user's config, byte for byte.

    None: nobody wrote one, and the resolved config stands in its place. For `yardsticks`, see `yardstick.measured`.

    Raises Diverged, Interrupted, or RunFailed when the folder cannot be written.
    """
    with run.lock(), computing(prepared.experiment):
        resolved = config.to_yaml(prepared.experiment).encode()
        run.write("config.yaml", resolved if text is None else text)
        run.write("environment.json", as_json(environment.describe()))
        run.write(RESOLVED, resolved)
        run.write(PREPROCESSING, Fitted.to(prepared.dataset).pack())
        began: dict[str, Any] = {arithmetic.NOTED: arithmetic.version()}
        run.mark("running", resolved=[hashlib.sha256(resolved).hexdigest()], **began)
        return go_on(prepared, run, watch=watch, figures=figures, yardsticks=yardsticks)


def go_on(
    prepared: Prepared, run: Run, *, watch: Watch, figures: bool = True, yardsticks: Path | None = None
) -> dict[str, Any]:
    """Train a run that we hold from where its learner stands to the end; however it ends, what was reached is saved."""
    settings, selection = prepared.experiment.training, prepared.selection
    every = 0.0 if settings.save_every == "every_epoch" else float(settings.save_every)
    best = Snapshot.read(run, BEST) if selection is not None and selection.best_epoch else None
    history = run.table("metrics.csv")
    history.cut_back(prepared.learner.epoch)
    start = _snapshot(prepared, history, identity(prepared.experiment))
    saver = Saver(run, every, start, best)
    try:
        if settings.init_from is not None and not run.has(LAST):
            saver.save()  # the run that it starts from may be gone when this one is resumed
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # a loss that is not finite is caught
            _train(prepared, run, saver, history, watch)
        saver.save()
        return _finish(prepared, run, saver, figures, yardsticks)
    except Diverged as error:
        saver.save()
        run.log(str(error))
        run.mark("failed", str(error))
        raise
    except RunFailed as error:
        raise _with_way_on(error, run) from error
    except (Stop, KeyboardInterrupt) as stop:
        if run.ended == "completed":
            raise
        saver.save()
        interrupted = Interrupted.by(stop, str(run.path), _reached(saver.last.meta["epoch"]), _way_on(run))
        run.log(str(interrupted))
        run.mark("interrupted")
        raise interrupted from None


def _way_on(run: Run) -> str:
    return f"Go on with `dropout resume {shlex.quote(str(run.path))}`"


def _with_way_on(error: RunFailed, run: Run) -> RunFailed:
    """The same, with how to go on once it is mended."""
    place, fact, way_out = error.problems[0]
    return RunFailed(place, fact, f"{way_out} {_way_on(run)}" if run.has(LAST) else way_out)


def _reached(epoch: int) -> str:
    return f"interrupted, and saved as it was after epoch {epoch}" if epoch else "interrupted in its first epoch"


def _snapshot(prepared: Prepared, history: Table, config_identity: str) -> Snapshot:
    facts = {"config": config_identity, "metrics": history.digest}
    return Snapshot.take(prepared.learner, prepared.selection, **facts)


def _train(prepared: Prepared, run: Run, saver: Saver, history: Table, watch: Watch) -> None:
    learner, selection = prepared.learner, prepared.selection
    if selection is not None and selection.exhausted:  # stopped early, and interrupted while writing the results
        return
    timings = run.table("timings.csv")
    timings.cut_back(learner.epoch)
    targets = prepared.lesson.targets if prepared.lesson else None
    for event in loop.epochs(learner, prepared.dataset, prepared.experiment, prepared.task, targets):
        if isinstance(event, loop.EpochRecord):
            history.append(event.metrics)
            is_best = selection is not None and selection.update(event.epoch, event.metrics)
            started = time.perf_counter()
            saver.update(_snapshot(prepared, history, saver.last.meta["config"]), is_best=is_best)
            seconds = {
                "train_seconds": event.train_seconds,
                "evaluate_seconds": event.evaluate_seconds,
                "save_seconds": time.perf_counter() - started,
            }
            timings.append({"epoch": event.epoch, "examples": event.examples} | seconds)
        watch(event)
        if selection is not None and selection.exhausted:
            return


def _finish(prepared: Prepared, run: Run, saver: Saver, figures: bool, yardsticks: Path | None) -> dict[str, Any]:
    """Evaluate the checkpoint that counts, write the results, and last the manifest."""
    experiment, dataset, learner = prepared.experiment, prepared.dataset, prepared.learner
    started = time.perf_counter()
    settings, warnings = experiment.training, learner.network.warnings()
    trained_epochs, trained_steps = learner.epoch, learner.step
    if settings.evaluate == "best" and saver.best is not None:
        saver.best.restore(learner)
    with learner.averaged() as network:
        parts = {name: part for name in ("train", "val", "test") if (part := dataset.part(name)) is not None}
        said = {name: outputs(network, dataset, part, batch=settings.evaluation_batch) for name, part in parts.items()}
        law_report = experiment.dropout.report(network, lambda: _number(prepared, network))
        beside_passes = pass_noise.learned(prepared.task, network, dataset, experiment)
    held_out = "val" if "val" in parts else "train"
    task = prepared.task.calibrated(said[held_out], parts[held_out].labels)
    predictions = {name: task.predict(said[name]) for name in parts}
    scores = {name: task.scores(predictions[name], part.labels) for name, part in parts.items()}
    run.write_all(files(task, predictions["test"], dataset.test, title=f"{dataset.name}, test", figures=figures))
    if "val" in parts:
        run.write(VALIDATION, validation_file(predictions["val"], parts["val"].labels, parts["val"].rows))
    history = run.table("metrics.csv").columns()
    if figures:
        run.write_all(plots.over_epochs(history, learner.epoch, scored_train(len(dataset.train))))
    moving = convergence.still_moving(learner.network.learned_columns(), history)
    warnings += [convergence.advice(name) for name in moving]

    timings = run.table("timings.csv").columns()
    train_seconds = sum(timings["train_seconds"])
    other_seconds = sum(timings["evaluate_seconds"]) + sum(timings["save_seconds"])
    summary = {
        "format": FORMAT,
        "task": task.name,
        **task.learned(),
        **beside_passes,
        **{name: scores.get(name) for name in ("train", "val", "test")},
        "yardstick": yardstick.measured(prepared, trained_steps, yardsticks),
        "epochs": trained_epochs,
        "lengthened": run.state().get("lengthened", []),
        "stopped_early": trained_epochs < settings.epochs,
        "best_epoch": prepared.selection.best_epoch if prepared.selection else None,
        "checkpoint": settings.evaluate,
        "monitor": settings.monitor if prepared.selection else None,
        "dropout": law_report,
        "teacher": _teacher(prepared, predictions["test"]),
        "still_moving": moving,
        "warnings": warnings,
        "parameters": sum(one.value.size for one in learner.network.parameters().values()),
        "seconds": train_seconds + other_seconds + time.perf_counter() - started,
        "examples_per_second": sum(timings["examples"]) / train_seconds,
        "peak_bytes": environment.peak_bytes(),
        "config": config.to_dict(experiment),
    }
    for text in filter(None, (against_dummy.sentence(summary), *warnings)):
        run.log(text)
    run.write("summary.json", as_json(summary))
    run.mark("completed")
    run.finish()
    return summary


def _number(prepared: Prepared, network: Layer) -> tuple[str, float]:
    """The task's number on the test part, with the network as it stands."""
    task, test, batch = prepared.task, prepared.dataset.test, prepared.experiment.training.evaluation_batch
    return task.number, task.judge(outputs(network, prepared.dataset, test, batch=batch), test.labels)[task.number]


def _teacher(prepared: Prepared, prediction: Prediction) -> dict[str, float] | None:
    if prepared.lesson is None:
        return None
    return teacher_scores(prepared.lesson, predicted(prediction), prepared.dataset.test.labels)
