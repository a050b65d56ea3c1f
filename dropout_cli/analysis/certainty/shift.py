"""Accuracy, calibration and certainty of a network on more and more changed examples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dropout_cli.analysis.certainty.passes import choose_passes, no_spread_notice, with_pass_noise
from dropout_cli.analysis.certainty.rotated_digit import rotated_digit_figure
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.analysis.predictors import PREDICTORS, find_part, with_target_error
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.data.corruptions.kinds import Shift, find_shift
from dropout_cli.data.dataset import Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.runs import Run
from dropout_cli.tasks import Prediction, Task
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import thread_limit

CLASS_COLUMNS = ("accuracy", "nll", "ece", "entropy", "mutual_information")
TARGET_COLUMNS = ("rmse", "nll", "coverage", "sd", "model_sd")
STRENGTH_WORDS = {
    "rotate": "{:g} degrees",
    "translate": "a move of {:g} px",
    "noise": "noise of {:g}",
    "blur": "a blur of sigma {:g}",
    "contrast": "a contrast of {:g}",
    "missing": "a share of {:g} of missing cells",
}
SHIFT_TITLES = {
    "rotate": "rotated images",
    "translate": "moved images",
    "noise": "noise in the examples",
    "blur": "blurred images",
    "contrast": "less contrast",
    "missing": "missing cells",
}


def study_shift(
    run: Run,
    kind: str,
    *,
    passes: int | None = None,
    example: int | None = None,
    split: str = "test",
    checkpoint: str | None = None,
    all_noise: bool = False,
    allow_changed_data: bool = False,
) -> Inspection:
    """Evaluate a part of the data at every strength of a shift.

    Rotated pictures of a classification also give the figure of a single one, see `rotated_digit_figure`.

    Args:
        run: A run with a checkpoint.
        kind: A key of `data.corruptions.kinds.SHIFT_AXES`.
        passes: Number of Monte Carlo passes; None: 20 if the network draws noise.
        example: The row of the picture for the figure of a single one; None: see `rotated_digit_figure`.
        split: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        all_noise: True to draw the noise of the training (`input_noise`, `hidden_noise`) in addition to dropout.
        allow_changed_data: True to accept data that differ from those of the training.

    Raises:
        UsageError: The run has no such part, checkpoint or example, or the shift does not suit the data.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part, experiment = find_part(trained, split), trained.experiment
    shift = find_shift(kind, trained.dataset, experiment.dataset, experiment.seed)
    draws_example = kind == "rotate" and trained.task.name == "classification"
    if example is not None and not draws_example:
        raise UsageError("--example", "needs --shift rotate and a classification of images", "Remove --example.")
    with thread_limit(experiment), trained.learner.averaged() as network:
        count, notices = choose_passes(trained, network, part, passes, all_noise, "--shift")
        rows, more = _rows(trained, network, part, shift, count, all_noise)
        if count is not None:
            rows, left_out = _without_rounding(rows, trained.task, count)
            more += left_out
        figures = [_figure(rows, shift, trained, count, split, len(part))]
        if draws_example:
            figures.append(rotated_digit_figure(trained, network, part, shift, split, example, count, all_noise))
    columns = _columns(trained.task)
    counts = "" if count is None else f"-mc{count}"
    return Inspection(
        f"shift-{kind}-{split}-{trained.checkpoint}{counts}{'-all-noise' * all_noise}",
        f"Shift: {SHIFT_TITLES[kind]}" + ("" if count is None else f", {counted(count, 'pass')}"),
        {"split": split, "checkpoint": trained.checkpoint, "shift": kind, "mc": count, "strengths": rows},
        (shift.axis, "prediction", *columns),
        [(row[shift.axis], PREDICTORS[row["prediction"]], *(row[name] for name in columns)) for row in rows],
        figures,
        _sentences(rows, shift, trained),
        list(dict.fromkeys([*notices, *more])),
    )


def _columns(task: Task) -> tuple[str, ...]:
    return CLASS_COLUMNS if task.name == "classification" else TARGET_COLUMNS


