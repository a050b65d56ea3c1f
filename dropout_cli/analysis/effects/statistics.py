"""Statistics of the hidden activations of a trained network, without noise, on test examples."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from dropout_cli.analysis.effects.hidden_layers import hidden_outputs, network_units, words_for_examples
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.core.text import counted, significant
from dropout_cli.metrics import csv_bytes
from dropout_cli.metrics.activation_statistics import ActivationStatistics, activation_statistics, chance_correlation
from dropout_cli.runs import Run
from dropout_cli.training.restore import LoadedModel

ENOUGH_EXAMPLES = 1000
"""With fewer examples, the correlation that chance alone gives is above .025."""

LayerStatistics: TypeAlias = Mapping[str, ActivationStatistics]
"""Hidden layer -> statistics."""


@dataclass(frozen=True)
class ShownStatistic:
    """A statistic that figures and tables show."""

    words: str
    """The title of its panel."""
    header: str
    """The name of its column in tables."""
    axis: Literal["own", "share", "correlation"]
    """Panels with the same word have the same axis, except `own`."""
    key: str
    """The field of ActivationStatistics."""
    chance: str | None = None
    """The field with the value that chance alone gives."""

    def value(self, found: ActivationStatistics) -> float:
        """Return the value; dead units as a share."""
        value = float(getattr(found, self.key))
        return value / found.units if self.key == "dead_units" else value


SHOWN_STATISTICS = (
    ShownStatistic("mean activation", "mean", "own", "mean"),
    ShownStatistic("participation ratio", "dimensions", "own", "participation_ratio"),
    ShownStatistic("share of zeros", "zeros", "share", "share_of_zeros"),
    ShownStatistic("share of dead units", "dead", "share", "dead_units"),
    ShownStatistic("population sparseness", "population", "share", "population_sparseness"),
    ShownStatistic("lifetime sparseness", "lifetime", "share", "lifetime_sparseness"),
    ShownStatistic("|correlation|, all examples", "|r|", "correlation", "correlation", "chance"),
    ShownStatistic(
        "|correlation| within classes",
        "|r| within classes",
        "correlation",
        "within_class_correlation",
        "within_class_chance",
    ),
)


def layer_statistics(run: Run, model: LoadedModel, examples: int) -> LayerStatistics:
    """Return the statistics of each hidden layer.

    Args:
        run: The run.
        model: Its model.
        examples: The number of test examples, from the first on.

    Raises:
        UsageError: The network has no hidden layers.
    """
    units = network_units(run, model)
    with model.learner.averaged():
        outputs = hidden_outputs(units, model, examples)
    labels = model.dataset.test.labels[:examples] if model.task.name == "classification" else None
    return {
        name: activation_statistics(one.values, labels, share_of_zeros=one.share_of_zeros)
        for name, one in outputs.items()
    }


def inspect_statistics(run: Run, model: LoadedModel, examples: int) -> Inspection:
    """Return the study of the hidden activations of a run.

    Args:
        run: The run.
        model: Its model.
        examples: The number of test examples, from the first on.

    Raises:
        UsageError: The network has no hidden layers.
    """
    found = layer_statistics(run, model, examples)
    figure = InspectionFigure(
        "statistics",
        "effects_statistics",
        statistics_columns({"": found}),
        correlation_finding(found),
        f"{model.dataset.name}, {words_for_examples([model], examples)}, noise off; dotted: by chance alone",
    )
    return Inspection(
        "effects-statistics",
        "Hidden activations",
        {"examples": examples, "layers": {name: statistics_numbers(one) for name, one in found.items()}},
        ["layer", "units", *(one.header for one in SHOWN_STATISTICS)],
        [table_cells(name, one) for name, one in found.items()],
        [figure],
        [_layer_sentence(name, one) for name, one in found.items()],
        few_examples_notices(examples),
        {"layers.csv": layers_csv([({}, found)])},
    )


def statistics_numbers(found: ActivationStatistics) -> dict[str, float | None]:
    """Return all statistics of a layer as JSON values."""
    return {key: _defined(value) for key, value in asdict(found).items()}


def layers_csv(studied: Sequence[tuple[Mapping[str, Any], LayerStatistics]]) -> bytes:
    """Return a CSV file with all statistics, a row per network and layer.

    Args:
        studied: For each network the first cells of its rows, name -> cell, and its statistics.
    """
    rows = [
        {**cells, "layer": name, **statistics_numbers(one)} for cells, found in studied for name, one in found.items()
    ]
    return csv_bytes([list(rows[0]), *(list(row.values()) for row in rows)])


def statistics_columns(found: Mapping[str, LayerStatistics]) -> dict[str, list[Any]]:
    """Return the columns of the figure with a panel per statistic.

    Args:
        found: Name of a network -> its statistics; an empty name if there is one network.
    """
    rows: list[tuple[Any, ...]] = []
    for shown in SHOWN_STATISTICS:
        for network, layers in found.items():
            for layer, one in layers.items():
                value = shown.value(one)
                if not math.isnan(value):
                    chance = None if shown.chance is None else _defined(getattr(one, shown.chance))
                    rows.append((shown.words, shown.axis, layer, network, value, None, None, chance))
    names = ("statistic", "axis", "layer", "network", "value", "low", "high", "chance")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def correlation_finding(found: LayerStatistics) -> str:
    """Return the correlation of the first and the last layer beside that of chance."""
    last = list(found.values())[-1]
    within = not math.isnan(last.within_class_chance)
    key = "within_class_correlation" if within else "correlation"
    ends = {name: getattr(found[name], key) for name in dict.fromkeys((next(iter(found)), list(found)[-1]))}
    values = " and ".join(f"{_number(value)} in {name}" for name, value in ends.items())
    chance = last.within_class_chance if within else last.chance
    where = " within classes" if within else ""
    beside = "" if math.isnan(chance) else f" (by chance alone {_number(chance)})"
    return f"Mean |correlation| of units{where}: {values}{beside}"


def few_examples_notices(examples: int) -> list[str]:
    """Return a notice if the number of examples is too small for correlations."""
    if not 2 <= examples < ENOUGH_EXAMPLES:
        return []
    few, enough = (f"{chance_correlation(count):.3f}" for count in (examples, ENOUGH_EXAMPLES))
    return [
        f"With {counted(examples, 'example')}, chance alone gives a |correlation| of {few}; "
        f"with {ENOUGH_EXAMPLES:,}, {enough}."
    ]


def _layer_sentence(name: str, found: ActivationStatistics) -> str:
    dead = f"{found.dead_units} of {counted(found.units, 'unit')}"
    verb = "is" if found.dead_units == 1 else "are"
    text = f"{name}: {100 * found.share_of_zeros:.1f} % of the outputs are 0, {dead} {verb} dead"
    if not math.isnan(found.participation_ratio):
        text += f", and the activations use {significant(found.participation_ratio, 3)} of {found.units} dimensions"
    left_out = [
        counted(number, noun)
        for number, noun in ((found.zero_examples, "example"), (found.zero_units, "unit"))
        if number
    ]
    return text + (f". Sparseness leaves out {' and '.join(left_out)} with zeros only." if left_out else ".")


def table_cells(name: str, found: ActivationStatistics) -> list[Any]:
    """Return the cells of a layer in the printed table; dead units as a number."""
    shown = (found.dead_units if one.key == "dead_units" else getattr(found, one.key) for one in SHOWN_STATISTICS)
    return [name, found.units, *(_defined(value) for value in shown)]


def _number(value: float) -> str:
    return "not defined" if math.isnan(value) else significant(value, 3)


def _defined(value: float) -> float | None:
    """Return the value; None for NaN or infinity."""
    return value if math.isfinite(value) else None
