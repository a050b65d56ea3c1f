"""Heat maps of hidden activations: a row per layer, a column per dropout rate."""

from collections.abc import Mapping

from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.plots.panels import Panel, panel_grid

PANEL_HEIGHT = 1.7  # inches of a panel


def activation_maps(
    activations: Mapping[Panel, Array], captions: Mapping[Panel, str], title: str, subtitle: str = ""
) -> bytes:
    """Draw the activations of each layer and setting.

    Args:
        activations: Panel -> (examples, units).
        captions: Panel -> text below it.
        title: The finding.
        subtitle: The content of the figure.
    """
    wide = min(3.4, max(1.8, max(values.shape[1] for values in activations.values()) / 60))

    def row_label(layer: str, values: Array) -> str:
        return f"{layer}\n{counted(values.shape[1], 'unit')}"

    return panel_grid(
        activations, captions, title, subtitle, panel_width=wide, panel_height=PANEL_HEIGHT, row_label=row_label
    )
