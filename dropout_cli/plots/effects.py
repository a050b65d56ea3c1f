"""Hidden activations under several rates of dropout: a row per layer, a column per rate."""

from collections.abc import Mapping

from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.plots.panels import Panel, panels

TALL = 1.7
"""Inches of a panel."""


def effects(activations: Mapping[Panel, Array], captions: Mapping[Panel, str], title: str) -> bytes:
    """Draw `activations` (examples, units) of each layer and setting as heat maps, a caption under each."""
    wide = min(3.4, max(1.8, max(one.shape[1] for one in activations.values()) / 60))

    def row_label(layer: str, values: Array) -> str:
        return f"{layer}\n{counted(values.shape[1], 'unit')}"

    return panels(activations, captions, title, wide=wide, tall=TALL, row_label=row_label)
