"""The study `eval --temperature`: fit temperatures to the validation part.

They are stored beside the run. Each predictor has its own: with one temperature for both, the probabilities of one of
them become worse. For the mean of Monte Carlo passes it divides the logarithms of the mean probabilities. Fitting one
predictor again keeps the entry of the other, unless the weights have changed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli.analysis.calibration.temperature_store import (
    FOLDER,
    KINDS,
    apply_to_prediction,
    find_temperatures,
    pass_kind,
    temperature_text,
)
from dropout_cli.analysis.inspection import Inspection
from dropout_cli.analysis.predictors import find_part, predict_part
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.metrics.calibration.temperature import TemperatureFit, fit_temperature
from dropout_cli.runs import Run
from dropout_cli.tasks import Prediction, Task
from dropout_cli.training import restore
from dropout_cli.training.restore import CHECKPOINT_FILES
from dropout_cli.training.setup import thread_limit

NUMBERS = {"nll": "NLL", "brier": "Brier score", "ece": "ECE"}
PART_NAMES = {"train": "training", "val": "validation", "test": "test"}


def inspect_temperature(
    run: Run,
    *,
    split: str = "test",
    checkpoint: str | None = None,
    passes: int | None = None,
    all_noise: bool = False,
    allow_changed_data: bool = False,
) -> Inspection:
    """Fit the temperature of each predictor, and say what it changes.

    Args:
        run: A classification run with a checkpoint and a validation part.
        split: The part on which its effect is shown, beside the validation part: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        passes: Number of Monte Carlo passes, whose mean is fitted, too; None: only the predictor without noise.
        all_noise: True if the passes draw the noise of the training, too.
        allow_changed_data: True to accept data that differ from those of the training.

    Raises:
        UsageError: The run is a regression, has no validation part, or has no such checkpoint.
        DataError: The data are missing or have changed.
        RunFailed: A file of the run is damaged, or a prediction is not finite.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    if trained.task.name != "classification":
        fact = "needs a classification, and this run is a regression"
        raise UsageError("--temperature", fact, "Leave it out.")
    if trained.dataset.val is None:
        fact = "this run has no validation part to fit it to, because dataset.val_fraction is 0"
        raise UsageError("--temperature", fact, "Train with a larger dataset.val_fraction.")
    parts = {name: find_part(trained, name) for name in dict.fromkeys(("val", split))}
    with thread_limit(trained.experiment), trained.learner.averaged() as network:
        found = {
            name: predict_part(trained, network, trained.task, part, passes=passes, all_noise=all_noise, scored=False)
            for name, part in parts.items()
        }
    weights = run.digest(CHECKPOINT_FILES[trained.checkpoint])
    entries = {kind: dict(one.entry) for kind, one in find_temperatures(run, trained.checkpoint).items()}
    for name, kind in (("weight_scaling", "weight_scaling"), ("monte_carlo", pass_kind(all_noise))):
        if name in found["val"].predictions:
            predictions = {part: one.predictions[name] for part, one in found.items()}
            entries[kind] = {
                "passes": None if name == "weight_scaling" else passes,
                "checkpoint": trained.checkpoint,
                "weights": weights,
                **_fit(trained.task, predictions, parts),
            }
    entries = {kind: entries[kind] for kind in KINDS if kind in entries}
    return Inspection(
        FOLDER,
        "Temperature",
        {"predictors": entries},
        ["predictor", "part", "number", "at temperature 1", "at the fitted one"],
        [row for kind, entry in entries.items() for row in _rows(kind, entry)],
        sentences=[temperature_effect(kind, entry) for kind, entry in entries.items()],
        notices=found["val"].notices,
    )


def _fit(task: Task, predictions: Mapping[str, Prediction], parts: Mapping[str, Part]) -> dict[str, Any]:
    """Fit a temperature to the validation part, and score every part before and after."""
    if not all(np.all(np.isfinite(one["log_probabilities"])) for one in predictions.values()):
        raise RunFailed(
            "--temperature", "the outputs are not finite numbers", "Train again with a lower learning rate."
        )
    fit: TemperatureFit = fit_temperature(predictions["val"]["log_probabilities"], parts["val"].labels)
    return {
        "temperature": fit.temperature,
        "outcome": fit.outcome,
        "validation_examples": len(parts["val"].labels),
        "parts": {
            name: {
                "before": _scores(task, predictions[name], part.labels),
                "after": _scores(task, apply_to_prediction(predictions[name], fit.temperature), part.labels),
            }
            for name, part in parts.items()
        },
    }


def _scores(task: Task, prediction: Prediction, labels: Array) -> dict[str, float]:
    found = task.scores(prediction, labels)
    return {name: found[name] for name in NUMBERS}


def _rows(kind: str, entry: Mapping[str, Any]) -> list[list[Any]]:
    return [
        [KINDS[kind], PART_NAMES[part], label, scores["before"][name], scores["after"][name]]
        for part, scores in entry["parts"].items()
        for name, label in NUMBERS.items()
    ]


def temperature_effect(kind: str, entry: Mapping[str, Any]) -> str:
    """Return the temperature of a predictor and its effect, or the reason why there is none.

    Args:
        kind: A key of KINDS.
        entry: The stored numbers of the predictor.
    """
    examples, value = entry["validation_examples"], temperature_text(entry["temperature"])
    of = f"{KINDS[kind][0].upper()}{KINDS[kind][1:]}"
    of += "" if entry["passes"] is None else f" ({counted(entry['passes'], 'pass')})"
    if entry["outcome"] == "all right":
        return (
            f"{of}: there is no best temperature. All {counted(examples, 'validation example')} are right, so the "
            "NLL falls without end as the temperature falls to 0. Temperature 1 is kept."
        )
    if entry["outcome"] == "no gain":
        return f"{of}: temperature 1 is kept, because no other one lowers the NLL of the validation part."
    reason = ""
    if entry["outcome"] == "at the bound":
        reason = (
            " This is the largest one allowed: the outputs are worse than equal probabilities for all classes, so "
            "no finite temperature is best."
            if entry["temperature"] > 1
            else " This is the smallest one allowed."
        )
    changes = []
    for part, scores in entry["parts"].items():
        before, after = scores["before"]["nll"], scores["after"]["nll"]
        first, last = significant(before), significant(after)
        change = f"{'falls' if after < before else 'rises'} from {first} to {last}"
        changes.append(f"the NLL of the {PART_NAMES[part]} part {f'stays at {first}' if first == last else change}")
    return (
        f"{of}: temperature {value}, fitted to {counted(examples, 'validation example')}.{reason} "
        f"{changes[0][0].upper()}{'; '.join(changes)[1:]}."
    )
