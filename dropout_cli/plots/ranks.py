"""Average ranks of settings over several datasets, with the critical difference.

Demsar 2006, JMLR 7:1-30.
"""

from collections.abc import Mapping, Sequence

from dropout_cli.plots.canvas import BLUE, GRAY, INK, elide, render, style
from dropout_cli.plots.layout import LABEL_SIZE, titled_canvas


def critical_difference_plot(ranks: Mapping[str, float], critical: float, title: str = "") -> bytes:
    """Draw average ranks on a line; a bar joins ranks closer than the critical difference.

    Args:
        ranks: Setting -> average rank.
        critical: The critical difference.
        title: The finding.
    """
    named = sorted(ranks.items(), key=lambda item: item[1])
    joined = _joined([rank for _, rank in named], critical)
    subtitle = f"average rank (1 = best); critical difference {critical:.2f}; a bar joins ranks that are closer"
    with style():
        canvas = titled_canvas(title, subtitle, 0.55 + 0.24 * (len(named) + len(joined)))
        axes = canvas.axes(0.15, 0.45, 2.3)
        for place, (name, rank) in enumerate(named):
            axes.plot([rank, len(named) + 0.2], [-place, -place], color=GRAY, lw=0.7)
            axes.plot(rank, -place, "o", color=BLUE, ms=5)
            text = f"{elide(name, 1.7, LABEL_SIZE)}  {rank:.2f}"
            axes.text(len(named) + 0.3, -place, text, fontsize=LABEL_SIZE, va="center")
        for number, (low, high) in enumerate(joined):
            axes.plot([low - 0.05, high + 0.05], [-len(named) - number] * 2, color=INK, lw=3, solid_capstyle="butt")
        axes.set_xlim(0.8, len(named) + 0.2)
        axes.set_ylim(-len(named) - len(joined) + 0.3, 0.6)
        axes.set_yticks([])
        axes.set_xticks(range(1, len(named) + 1))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("average rank (← better)")
        return render(canvas.figure)


def _joined(ranks: Sequence[float], critical: float) -> list[tuple[float, float]]:
    """Return the longest ranges of sorted ranks within the critical difference.

    A range has at least two ranks.
    """
    ranges: list[tuple[float, float]] = []
    for start, low in enumerate(ranks):
        high = max(rank for rank in ranks[start:] if rank - low <= critical)
        if high > low and (not ranges or high > ranges[-1][1]):
            ranges.append((low, high))
    return ranges
