"""Selective prediction: the risk where a trained network is most confident.

A classifier is confident where its maximum probability is large; with Monte Carlo passes also where the entropy of
their mean, or their mutual information, is small. A regression is confident where its standard deviation is small.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.analysis import mc_notices
from dropout_cli.analysis.certainty.passes import no_spread_notice
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.analysis.predictors import PREDICTORS, PartPredictions, find_part, predict_part, with_target_error
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted, indefinite, significant
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.metrics.selective import RiskCoverage
from dropout_cli.nn.layers.base import Layer
from dropout_cli.runs import Run
from dropout_cli.tasks import Prediction, Regression, Task
from dropout_cli.training import restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import thread_limit

OPTION = "--selective"
DEFAULT_RISK = 0.01
MAX_CURVE_ROWS = 1000
"""The most rows of the CSV file of the figure, for all rankings together."""
MIN_RANGE = 1e-9  # smallest range of standard deviations, relative to the largest one, that is not rounding


@dataclass(frozen=True)
class _Ranking:
    """An order of the examples by confidence."""

    predictor: str
    """The prediction whose loss counts: a key of PREDICTORS."""
    measure: str
    """The measure of confidence."""
    sign: int
    """1 if large values of the measure are confident, -1 if small ones are."""
    curve: RiskCoverage

    @property
    def label(self) -> str:
        """The name of the ranking for people."""
        predictor = "no noise" if self.predictor == "weight_scaling" else PREDICTORS[self.predictor]
        return f"{predictor}: {self.measure.replace('_', ' ')}"


def rank_by_confidence(
    run: Run,
    *,
    risk: float | None = None,
    passes: int | None = None,
    split: str = "test",
    checkpoint: str | None = None,
    all_noise: bool = False,
    allow_changed_data: bool = False,
) -> Inspection:
    """Compute the curves of risk against coverage of a part.

    Args:
        run: A run with a checkpoint.
        risk: The largest acceptable risk: a share of mistakes, or a mean squared error. None: .01 for a classifier,
            for a regression half of the mean squared error of all examples.
        passes: Number of Monte Carlo passes; None: none.
        split: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        all_noise: True to draw the noise of the training (`input_noise`, `hidden_noise`) in addition to dropout.
        allow_changed_data: True to accept data that differ from those of the training.

    Raises:
        UsageError: The run has no such part or checkpoint, or its confidence is the same for all examples.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part = find_part(trained, split)
    _check_risk(risk, trained.task)
    with thread_limit(trained.experiment), trained.learner.averaged() as network:
        task = with_target_error(trained, network)
        found, passes = _predict(trained, network, task, part, passes, all_noise)
    rankings = list(_rankings(task, found, part.labels))
    if not rankings:
        raise UsageError(
            OPTION,
            "the standard deviation of this regression is the same for all examples",
            f"{'Use more passes' if passes else 'Add --mc T'}, or train with objective=gaussian_nll, which predicts it "
            "for every example.",
        )
    if risk is None:
        risk = rankings[0].curve.full_risk / 2 if isinstance(task, Regression) else DEFAULT_RISK
    loss = _loss_words(task)
    return Inspection(
        f"selective-{split}-{trained.checkpoint}"
        + f"-mc{passes}" * bool(passes)
        + "-all-noise" * bool(passes and all_noise),
        f"Selective prediction, {split} part" + f", {counted(passes or 0, 'pass')}" * bool(passes),
        {
            "split": split,
            "checkpoint": trained.checkpoint,
            **({"mc": passes} if passes else {}),
            **({"mc_noise": "all"} if passes and all_noise else {}),
            "loss": loss,
            "risk": risk,
            "rankings": [_ranking_numbers(ranking, risk) for ranking in rankings],
        },
        ["confidence", "AURC", "AUGRC", "E-AURC", "risk of all", "coverage", "risk", "threshold"],
        [[ranking.label, *_table_cells(ranking, risk)] for ranking in rankings],
        [
            InspectionFigure(
                "risk_coverage",
                "risk_coverage",
                _columns(rankings, loss, risk),
                _finding(rankings[0], loss, risk),
                f"{loss} of the most confident examples of the {split} part, by their share; dotted: accepted {loss}",
            )
        ],
        [
            f"coverage is the largest share of examples, most confident first, whose {loss} is at most "
            f"{_risk_text(risk, loss)}; threshold is the confidence of the last of them."
        ],
        found.notices,
    )


def _check_risk(risk: float | None, task: Task) -> None:
    if risk is None:
        return
    if not (0 <= risk < math.inf):
        raise UsageError("--risk", f"must be a number of at least 0, got {risk:g}", "Write, for example, --risk .05.")
    if risk > 1 and not isinstance(task, Regression):
        raise UsageError("--risk", f"is a share of mistakes, from 0 to 1, got {risk:g}", "For 5 %, use .05.")


def _predict(
    trained: LoadedModel, network: Layer, task: Task, part: Part, passes: int | None, all_noise: bool
) -> tuple[PartPredictions, int | None]:
    """Predict a part; without passes if they would draw no noise, with a notice that says so."""
    notices: list[str] = []
    if passes is not None:
        notices = mc_notices.no_noise_notice(network, trained.dataset, part, trained.experiment, all_noise)
        passes = None if notices else passes
    found = predict_part(trained, network, task, part, passes=passes, all_noise=all_noise, scored=False)
    uncertainties, notices = dict(found.uncertainties), notices + found.notices
    for name in {"mutual_information", "model_sd"} & set(uncertainties):
        if passes is not None and (left_out := no_spread_notice(task, passes, float(uncertainties[name].max()))):
            notices += left_out
            del uncertainties[name]
    return PartPredictions(found.predictions, uncertainties, found.scores, notices), passes


