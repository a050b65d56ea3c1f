"""The score of a network against the share of its hidden units that are ablated."""

from dropout_cli.plots.canvas import BLUE, GREEN, INK, ORANGE, PINK, SKY, VERMILION, elide, render, style
from dropout_cli.plots.figure_columns import FigureColumns, text_cell
from dropout_cli.plots.layout import LABEL_INCHES, LABEL_SIZE, WIDTH, LineEnd, label_line_ends, titled_canvas
from dropout_cli.plots.value_axis import show_percent

COLORS = (BLUE, VERMILION, ORANGE, GREEN, PINK, SKY, INK)
DASHES = {"unscaled": "-", "scaled": "--"}
PANEL_INCHES = 1.9
MAX_NAMED = 6
WORDS = {"unscaled": "kept units unchanged", "scaled": "kept units x 1 / (1 - share)"}


def ablation_figure(columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw the mean score and its range, in one panel per way to treat the kept units.

    Args:
        columns: network, kept units, share, the metric, lowest, highest.
        title: The finding.
        subtitle: What the figure shows.
    """
    names = list(columns)
    rows = list(zip(*columns.values(), strict=True))
    networks = list(dict.fromkeys(text_cell(row[0]) for row in rows))
    kinds = list(dict.fromkeys(row[1] for row in rows))
    # One network: both ways in one panel, named at the ends of the lines. Several: a panel for each way.
    panels = [kinds] if len(networks) == 1 else [[kind] for kind in kinds]
    values = [value for row in rows for value in row[3:] if value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.05 * (high - low) or 0.05
    with style():
        body = 0.3 + len(panels) * (PANEL_INCHES + 0.45)
        canvas = titled_canvas(title, subtitle, body)
        for place, shown in enumerate(panels):
            bottom = 0.5 + (len(panels) - 1 - place) * (PANEL_INCHES + 0.45)
            axes = canvas.axes(0.72, bottom, LABEL_INCHES, body - bottom - PANEL_INCHES)
            ends = []
            for number, (network, kind) in enumerate((network, kind) for network in networks for kind in shown):
                color = COLORS[number % len(COLORS)]
                line = [row[2:] for row in rows if text_cell(row[0]) == network and row[1] == kind]
                shares, means, lows, highs = zip(*line, strict=True)
                axes.fill_between(shares, lows, highs, color=color, alpha=0.18, lw=0)
                axes.plot(shares, means, color=color, ls=DASHES.get(kind, "-"), lw=1.6, marker="o", ms=3)
                ends.append(LineEnd(network or WORDS.get(kind, kind), means[-1], color))
            axes.set_ylim(low - room, high + room)
            axes.set_xlim(0, max(row[2] for row in rows) * 1.02)
            show_percent(axes.xaxis)
            axes.set_ylabel(names[3] if names[3] != "rmse" else "RMSE")
            if len(panels) > 1:
                axes.set_title(WORDS.get(shown[0], shown[0]), fontsize=LABEL_SIZE, loc="left", pad=3)
            label_line_ends(axes, ends[:MAX_NAMED] if len(ends) > MAX_NAMED else ends)
        axes.set_xlabel(elide("share of hidden units set to 0", WIDTH - 1, 9))
        return render(canvas.figure)
