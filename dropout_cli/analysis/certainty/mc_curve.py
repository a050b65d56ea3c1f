"""Scores of the Monte Carlo mean against the number of passes.

The passes are divided into disjoint blocks of T = 1, 2, 5, 10, ... passes. A score at T is its mean over the blocks of
T passes. Its standard deviation over the blocks is given if there are at least five of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dropout_cli.analysis import mc_notices
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.analysis.predictors import find_part, with_target_error
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.metrics import TargetPredictions
from dropout_cli.metrics.finite_passes import ExpectedScore
from dropout_cli.metrics.formulas import regression
from dropout_cli.metrics.pass_blocks import (
    MIN_BLOCKS,
    ClassBlock,
    PassProbabilities,
    block_spread,
    round_counts,
    score_blocks,
)
from dropout_cli.metrics.target_passes import TargetPasses
from dropout_cli.nn.layers.base import Layer
from dropout_cli.plots.mc_curve import score_label
from dropout_cli.runs import Run
from dropout_cli.tasks import Prediction, Regression, Task
from dropout_cli.training import forward_passes, noise_checks, pass_noise, restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import thread_limit

INFORMATION = ("mutual_information", "mutual_information_corrected")


@dataclass(frozen=True)
class _Curve:
    """The scores by number of passes."""

    names: Sequence[str]
    """The scores that a prediction without noise has too, the headline score first."""
    quadratic: str
    """The score whose dependence on the number of passes is known exactly."""
    blocks: Mapping[int, Sequence[Mapping[str, float]]]
    """Number of passes -> the scores of each block."""
    weight_scaling: Mapping[str, float]
    notices: list[str]


def compare_pass_counts(
    run: Run,
    passes: int,
    *,
    split: str = "test",
    checkpoint: str | None = None,
    all_noise: bool = False,
    allow_changed_data: bool = False,
) -> Inspection:
    """Compare the mean of 1, 2, 5, 10, ... passes with the prediction without noise.

    Args:
        run: A run with a checkpoint and with noise.
        passes: The largest number of passes, at least 2.
        split: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        all_noise: True to draw the noise of the training (`input_noise`, `hidden_noise`) in addition to dropout.
        allow_changed_data: True to accept data that differ from those of the training.

    Raises:
        UsageError: The run has no such part or checkpoint, or no noise.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part, experiment = find_part(trained, split), trained.experiment
    with thread_limit(experiment), trained.learner.averaged() as network:
        problem = noise_checks.no_noise_problem("--mc-curve", network, trained.dataset, part, experiment, all_noise)
        if problem is not None:
            raise UsageError(problem.place, problem.fact, problem.way_out or "Choose a run that has noise.")
        curve = _measure_curve(trained, network, part, passes, all_noise)
    columns, expected = _columns(curve, passes)
    folder = f"mc-curve-{split}-{trained.checkpoint}-{passes}" + "-all-noise" * all_noise
    headers, rows = _table(curve, columns)
    figures = [
        InspectionFigure(
            "mc_curve",
            "mc_curve",
            columns,
            _finding(curve, passes),
            f"scores on the {split} part by number of passes; band: standard deviation over disjoint blocks of passes",
        )
    ]
    if INFORMATION[0] in columns:
        figures.append(_information_figure(columns, split))
    return Inspection(
        folder,
        f"Monte Carlo with up to {passes} passes, {split} part",
        {
            "split": split,
            "checkpoint": trained.checkpoint,
            "passes": passes,
            **({"mc_noise": "all"} if all_noise else {}),
            "weight_scaling": {name: _json_number(value) for name, value in curve.weight_scaling.items()},
            "curve": [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)],
            f"{curve.quadratic}_limit": expected.limit,
            f"{curve.quadratic}_variance": expected.variance,
        },
        headers,
        rows,
        figures,
        [_limit_sentence(curve, expected), _spread_sentence(curve, passes)],
        curve.notices,
    )


def _measure_curve(trained: LoadedModel, network: Layer, part: Part, passes: int, all_noise: bool) -> _Curve:
    """Compute all scores from one series of passes."""
    dataset, experiment = trained.dataset, trained.experiment
    batch, sizes = experiment.training.evaluation_batch, round_counts(passes)
    task = with_target_error(trained, network)
    scaled = task.predict(forward_passes.outputs(network, dataset, part, batch=batch))
    drawn = forward_passes.noisy_passes(
        network,
        dataset,
        part,
        seed=experiment.seed,
        count=passes,
        batch=batch,
        training_noise=all_noise,
        workers=forward_passes.spare_workers(int(experiment.training.threads)),
    )
    if not isinstance(task, Regression):
        scores = task.scores(scaled, part.labels)
        names = ("error", "nll", "brier", "ece")
        probabilities = (PassProbabilities(logits, part.labels) for logits in drawn)
        blocks = score_blocks(probabilities, sizes, lambda _: ClassBlock(part.labels, dataset.classes))
        return _Curve(names, "brier", blocks, {name: scores[name] for name in names}, [])
    fitted = pass_noise.fit_pass_noises(task, network, dataset, experiment, sizes, training_noise=all_noise)
    notices = fitted[passes].notices()
    if dataset.val is None and fitted[passes].needs_passes:
        notices.append(mc_notices.NOISE_FROM_TRAINING)
    blocks = score_blocks(drawn, sizes, lambda size: _TargetBlock(fitted[size], part.labels))
    known = _target_scores(scaled, part.labels)
    return _Curve(("rmse", "mse", "nll_gaussian", "nll_log_mean_exp"), "mse", blocks, known, notices)


