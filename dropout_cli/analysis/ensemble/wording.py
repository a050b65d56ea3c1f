"""Tables and sentences about ensembles."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dropout_cli.analysis.ensemble.measured import BAND, MeasuredEnsemble
from dropout_cli.analysis.ensemble.scoring import AVERAGES, ClassScoring, EnsembleScoring, Scores
from dropout_cli.analysis.inspection import InspectionFigure
from dropout_cli.core.text import counted, decimals, significant
from dropout_cli.metrics.ensembles import AmbiguityDecomposition

MOST_DECIMALS = 12
ROUNDING = 1e-10
"""A smaller loss or ambiguity is written as 0."""
WEIGHT_SCALING, SCALED = "no noise (weight scaling)", "weight scaling"
"""Its name in a table, and its short name in a figure."""
LOSSES = {
    "brier": ("Brier score", "arithmetic mean", "ambiguity"),
    "cross_entropy_arithmetic_mean": ("Cross-entropy", "arithmetic mean", "ambiguity, which depends on the labels"),
    "cross_entropy_geometric_mean": ("Cross-entropy", "geometric mean", "ambiguity, which needs no labels"),
}
"""Name of a decomposition -> loss, average and kind of ambiguity, for people."""


def spread_rows(measured: MeasuredEnsemble) -> Iterator[list[Any]]:
    """Yield table rows with mean, standard deviation, minimum and maximum of one network.

    Args:
        measured: The ensemble.
    """
    spreads = [measured.spread(metric) for metric in measured.scoring.metrics]
    for key in ("mean", "sd", "min", "max"):
        yield [f"one of {measured.count} {measured.name}, {key}", *(spread[key] for spread in spreads)]


def average_rows(measured: MeasuredEnsemble) -> Iterator[list[Any]]:
    """Yield a table row for each average.

    Args:
        measured: The ensemble.
    """
    for name, scores in measured.summary.scores.items():
        row = f"{AVERAGES[name]} of {measured.count} {measured.name}"
        yield [row, *(scores[metric] for metric in measured.scoring.metrics)]


def ensemble_numbers(measured: MeasuredEnsemble) -> dict[str, Any]:
    """Return the numbers of an ensemble as JSON values."""
    return {
        "count": measured.count,
        "single": {metric: measured.spread(metric) for metric in measured.scoring.metrics},
        **{name: dict(scores) for name, scores in measured.summary.scores.items()},
        **({} if measured.disagreement is None else {"disagreement": measured.disagreement}),
        "decompositions": {name: one._asdict() for name, one in measured.summary.decompositions.items()},
    }


def ensemble_sentences(measured: MeasuredEnsemble) -> list[str]:
    """Return sentences about the disagreement and the decompositions."""
    found = []
    if measured.disagreement is not None:
        pairs = counted(math.comb(measured.count, 2), "pair")
        share = percent(measured.disagreement)
        found.append(f"Two {measured.name} predict different classes for {share} of the examples (mean over {pairs}).")
    of = f"of one of the {measured.name}"
    return found + [decomposition_sentence(name, one, of) for name, one in measured.summary.decompositions.items()]


def decomposition_sentence(name: str, one: AmbiguityDecomposition, of: str) -> str:
    """Return a decomposition as a sum; the printed numbers add up.

    Args:
        name: Its name in files.
        one: The decomposition.
        of: Words after the mean loss of the networks.
    """
    loss, average, kind = LOSSES.get(name) or (f"Squared error of {name.partition(':')[2]}", "average", "ambiguity")
    sizes = [math.floor(math.log10(abs(value))) for value in one if abs(value) > ROUNDING] or [0]
    digits = min(max(0, 3 - max(sizes), 2 - min(sizes)), MOST_DECIMALS)  # four digits of the sum, three of its parts
    single, mean = (round(value, digits) for value in (one.single, one.average))
    texts = [decimals(value, digits) for value in (single, mean, single - mean)]
    return f"{loss}: {texts[0]} (mean {of}) = {texts[1]} ({average}) + {texts[2]} ({kind})."


def percent(share: float) -> str:
    """Return a share as percent with three significant digits."""
    return f"{significant(100 * share, 3)} %"


def curve_figure(ensembles: Sequence[MeasuredEnsemble], scaled: Mapping[str, Scores], shown: str) -> InspectionFigure:
    """Return the figure of the error of the average against the number of networks.

    Args:
        ensembles: The ensembles, the main one first.
        scaled: Name -> scores of predictors without a number of networks, drawn as lines.
        shown: What was evaluated.
    """
    columns: dict[str, list[Any]] = {name: [] for name in ensembles[0].curve}
    for measured in ensembles:
        for name, cells in measured.curve.items():
            columns[name] += cells
    for name, scores in scaled.items():
        known = {"networks": name, **ensembles[0].scoring.curve_scores(scores)}
        for column, cells in columns.items():
            cells.append(known.get(column))
    low, high = BAND
    return InspectionFigure(
        "error_by_networks",
        "error_by_networks",
        columns,
        _finding(ensembles, scaled),
        f"{shown}. Random subsets of the networks: mean, and band of {low:g} to {high:g} %. Subsets overlap, so a band "
        "ends in a point",
    )


def _finding(ensembles: Sequence[MeasuredEnsemble], scaled: Mapping[str, Scores]) -> str:
    """Return a sentence about averaging, with the main score of the curve."""
    parts = []
    for measured in ensembles:
        average = _main_score(measured.scoring, measured.summary.scores["arithmetic_mean"])
        single = _main_score(measured.scoring, measured.summary.single)
        change = "lowers" if average < single else "raises"
        name = "error" if isinstance(measured.scoring, ClassScoring) else "RMSE"
        texts = [_score_text(measured.scoring, value) for value in (single, average)]
        result = f"from {texts[0]} to {texts[1]}" if texts[0] != texts[1] else f"at {texts[0]}"
        verb = change if texts[0] != texts[1] else "leaves"
        parts.append(f"averaging {measured.count} {measured.name} {verb} the {name} {result}")
    scoring = ensembles[0].scoring
    parts += [f"{name} has {_score_text(scoring, _main_score(scoring, scores))}" for name, scores in scaled.items()]
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _main_score(scoring: EnsembleScoring, scores: Scores) -> float:
    return scoring.curve_scores(scores)[scoring.curve_metrics[0]]


def _score_text(scoring: EnsembleScoring, value: float) -> str:
    return percent(value) if isinstance(scoring, ClassScoring) else significant(value, 4)
