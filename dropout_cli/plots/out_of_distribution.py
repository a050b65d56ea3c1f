"""Scores of known and strange examples: their distributions, and how well they tell them apart."""

import numpy as np

from dropout_cli.plots.canvas import BLUE, GRAY, GREEN, ORANGE, PINK, VERMILION, render, style
from dropout_cli.plots.figure_columns import FigureColumns, rows_where
from dropout_cli.plots.layout import LABEL_SIZE, titled_canvas

SCORE_LABELS = {
    "max_probability": "maximum probability",
    "entropy": "entropy (nats)",
    "mutual_information": "mutual information (nats)",
    "sd": "predicted sd (in units of the targets' sd)",
    "model_sd": "sd of the passes (in units of the targets' sd)",
}
PREDICTOR_LABELS = {"weight_scaling": "no noise", "monte_carlo": "Monte Carlo"}
PANEL_BODY = 1.25


def draw_score_distributions(columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw the shares of known and of strange examples at each value of a score, a panel for each score.

    With Monte Carlo passes, their scores are drawn.

    Args:
        columns: `prediction`, `score`, `low` and `high` (the ends of a bin), `known` and `strange` (shares).
        title: The finding.
        subtitle: What the figure shows.
    """
    predictor = "monte_carlo" if "monte_carlo" in columns["prediction"] else "weight_scaling"
    found = rows_where(columns, prediction=predictor)
    names = list(dict.fromkeys(found["score"]))
    with style():
        body = len(names) * (PANEL_BODY + 0.5) + 0.3
        canvas = titled_canvas(title, subtitle, body)
        for number, name in enumerate(names):
            bins = rows_where(found, score=name)
            top = 0.05 + number * (PANEL_BODY + 0.5)
            axes = canvas.axes(0.68, body - top - PANEL_BODY, 0.15, top)
            edges = np.array([*bins["low"], bins["high"][-1]], float)
            for column, color in (("known", BLUE), ("strange", VERMILION)):
                axes.stairs(bins[column], edges, color=color, fill=True, alpha=0.25)
                axes.stairs(bins[column], edges, color=color, lw=1.3, label=column)
            axes.set_xlabel(f"{PREDICTOR_LABELS[predictor]}: {SCORE_LABELS[name]}", fontsize=LABEL_SIZE, labelpad=2)
            axes.set_ylabel("share", fontsize=LABEL_SIZE)
            axes.set_xlim(edges[0], edges[-1])
            # A root, because most known examples share one bin.
            axes.set_yscale("function", functions=(np.sqrt, np.square))
            axes.set_ylim(0, 1)
            axes.set_yticks([0, 0.1, 0.25, 0.5, 1], ["0", "10 %", "25 %", "50 %", "100 %"])
            axes.tick_params(labelsize=8)
        handles, labels = axes.get_legend_handles_labels()
        canvas.figure.legend(
            handles, labels, loc="lower left", ncols=2, fontsize=LABEL_SIZE, bbox_to_anchor=(0.6 / canvas.width, 0)
        )
        return render(canvas.figure)


def draw_roc_curves(columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw the ROC curve of each score.

    Args:
        columns: `prediction`, `score`, `false_positive_rate` and `true_positive_rate`.
        title: The finding.
        subtitle: What the figure shows.
    """
    pairs = list(dict.fromkeys(zip(columns["prediction"], columns["score"], strict=True)))
    colors = (BLUE, GREEN, VERMILION, ORANGE, PINK)
    with style():
        side, legend = 3.0, 0.19 * len(pairs)
        body = side + 0.55 + legend
        canvas = titled_canvas(title, subtitle, body)
        axes = canvas.axes(0.72, body - side, canvas.width - 0.72 - side)
        for color, (predictor, score) in zip(colors, pairs, strict=False):
            found = rows_where(columns, prediction=predictor, score=score)
            axes.plot(
                found["false_positive_rate"],
                found["true_positive_rate"],
                color=color,
                lw=1.4,
                linestyle="--" if predictor == "weight_scaling" else "-",
                label=f"{PREDICTOR_LABELS[predictor]}: {SCORE_LABELS[score].partition(' (')[0]}",
            )
        axes.plot([0, 1], [0, 1], color=GRAY, lw=0.8, linestyle=":")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_xlabel("share of known examples called strange", fontsize=LABEL_SIZE)
        axes.set_ylabel("share of strange examples found", fontsize=LABEL_SIZE)
        handles, labels = axes.get_legend_handles_labels()
        canvas.figure.legend(
            handles, labels, loc="lower left", fontsize=LABEL_SIZE, bbox_to_anchor=(0.6 / canvas.width, 0)
        )
        return render(canvas.figure)
