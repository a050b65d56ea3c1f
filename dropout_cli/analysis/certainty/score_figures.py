"""Figures and findings about scores of known and strange examples."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli.analysis.inspection import InspectionFigure
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics.out_of_distribution import Separation, roc_points

Score = tuple[str, str]
"""Predictor and name of the score."""
BINS = 30
SCORE_WORDS = {
    "max_probability": "maximum probability",
    "entropy": "entropy",
    "mutual_information": "mutual information",
    "sd": "predicted sd",
    "model_sd": "sd of the passes",
}


def score_figures(
    known: Mapping[Score, Array],
    strange: Mapping[Score, Array],
    found: Mapping[Score, Separation],
    passes: int | None,
    subtitle: str,
) -> list[InspectionFigure]:
    """Return the distributions of the scores, and their ROC curves.

    Args:
        known: The scores of known examples, (n,) each; higher is stranger.
        strange: The same scores of strange examples, (m,) each.
        found: How well each score tells them apart.
        passes: Number of Monte Carlo passes; None: none.
        subtitle: The known and the strange examples, for people.
    """
    bins: dict[str, list[Any]] = {name: [] for name in ("prediction", "score", "low", "high", "known", "strange")}
    curves: dict[str, list[Any]] = {
        name: [] for name in ("prediction", "score", "false_positive_rate", "true_positive_rate")
    }
    for (predictor, score), ours in known.items():
        theirs = strange[predictor, score]
        values = [np.exp(-each) if score == "max_probability" else each for each in (ours, theirs)]
        low = min(float(each.min()) for each in values) if score == "max_probability" else 0.0
        high = 1.0 if score == "max_probability" else max(float(each.max()) for each in values)
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
        shares = [np.histogram(np.clip(each, edges[0], edges[-1]), edges)[0] / len(each) for each in values]
        for row in zip(edges[:-1], edges[1:], *shares, strict=True):
            for name, cell in zip(bins, (predictor, score, *map(float, row)), strict=True):
                bins[name].append(cell)
        for point in zip(*roc_points(ours, theirs), strict=True):
            for name, cell in zip(curves, (predictor, score, *map(float, point)), strict=True):
                curves[name].append(cell)
    best = max(found, key=lambda name: found[name].auroc)
    phrase, many = (
        _score_phrase(best, passes),
        {kind: f"{len(scores[best]):,}" for kind, scores in (("known", known), ("strange", strange))},
    )
    share = (
        f"{phrase[0].upper()}{phrase[1:]}: to find 95 % of {many['strange']} strange examples, "
        f"{100 * found[best].fpr95_strange:.1f} % of {many['known']} known ones are wrongly called strange"
    )
    drawn = "no noise" if passes is None else f"Monte Carlo, {counted(passes, 'pass')}"
    return [
        InspectionFigure(
            "distributions",
            "score_distributions",
            bins,
            _finding(found, best, passes),
            f"share of examples by score, {drawn}; {subtitle}",
        ),
        InspectionFigure("roc", "roc_curves", curves, share, f"ROC curves; {subtitle}"),
    ]


def _finding(found: Mapping[Score, Separation], best: Score, passes: int | None) -> str:
    """Return the best AUROC, and whether the intervals are on one side of 1/2."""
    top = found[best]
    value = f"AUROC {top.auroc:.3f}"
    if not math.isnan(top.auroc_low):
        value += f" ({auroc_interval_text(top)})"
    by = f"by the score '{_score_phrase(best, passes)}'"
    below = sum(one.auroc_high < 0.5 for one in found.values())
    above = sum(one.auroc_low > 0.5 for one in found.values())
    scores = counted(len(found), "score")
    best_of = f", the best of {scores}" if len(found) > 1 else ""
    if math.isnan(top.auroc_low):
        return f"{value} {by}{best_of}; there are too few examples for an interval"
    if above:
        others = f"; by {below} of them the network is surer of the strange examples" if below else ""
        return f"{value} {by}{best_of}{others}"
    if not below:
        return f"No score separates the strange examples from the known ones: {value} at best"
    which = "" if below == len(found) else f" by {below} of {scores}"
    return f"The network is surer of the strange examples{which}: {value} at best"


def auroc_interval_text(one: Separation) -> str:
    """Return the 95 % interval of an AUROC, such as `0.912 to 0.934`; empty if there is none."""
    return "" if math.isnan(one.auroc_low) else f"{one.auroc_low:.3f} to {one.auroc_high:.3f}"


def _score_phrase(name: Score, passes: int | None) -> str:
    """Return the predictor and its score, such as `Monte Carlo, 20 passes: entropy`."""
    predictor, score = name
    if predictor == "weight_scaling":
        return f"no noise: {SCORE_WORDS[score]}"
    return f"Monte Carlo, {counted(passes or 0, 'pass')}: {SCORE_WORDS[score]}"
