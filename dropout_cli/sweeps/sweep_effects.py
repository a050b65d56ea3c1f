"""Statistics of the hidden activations of every run of a sweep, against a swept rate or by setting.

The results are in the folder `effects/` of the sweep: `settings.csv` has means and standard deviations over the runs
of each setting, `runs.csv` has every run.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli.analysis.effects.hidden_layers import count_test_examples, number_suffix
from dropout_cli.analysis.effects.statistics import (
    SHOWN_STATISTICS,
    LayerStatistics,
    ShownStatistic,
    few_examples_notices,
    layer_statistics,
    layers_csv,
)
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.core.dotted import last_name
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted, significant
from dropout_cli.metrics import csv_bytes
from dropout_cli.runs import Run
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.records import RunRecord, group_runs, setting_label
from dropout_cli.training import restore
from dropout_cli.training.setup import thread_limit

EFFECTS_FOLDER = "effects"
RATE_KEYS = ("rate", "input_rate", "dense_rate")
"""Last names of the keys against which statistics are drawn as lines."""


@dataclass(frozen=True)
class SettingStatistics:
    """The statistics of the runs of one setting."""

    values: Mapping[str, Any]
    """Swept key -> value."""
    runs: Sequence[LayerStatistics]

    @property
    def label(self) -> str:
        """The setting in words."""
        return setting_label(self.values)

    @property
    def layers(self) -> list[str]:
        """The hidden layers of the runs."""
        return list(dict.fromkeys(layer for run in self.runs for layer in run))

    def mean_and_sd(self, layer: str, shown: ShownStatistic) -> tuple[float, float]:
        """Return mean and standard deviation over the runs; NaN if they are not defined."""
        values = [value for run in self.runs if layer in run and not math.isnan(value := shown.value(run[layer]))]
        if not values:
            return math.nan, math.nan
        return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def inspect_sweep(folder: SweepFolder, examples: int | None = None) -> Inspection:
    """Return the study of the hidden activations of all complete runs of a sweep.

    Args:
        folder: The folder of a sweep or of a finished search.
        examples: Number of test examples; None: as `count_test_examples` decides.

    Raises:
        UsageError: No run is complete, the plan is damaged, or a network has no hidden layers.
        DataError: The data are missing or have changed.
        RunFailed: A checkpoint is damaged.
    """
    records, plan = stored_plan.read_runs(folder)
    if not records:
        fact = "it has no complete run"
        raise UsageError(str(folder.path), fact, "Train its runs with the same `dropout sweep` command.")
    found: dict[str, LayerStatistics] = {}
    counts: set[int] = set()
    datasets: dict[str, bool] = {}
    for record in records:
        run = Run(Path(record.path))
        model = restore.load_model(run)
        count = count_test_examples(model, examples)
        with thread_limit(model.experiment):
            found[record.path] = layer_statistics(run, model, count)
        counts.add(count)
        datasets[model.dataset.name] = True
    settings = [
        SettingStatistics(group.values, [found[record.path] for record in group.runs])
        for group in group_runs(records, plan.keys)
    ]
    size = ("" if len(counts) == 1 else "at least ") + counted(min(counts), "test example")
    subtitle = f"{', '.join(datasets)}, {size}, noise off: {_spread_words(settings)}; dotted: by chance alone"
    rate_key = plan.keys[0] if _is_rate(plan.keys, settings) else None
    drawing = "effects_statistics" if rate_key is None else "effects_rates"
    finding = _setting_finding(settings) if rate_key is None else _rate_finding(rate_key, settings)
    rows = [
        [one.label, layer, len(one.runs), *(_defined(one.mean_and_sd(layer, shown)[0]) for shown in SHOWN_STATISTICS)]
        for one in settings
        for layer in one.layers
    ]
    return Inspection(
        EFFECTS_FOLDER + number_suffix(examples),
        "Effects on hidden layers",
        {
            "keys": plan.keys,
            "settings": [
                {"values": dict(one.values), "runs": len(one.runs), "layers": _layer_numbers(one)} for one in settings
            ],
        },
        ["setting", "layer", "runs", *(shown.header for shown in SHOWN_STATISTICS)],
        rows,
        [InspectionFigure("statistics", drawing, _columns(settings, rate_key), finding, subtitle)],
        ["Numbers of the table are means over the runs of a setting; dead units are a share."],
        few_examples_notices(min(counts)),
        {"settings.csv": _settings_csv(plan.keys, settings), "runs.csv": _runs_csv(plan.keys, records, found)},
    )


def _is_rate(keys: Sequence[str], settings: Sequence[SettingStatistics]) -> bool:
    """Return True if a single key is swept, and its values are rates."""
    return (
        len(keys) == 1
        and last_name(keys[0]) in RATE_KEYS
        and all(type(one.values[keys[0]]) in (int, float) for one in settings)
    )


def _columns(settings: Sequence[SettingStatistics], rate_key: str | None) -> dict[str, list[Any]]:
    """Return the columns of the figure; the fourth one has the rate, or the setting."""
    rows = [
        (
            shown.words,
            shown.axis,
            layer,
            one.label if rate_key is None else float(one.values[rate_key]),
            *_plotted(one, layer, shown),
        )
        for shown in SHOWN_STATISTICS
        for one in settings
        for layer in one.layers
    ]
    known = [row for row in rows if row[4] is not None]
    names = ("statistic", "axis", "layer", rate_key or "setting", "value", "low", "high", "chance")
    return {name: [row[place] for row in known] for place, name in enumerate(names)}


def _plotted(
    one: SettingStatistics, layer: str, shown: ShownStatistic
) -> tuple[float | None, float | None, float | None, float | None]:
    """Return the mean, the ends of its band (one sd), and the value of chance alone."""
    mean, sd = one.mean_and_sd(layer, shown)
    chances = [getattr(run[layer], shown.chance) for run in one.runs if layer in run] if shown.chance else []
    chance = float(np.mean(chances)) if chances else math.nan
    return _defined(mean), _defined(mean - sd), _defined(mean + sd), _defined(chance)


def _layer_numbers(one: SettingStatistics) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return layer -> statistic -> mean and standard deviation."""
    return {
        layer: {
            shown.key: dict(zip(("mean", "sd"), map(_defined, one.mean_and_sd(layer, shown)), strict=True))
            for shown in SHOWN_STATISTICS
        }
        for layer in one.layers
    }


