"""All studies of the hidden layers of one run."""

from collections.abc import Iterator

from dropout_cli.analysis.effects.ablation import inspect_ablation
from dropout_cli.analysis.effects.filters import inspect_filters
from dropout_cli.analysis.effects.hidden_layers import count_test_examples
from dropout_cli.analysis.effects.statistics import inspect_statistics
from dropout_cli.analysis.inspection import Inspection
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
    with thread_limit(model.experiment):
        yield inspect_statistics(run, model, count)
        yield inspect_ablation(run, model, count)
        yield inspect_filters(run, model)
