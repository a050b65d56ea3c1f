"""The incoming weights of the first hidden layer: as small images for pictures, by column for tables.

The filters of a dense layer have the size of the picture, those of a convolution the size of its kernel. For a table,
the mean |weight| of each column says how much the layer reads from it, because the columns are scaled alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.analysis.effects.hidden_layers import network_units
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Dataset
from dropout_cli.runs import Run
from dropout_cli.training.restore import LoadedModel

MAX_FILTERS, FILTERS_PER_ROW = 64, 8


@dataclass(frozen=True)
class FirstFilters:
    """The incoming weights of the first hidden layer."""

    layer: str
    weights: Array
    """(height, width, channels, units) for pictures, (columns, units) for tables."""
    columns: tuple[str, ...]
    """Names of the columns of a table; empty for pictures."""

    @property
    def half_count(self) -> float:
        """The number of weights with half of a filter's squared weight, the median over filters.

        Filters of zeros, and those with NaN, are left out; NaN if all are.
        """
        squares = np.sort(self.weights.reshape(-1, self.weights.shape[-1]).astype(np.float64) ** 2, axis=0)[::-1]
        squares = squares[:, squares.any(axis=0) & np.isfinite(squares).all(axis=0)]
        if not squares.size:
            return float("nan")
        counts = 1 + (np.cumsum(squares, axis=0) < squares.sum(axis=0) / 2 * (1 - 1e-12)).sum(axis=0)
        return float(np.median(counts))

    @property
    def filter_size(self) -> int:
        """The number of weights of a filter."""
        return self.weights[..., 0].size

    @property
    def mean_weights(self) -> Array:
        """The mean |weight| of each column, (columns,)."""
        return np.asarray(np.abs(self.weights.astype(np.float64)).mean(axis=1))


def first_filters(run: Run, model: LoadedModel) -> FirstFilters:
    """Return the incoming weights of the first hidden layer.

    Args:
        run: The run.
        model: Its model.

    Raises:
        UsageError: The network has no hidden layers.
    """
    shape = model.dataset.shape
    with model.learner.averaged():
        unit = next(unit for unit in network_units(run, model) if unit.is_hidden)
        weights = unit.weights
        assert weights is not None
        if weights.ndim == 2 and len(shape) == 3:
            weights = weights.reshape(*shape, -1)
        return FirstFilters(unit.name, weights.copy(), () if len(shape) == 3 else _column_names(model.dataset))


def inspect_filters(run: Run, model: LoadedModel) -> Inspection:
    """Return the study of the first layer of a run.

    Args:
        run: The run.
        model: Its model.

    Raises:
        UsageError: The network has no hidden layers.
    """
    found = first_filters(run, model)
    numbers: dict[str, Any] = {"layer": found.layer, "weights_per_filter": found.filter_size}
    if found.columns:
        numbers["mean_weights"] = dict(zip(found.columns, map(float, found.mean_weights), strict=True))
    half = found.half_count
    numbers["weights_with_half_of_the_square"] = None if np.isnan(half) else half
    return Inspection(
        "effects-filters",
        "Filters of the first layer",
        numbers,
        figures=[filters_figure({"": found}, model.dataset.name)],
    )


def filters_figure(found: Mapping[str, FirstFilters], dataset: str) -> InspectionFigure:
    """Return the figure of the filters of one or several networks on one dataset.

    Args:
        found: Name of a network -> its filters; an empty name if there is one network.
        dataset: The name of the dataset.
    """
    first = next(iter(found.values()))
    units = first.weights.shape[-1]
    if first.columns:
        shown = f"{dataset}: mean |weight| from each scaled column to the {counted(units, 'unit')} of {first.layer}"
        return InspectionFigure("filters", "effects_columns", _column_rows(found), _columns_finding(found), shown)
    each = _filters_per_network(len(found))
    number = f"the first {each} of {counted(units, 'filter')}" if units > each else counted(units, "filter")
    shown = f"{dataset}: incoming weights of {first.layer}, {number}"
    return InspectionFigure("filters", "effects_filters", _pixel_rows(found, each), _filters_finding(found), shown)


def _filters_per_network(networks: int) -> int:
    """Return how many filters of each network are shown: whole rows, at least one."""
    return max(FILTERS_PER_ROW, MAX_FILTERS // networks // FILTERS_PER_ROW * FILTERS_PER_ROW)


def _pixel_rows(found: Mapping[str, FirstFilters], each: int) -> dict[str, list[Any]]:
    """Return a row per pixel and channel, and a column per filter."""
    first = next(iter(found.values())).weights
    places = np.indices(first.shape[:3]).reshape(3, -1)
    columns: dict[str, list[Any]] = dict(zip(("row", "column", "channel"), places.tolist(), strict=True))
    for network, one in found.items():
        for number in range(min(each, one.weights.shape[-1])):
            name = f"{network}: filter {number + 1}" if network else f"filter {number + 1}"
            columns[name] = [float(f"{weight:.5g}") for weight in one.weights[..., number].ravel()]
    return columns


def _column_rows(found: Mapping[str, FirstFilters]) -> dict[str, list[Any]]:
    """Return a row per network and column of the table."""
    rows = [
        (network, column, float(weight))
        for network, one in found.items()
        for column, weight in zip(one.columns, one.mean_weights, strict=True)
    ]
    return {name: [row[place] for row in rows] for place, name in enumerate(("network", "column", "mean |weight|"))}


def _filters_finding(found: Mapping[str, FirstFilters]) -> str:
    size = next(iter(found.values())).filter_size
    halves = {network: one.half_count for network, one in found.items()}
    if any(map(np.isnan, halves.values())):
        return "The weights of a filter are all 0, or not finite"
    texts = [f"{half:g}" + (f" ({network})" if network else "") for network, half in halves.items()]
    return f"Half of the squared weight of a filter is on {', '.join(texts)} of its {counted(size, 'weight')} (median)"


def _columns_finding(found: Mapping[str, FirstFilters]) -> str:
    texts = []
    for network, one in found.items():
        best = int(np.argmax(one.mean_weights))
        of = f", {network}" if network else ""
        texts.append(f"{one.columns[best]} ({significant(float(one.mean_weights[best]), 3)}{of})")
    return f"The largest mean |weight| is that of {' and of '.join(texts)}"


def _column_names(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the scaled features; none of them is a number."""
    if dataset.encoding is not None:
        names = dataset.encoding.feature_names
    else:
        names = tuple(column.name for column in dataset.columns)
    if len(names) != dataset.shape[0]:
        names = tuple(f"feature {number + 1}" for number in range(dataset.shape[0]))
    return tuple(f"column {name}" if _is_numeric(name) else name for name in names)


def _is_numeric(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True