def _rows(
    trained: LoadedModel, network: Layer, part: Part, shift: Shift, passes: int | None, all_noise: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row for each predictor and strength, the predictors one after the other, and notices."""
    experiment, dataset = trained.experiment, trained.dataset
    batch = experiment.training.evaluation_batch
    task, notices = with_target_error(trained, network), list[str]()
    noisy = task
    if passes is not None:
        noisy, notices = with_pass_noise(trained, network, task, passes, all_noise)
    found: dict[str, list[dict[str, Any]]] = {"weight_scaling": [], "monte_carlo": []}
    for strength in shift.strengths:
        # One strength at a time, so that only one changed copy of the examples is in memory.
        shifted = shift.shifted_part(part, strength)
        scaled = task.predict(forward_passes.outputs(network, dataset, shifted, batch=batch))
        place = {shift.axis: strength, "prediction": "weight_scaling"}
        found["weight_scaling"].append(place | _numbers(task, scaled, part.labels, {}))
        if passes is None:
            continue
        drawn = noisy.combine_passes(
            forward_passes.noisy_passes(
                network,
                dataset,
                shifted,
                seed=experiment.seed,
                count=passes,
                batch=batch,
                training_noise=all_noise,
            )
        )
        numbers = _numbers(noisy, drawn.predictions["monte_carlo"], part.labels, drawn.uncertainties)
        found["monte_carlo"].append(place | {"prediction": "monte_carlo"} | numbers)
    return [*found["weight_scaling"], *found["monte_carlo"]], notices


def _numbers(
    task: Task, prediction: Prediction, labels: Array, uncertainties: Mapping[str, Array]
) -> dict[str, float | None]:
    """Return the columns of a prediction; the last one is None without passes."""
    scores = task.scores(prediction, labels)
    if task.name == "classification":
        logs = np.asarray(prediction["log_probabilities"], np.float64)
        information = uncertainties.get("mutual_information")
        return {
            **{name: scores[name] for name in ("accuracy", "nll", "ece")},
            "entropy": float(-(np.exp(logs) * logs).sum(axis=1).mean()),
            "mutual_information": None if information is None else float(information.mean()),
        }
    return {
        **{name: scores[name] for name in ("rmse", "nll", "coverage")},
        "sd": _root_mean_square(prediction.get("sd")),
        "model_sd": _root_mean_square(uncertainties.get("model_sd")),
    }


def _without_rounding(rows: list[dict[str, Any]], task: Task, passes: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows with an empty spread, and a notice, if the passes do not differ."""
    name = _columns(task)[-1]
    left_out = no_spread_notice(task, passes, max(row[name] for row in rows if row[name] is not None))
    return ([row | {name: None} for row in rows] if left_out else rows), left_out


def _root_mean_square(sd: Array | None) -> float | None:
    """Return the root mean square over the examples, averaged over the targets."""
    return None if sd is None else float(np.sqrt((sd**2).mean(axis=0)).mean())


def _figure(
    rows: Sequence[Mapping[str, Any]], shift: Shift, trained: LoadedModel, passes: int | None, split: str, examples: int
) -> InspectionFigure:
    names = (shift.axis, "prediction", *_columns(trained.task))
    columns = {name: [row[name] for row in rows] for name in names}
    many = "" if passes is None else f" and {counted(passes, 'pass')} with it"
    shown = f"{trained.dataset.name}, {counted(examples, f'{split} example')}: a prediction without noise{many}"
    return InspectionFigure("shift", "shift_curves", columns, _finding(rows, shift, trained.task), shown)


def _finding(rows: Sequence[Mapping[str, Any]], shift: Shift, task: Task) -> str:
    """Return how the main metric without noise changes, and how its certainty does."""
    plain = [row for row in rows if row["prediction"] == "weight_scaling"]
    first = plain[0]
    if task.name == "classification":
        worst = min(plain, key=lambda row: row["accuracy"])
        at = STRENGTH_WORDS[shift.name].format(worst[shift.axis])
        if worst is first:
            return f"Accuracy does not fall below {first['accuracy']:.3f}"
        ece = f"the calibration error goes from {first['ece']:.3f} to {worst['ece']:.3f}"
        return f"Accuracy falls from {first['accuracy']:.3f} to {worst['accuracy']:.3f} at {at}; {ece}"
    worst = max(plain, key=lambda row: row["rmse"])
    at = STRENGTH_WORDS[shift.name].format(worst[shift.axis])
    if worst is first:
        return f"RMSE does not rise above {significant(first['rmse'])}"
    inside = f"the 95 % intervals cover {first['coverage']:.2f}, then {worst['coverage']:.2f}"
    return f"RMSE rises from {significant(first['rmse'])} to {significant(worst['rmse'])} at {at}; {inside}"


def _sentences(rows: Sequence[Mapping[str, Any]], shift: Shift, trained: LoadedModel) -> list[str]:
    """Return how the certainty of the passes changes."""
    name, words = (
        ("mutual_information", "The mutual information of the passes")
        if trained.task.name == "classification"
        else ("model_sd", "The spread of the passes")
    )
    passes = [row for row in rows if row[name] is not None]
    if not passes:
        return []
    top = max(passes, key=lambda row: row[name])
    if top is passes[0]:
        return [f"{words} is largest without a change: {significant(top[name], 3)}."]
    at = STRENGTH_WORDS[shift.name].format(top[shift.axis])
    return [f"{words} is {significant(passes[0][name], 3)} at first and largest at {at}: {significant(top[name], 3)}."]
