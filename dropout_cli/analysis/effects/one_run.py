"""All studies of the hidden layers of one run."""

from collections.abc import Iterator
from dataclasses import replace

from dropout_cli.analysis.effects.ablation import inspect_ablation
from dropout_cli.analysis.effects.filters import inspect_filters
from dropout_cli.analysis.effects.hidden_layers import count_test_examples, number_suffix
from dropout_cli.analysis.effects.statistics import inspect_statistics
from dropout_cli.analysis.inspection import Inspection
from dropout_cli.core.text import counted
from dropout_cli.runs import Run
from dropout_cli.training import restore
from dropout_cli.training.setup import thread_limit


def inspect_hidden_layers(run: Run, examples: int | None = None) -> Iterator[Inspection]:
    """Yield the studies of activations, of ablated units, and of the filters.

    Args:
        run: A complete run.
        examples: Number of test examples; None: as `count_test_examples` decides.

    Raises:
        UsageError: The number of examples is out of range, or the network has no hidden layers.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged.
    """
    model = restore.load_model(run)
    count = count_test_examples(model, examples)
    suffix = number_suffix(examples)
    with thread_limit(model.experiment):
        for study in (inspect_statistics, inspect_ablation):
            found = study(run, model, count)
            size = f", {counted(count, 'test example')}" if suffix else ""
            yield replace(found, folder=f"{found.folder}{suffix}", title=f"{found.title}{size}")
        yield inspect_filters(run, model)