class _TargetBlock:
    """Running sums of passes of a regression."""

    def __init__(self, task: Task, labels: Array) -> None:
        assert isinstance(task, Regression)
        self._task, self._labels, self._sums = task, labels, TargetPasses()

    def add(self, outputs: Array) -> None:
        """Add a pass."""
        self._task.add_pass(self._sums, outputs, self._labels)

    def scores(self) -> dict[str, float]:
        """Return the scores of the combined prediction."""
        combined = self._task.combine_sums(self._sums)
        mixture = combined.scores.get("nll_log_mean_exp", math.nan)
        return {**_target_scores(combined.predictions["monte_carlo"], self._labels), "nll_log_mean_exp": mixture}


def _target_scores(prediction: Prediction, labels: Array) -> dict[str, float]:
    """Return RMSE, mean squared error and Gaussian NLL, each the mean over the targets."""
    given = TargetPredictions.of(prediction["mean"], prediction.get("sd"), labels)
    rmse, nll = regression.rmse(given), regression.gaussian_nll(given)
    return {
        "rmse": sum(rmse) / len(rmse),
        "mse": sum(one**2 for one in rmse) / len(rmse),
        "nll_gaussian": math.nan if nll is None else sum(nll) / len(nll),
    }


def _columns(curve: _Curve, passes: int) -> tuple[dict[str, list[Any]], ExpectedScore]:
    """Return the columns of the CSV file, and the exact dependence of the quadratic score."""
    columns: dict[str, list[Any]] = {
        "passes": list(curve.blocks),
        "blocks": [len(scores) for scores in curve.blocks.values()],
    }
    name = curve.quadratic
    single, combined = (block_spread(curve.blocks[count], name)[0] for count in (1, passes))
    expected = ExpectedScore.estimate(single, combined, passes)
    for score in curve.blocks[passes][0]:
        spreads = [block_spread(scores, score) for scores in curve.blocks.values()]
        columns[score] = [_json_number(mean) for mean, _ in spreads]
        columns[f"{score}_sd"] = [_json_number(sd) for _, sd in spreads]
        if score in curve.names:
            columns[f"{score}_weight_scaling"] = [_json_number(curve.weight_scaling.get(score))] * len(spreads)
        if score == name:
            columns[f"{score}_predicted"] = [expected.at(count) for count in curve.blocks]
    return columns, expected


def _json_number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _table(curve: _Curve, columns: Mapping[str, Sequence[Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return headers and rows of the table: no noise, then each number of passes."""
    shown = [name for name in columns if name != "blocks" and not name.endswith("_weight_scaling")]
    shown = [name for name in shown if name not in {f"{one}_sd" for one in INFORMATION}]
    first = [_json_number(curve.weight_scaling.get(name)) for name in shown[1:]]
    rows = [list(cells) for cells in zip(*(columns[name] for name in shown), strict=True)]
    return [_header(name) for name in shown], [["no noise", *first], *rows]


def _header(name: str) -> str:
    for suffix, word in (("_sd", "sd"), ("_predicted", "predicted"), ("_corrected", "corrected")):
        if name.endswith(suffix):
            return f"{score_label(name.removesuffix(suffix))}, {word}"
    return score_label(name)


def _finding(curve: _Curve, passes: int) -> str:
    """Return the headline scores with all passes and without noise."""
    drawn, texts = curve.blocks[passes][0], []
    for name in (curve.names[0], "nll" if "nll" in curve.names else "nll_gaussian"):
        both = [_score_text(name, value) for value in (drawn[name], curve.weight_scaling[name])]
        texts.append(f"{score_label(name)} {both[0]} with {counted(passes, 'pass')}, {both[1]} without noise")
    text = "; ".join(texts)
    return text[0].upper() + text[1:]


def _score_text(name: str, value: float) -> str:
    return f"{100 * value:.2f} %" if name == "error" else significant(value)


def _limit_sentence(curve: _Curve, expected: ExpectedScore) -> str:
    return (
        f"With T passes the expected {score_label(curve.quadratic)} is {significant(expected.limit)} + "
        f"{significant(expected.variance)} / T: the value for infinitely many passes plus the variance of a pass, "
        f"divided by T (column predicted). Without noise it is "
        f"{significant(curve.weight_scaling[curve.quadratic])}."
    )


def _spread_sentence(curve: _Curve, passes: int) -> str:
    known = [count for count, scores in curve.blocks.items() if len(scores) >= MIN_BLOCKS]
    rule = f"sd is the standard deviation over disjoint blocks of passes, where there are at least {MIN_BLOCKS} blocks"
    if not known:
        return f"{rule}: {counted(passes, 'pass')} have none. Use at least {MIN_BLOCKS} passes."
    return f"{rule}: {counted(passes, 'pass')} have them up to {counted(max(known), 'pass')} per block."


def _information_figure(columns: Mapping[str, Sequence[Any]], split: str) -> InspectionFigure:
    """Return the figure of the mutual information, as it is and corrected."""
    plain, corrected = (columns[name] for name in INFORMATION)
    finding = (
        f"Mutual information with {counted(columns['passes'][1], 'pass')}: {significant(plain[1], 3)} nats, corrected "
        f"{significant(corrected[1], 3)}"
    )
    if len(plain) > 2:
        finding += (
            f"; with {columns['passes'][-1]}: {significant(plain[-1], 3)}, corrected {significant(corrected[-1], 3)}"
        )
    kept = {name: cells for name, cells in columns.items() if name in ("passes", "blocks") or "information" in name}
    return InspectionFigure(
        "mutual_information",
        "mutual_information",
        kept,
        finding,
        f"mean over the {split} part by number of passes, T; corrected: multiplied by T / (T - 1)",
    )