def _rankings(task: Task, found: PartPredictions, labels: Array) -> Iterator[_Ranking]:
    """Yield the rankings whose confidence differs between examples."""
    for predictor in ("weight_scaling", "monte_carlo"):
        if predictor in found.predictions:
            prediction = found.predictions[predictor]
            more = found.uncertainties if predictor == "monte_carlo" else {}
            if isinstance(task, Regression):
                yield from _by_sd(task, predictor, prediction, more, labels)
            else:
                yield from _by_probabilities(predictor, prediction, more, labels)


def _by_probabilities(
    predictor: str, prediction: Prediction, uncertainties: Mapping[str, Array], labels: Array
) -> Iterator[_Ranking]:
    log_probabilities = np.asarray(prediction["log_probabilities"], np.float64)
    losses = (log_probabilities.argmax(axis=1) != labels).astype(np.float64)
    # In float64: the probabilities of weight scaling are float32, in which many of them round to 1.
    measures = [("maximum_probability", 1, np.exp(log_probabilities.max(axis=1)))]
    measures += [
        (words, -1, uncertainties[name])
        for words, name in (("entropy", "predictive_entropy"), ("mutual_information", "mutual_information"))
        if name in uncertainties
    ]
    for measure, sign, values in measures:
        yield _Ranking(predictor, measure, sign, _curve(sign * values, losses))


def _by_sd(
    task: Regression, predictor: str, prediction: Prediction, uncertainties: Mapping[str, Array], labels: Array
) -> Iterator[_Ranking]:
    # Several targets have different units, so each is divided by its standard deviation in the training part.
    units = task.targets.sd if len(task.targets.names) > 1 else np.ones(1)
    losses = (((labels - prediction["mean"]) / units) ** 2).mean(axis=1)
    spreads = {name: prediction[name] for name in ("sd",) if name in prediction}
    # Without predicted variances, sd and model_sd rank the examples alike.
    if task.heteroscedastic and "model_sd" in uncertainties:
        spreads["model_sd"] = uncertainties["model_sd"]
    for name, spread in spreads.items():
        values = np.sqrt(((spread / units) ** 2).mean(axis=1))
        if np.ptp(values) > MIN_RANGE * values.max() or len(values) == 1:
            yield _Ranking(predictor, name, -1, _curve(-values, losses))


def _curve(confidence: Array, losses: Array) -> RiskCoverage:
    try:
        return RiskCoverage.of(confidence, losses)
    except ValueError:
        raise UsageError(OPTION, "the predictions of this run are not all finite numbers") from None


def _loss_words(task: Task) -> str:
    if not isinstance(task, Regression):
        return "error"
    return "mean squared error" if len(task.targets.names) == 1 else "mean squared standardized error"


def _ranking_numbers(ranking: _Ranking, risk: float) -> dict[str, Any]:
    curve, block = ranking.curve, ranking.curve.last_block(risk)
    return {
        "prediction": ranking.predictor,
        "confidence": ranking.measure,
        "aurc": curve.aurc,
        "augrc": curve.augrc,
        "e_aurc": curve.e_aurc,
        "risk_of_all": curve.full_risk,
        "coverage": curve.coverage_at(risk),
        "risk_at_coverage": None if block is None else float(curve.risks[block]),
        "threshold": None if block is None else _threshold(ranking, block),
    }


def _threshold(ranking: _Ranking, block: int) -> float:
    """Return the value of the measure at a block; adding 0 turns -0 into 0."""
    return float(ranking.sign * ranking.curve.thresholds[block] + 0.0)


def _table_cells(ranking: _Ranking, risk: float) -> list[Any]:
    numbers = _ranking_numbers(ranking, risk)
    keys = ("aurc", "augrc", "e_aurc", "risk_of_all", "coverage", "risk_at_coverage", "threshold")
    return [numbers[key] for key in keys]


def _columns(rankings: list[_Ranking], loss: str, risk: float) -> dict[str, list[Any]]:
    """Return the columns of the CSV file: points of all curves, with both ends."""
    columns: dict[str, list[Any]] = {name: [] for name in ("ranking", "coverage", loss, "threshold", "accepted")}
    for ranking in rankings:
        blocks = ranking.curve.sample_blocks(MAX_CURVE_ROWS // len(rankings))
        columns["ranking"] += [ranking.label] * len(blocks)
        columns["coverage"] += ranking.curve.coverages[blocks].tolist()
        columns[loss] += ranking.curve.risks[blocks].tolist()
        columns["threshold"] += [_threshold(ranking, block) for block in blocks]
        columns["accepted"] += [risk] * len(blocks)
    return columns


def _risk_text(risk: float, loss: str) -> str:
    return f"{significant(100 * risk, 3)} %" if loss == "error" else significant(risk)


def _finding(ranking: _Ranking, loss: str, risk: float) -> str:
    coverage, everything = ranking.curve.coverage_at(risk), _risk_text(ranking.curve.full_risk, loss)
    accepted = f"{indefinite(loss)} of at most {_risk_text(risk, loss)}"
    if coverage == 0:
        return f"No share of the most confident examples has {accepted}; that of all is {everything}"
    if coverage == 1:
        return f"All examples together have {accepted}: it is {everything}"
    return f"{100 * coverage:.1f} % of the examples can be answered with {accepted}; that of all is {everything}"
