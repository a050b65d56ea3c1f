"""Time of a training step by kind of work: a stacked bar per case."""

from collections.abc import Mapping

from dropout_cli.plots.canvas import BLUE, GRAY, LIGHT_GRAY, ORANGE, SKY, VERMILION, elide, render, style
from dropout_cli.plots.layout import titled_canvas

COLORS = (BLUE, VERMILION, ORANGE, GRAY, LIGHT_GRAY, SKY, "#009E73")


def step_time_figure(cases: Mapping[str, Mapping[str, float]], subtitle: str) -> bytes:
    """Draw the shares of each case's step, with the length of the step next to it.

    Args:
        cases: Case -> kind of work -> microseconds.
        subtitle: The content of the figure.
    """
    kinds = list(dict.fromkeys(kind for parts in cases.values() for kind in parts))
    with style():
        canvas = titled_canvas(_finding(cases), subtitle, 0.85 + 0.5 * len(cases), 8.4)
        figure, height = canvas.figure, canvas.height
        axes = figure.add_axes((0.24, 0.42 / height, 0.62, 0.5 * len(cases) / height))
        axes.grid(visible=False)
        for place, (name, parts) in enumerate(cases.items()):
            total, left = sum(parts.values()), 0.0
            for kind in kinds:
                share = parts.get(kind, 0.0) / total
                color = COLORS[kinds.index(kind) % len(COLORS)]
                axes.barh(-place, share, left=left, height=0.66, color=color, edgecolor="white", linewidth=0.6)
                left += share
            axes.text(1.01, -place, f"{total / 1000:.3g} ms", va="center", fontsize=8)
            axes.text(-0.01, -place, elide(name, 1.9, 8), va="center", ha="right", fontsize=8)
        axes.set_xlim(0, 1)
        axes.set_ylim(0.5 - len(cases), 0.5)
        axes.set_yticks([])
        axes.xaxis.set_major_formatter("{x:.0%}")
        handles = [axes.patches[place] for place in range(len(kinds))]
        figure.legend(
            handles, kinds, loc="upper left", ncols=len(kinds), fontsize=8, bbox_to_anchor=(0.02, canvas.body / height)
        )
        return render(figure)


def _finding(cases: Mapping[str, Mapping[str, float]]) -> str:
    """Return the kind of work that takes the most time, with its share and the number of cases."""
    shares: dict[str, list[float]] = {}
    for parts in cases.values():
        total = sum(parts.values())
        for kind, microseconds in parts.items():
            shares.setdefault(kind, []).append(microseconds / total)
    if not shares:
        return "No step was measured"
    means = {kind: sum(values) / len(cases) for kind, values in shares.items()}
    most = max(means, key=lambda kind: means[kind])
    if len(cases) == 1:
        ((name, parts),) = cases.items()
        return f"{name}: a step takes {sum(parts.values()) / 1000:.3g} ms, {means[most]:.0%} of it for {most}"
    return f"Most of a step is {most}: {means[most]:.0%} on average over {len(cases)} cases"