def _settings_csv(keys: Sequence[str], settings: Sequence[SettingStatistics]) -> bytes:
    """Return a CSV file with a row per setting, layer and statistic."""
    rows = [
        [
            *(_cell(one.values.get(key)) for key in keys),
            layer,
            "share_of_dead_units" if shown.key == "dead_units" else shown.key,
            len(one.runs),
            *map(_defined, one.mean_and_sd(layer, shown)),
        ]
        for one in settings
        for layer in one.layers
        for shown in SHOWN_STATISTICS
    ]
    return csv_bytes([[*keys, "layer", "statistic", "runs", "mean", "sd"], *rows])


def _runs_csv(keys: Sequence[str], records: Sequence[RunRecord], found: Mapping[str, LayerStatistics]) -> bytes:
    """Return a CSV file with all statistics of every run and layer."""
    studied = [
        (
            {
                "run": record.name,
                **{key: _cell(record.values.get(key)) for key in keys},
                "seed": record.replicate.seed,
                "split_seed": record.replicate.split_seed,
            },
            found[record.path],
        )
        for record in records
    ]
    return layers_csv(studied)


def _rate_finding(key: str, settings: Sequence[SettingStatistics]) -> str:
    """Return the mean activation of the first layer at the smallest and at the largest rate."""
    ordered = sorted(settings, key=lambda one: float(one.values[key]))
    layer = ordered[0].layers[0]
    ends = ordered if len(ordered) == 1 else (ordered[0], ordered[-1])
    texts = [
        f"{significant(one.mean_and_sd(layer, SHOWN_STATISTICS[0])[0], 3)} at {last_name(key)} {one.values[key]:g}"
        for one in ends
    ]
    return f"Mean activation of {layer}: {' and '.join(texts)}"


def _setting_finding(settings: Sequence[SettingStatistics]) -> str:
    """Return the smallest and the largest mean activation of the first layer."""
    layer = settings[0].layers[0]
    means = {one.label: one.mean_and_sd(layer, SHOWN_STATISTICS[0])[0] for one in settings if layer in one.layers}
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    text = f"Mean activation of {layer}: {significant(means[low], 3)} with {low}"
    return text if low == high else f"{text}, {significant(means[high], 3)} with {high}"


def _spread_words(settings: Sequence[SettingStatistics]) -> str:
    counts = sorted({len(one.runs) for one in settings})
    if counts[-1] == 1:
        return "one run per setting"
    many = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"mean and standard deviation of {many} runs"


def _cell(value: Any) -> Any:
    """Return a value of a config as a cell of a CSV file."""
    return value if isinstance(value, int | float | str | None) and not isinstance(value, bool) else str(value)


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None
