"""The studies of the hidden layers of several runs, side by side on one scale."""

import hashlib
from collections.abc import Mapping

import numpy as np

from dropout_cli.analysis.effects.ablation import (
    ABLATION_DRAWS,
    ablation_columns,
    ablation_curve,
    ablation_finding,
    ablation_numbers,
)
from dropout_cli.analysis.effects.filters import filters_figure, first_filters
from dropout_cli.analysis.effects.hidden_layers import count_test_examples, number_suffix, words_for_examples
from dropout_cli.analysis.effects.statistics import (
    SHOWN_STATISTICS,
    LayerStatistics,
    few_examples_notices,
    layer_statistics,
    layers_csv,
    statistics_columns,
    statistics_numbers,
    table_cells,
)
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted, significant
from dropout_cli.runs import Run
from dropout_cli.training import restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import thread_limit

MAX_RUNS_IN_FIGURE = 7
"""As many runs as there are colors."""


def inspect_runs(
    runs: Mapping[str, Run], examples: int | None = None, key: Mapping[str, str] | None = None
) -> Inspection:
    """Return one study of several runs, for the folder of the first one.

    Args:
        runs: Label of a run -> complete run, at least two.
        examples: Number of test examples; None: as `count_test_examples` decides, the same number for all runs.
        key: Label -> its meaning in words; None or empty if the labels are words.

    Raises:
        UsageError: The runs do not share the dataset, are too many, or one has no hidden layers.
        DataError: The data are missing or have changed.
        RunFailed: A checkpoint is damaged.
    """
    key = key or {}
    if len(runs) > MAX_RUNS_IN_FIGURE:
        fact = f"compares at most {MAX_RUNS_IN_FIGURE} runs, got {len(runs)}"
        raise UsageError("effects", fact, "Give fewer runs, or the folder of a sweep.")
    models = {label: restore.load_model(run) for label, run in runs.items()}
    _check_same_data(runs, models)
    count = min(count_test_examples(model, examples) for model in models.values())
    found, curves, filters = {}, {}, {}
    for label, model in models.items():
        with thread_limit(model.experiment):
            found[label] = layer_statistics(runs[label], model, count)
            curves[label] = ablation_curve(runs[label], model, count)
            filters[label] = first_filters(runs[label], model)
    dataset = next(iter(models.values())).dataset.name
    words = words_for_examples(models.values(), count)
    size = f"{dataset}, {words}"
    meaning = "".join(f"; {label}: {text}" for label, text in key.items())
    figures = [
        InspectionFigure(
            "statistics",
            "effects_statistics",
            statistics_columns(found),
            runs_finding(found),
            f"{size}, noise off; dotted: by chance alone{meaning}",
        ),
        InspectionFigure(
            "ablation",
            "effects_ablation",
            ablation_columns(curves),
            ablation_finding(curves, words),
            f"{size}: mean and range of {ABLATION_DRAWS} draws{meaning}",
        ),
    ]
    notices = few_examples_notices(count) + _different_examples(models)
    if len({one.weights.shape[:-1] for one in filters.values()}) == 1:
        figures.append(filters_figure(filters, dataset))
    else:
        notices.append("The filters are not shown side by side, because those of the first layers differ in size.")
    return Inspection(
        several_folder(list(runs.values())) + number_suffix(examples),
        f"Hidden layers beside those of {counted(len(runs) - 1, 'other run')}",
        {
            "examples": count,
            "runs": {
                label: {
                    "run": run.name,
                    "layers": {name: statistics_numbers(one) for name, one in found[label].items()},
                    "ablation": ablation_numbers(curves[label]),
                }
                for label, run in runs.items()
            },
        },
        ["run", "layer", "units", *(one.header for one in SHOWN_STATISTICS)],
        [[label, *table_cells(name, one)] for label, layers in found.items() for name, one in layers.items()],
        figures,
        [f"{label}: {key[label] + ', ' if label in key else ''}{run.name}." for label, run in runs.items()],
        notices,
        {"layers.csv": layers_csv([({"run": label}, layers) for label, layers in found.items()])},
    )


def several_folder(runs: list[Run]) -> str:
    """Return the folder under `after/` of the first run; it depends on the other runs."""
    others = "\n".join(run.name for run in runs[1:])
    return f"effects-with-{hashlib.sha256(others.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def runs_finding(found: Mapping[str, LayerStatistics]) -> str:
    """Return the mean activation of each network in the first hidden layer that all of them have."""
    shared = [layer for layer in next(iter(found.values())) if all(layer in layers for layers in found.values())]
    if not shared:
        return f"The {counted(len(found), 'run')} share no hidden layer"
    layer = shared[0]
    texts = [f"{significant(layers[layer].mean, 3)} ({label})" for label, layers in found.items()]
    return f"Mean activation of {layer}: {', '.join(texts)}"


def _check_same_data(runs: Mapping[str, Run], models: Mapping[str, LoadedModel]) -> None:
    """Raise UsageError if the data or the tasks of the runs differ."""
    (first, *others) = models
    for label in others:
        mine, other = models[first], models[label]
        if mine.dataset.fingerprint != other.dataset.fingerprint or mine.task.name != other.task.name:
            fact = f"was trained on other data than {runs[first].name} ({other.dataset.name}, {mine.dataset.name})"
            raise UsageError(str(runs[label].path), fact, "Give runs that share the dataset.")


def _different_examples(models: Mapping[str, LoadedModel]) -> list[str]:
    """Return a notice if the test parts differ."""
    rows = [model.dataset.test.rows for model in models.values()]
    if all(np.array_equal(rows[0], one) for one in rows[1:]):
        return []
    return ["The runs have different splits, so each one is studied on its own test examples."]
