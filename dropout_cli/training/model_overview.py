"""A table of the network of an experiment: shapes, parameters, and the noise rates."""

from collections.abc import Iterator, Mapping

from dropout_cli import data
from dropout_cli.config.schema import Experiment
from dropout_cli.core.text import significant
from dropout_cli.nn.summary import LayerSummary, summarize_network
from dropout_cli.runs.noise_columns import noise_column
from dropout_cli.training.auto_values import check_experiment
from dropout_cli.training.batch_order import BatchPlan
from dropout_cli.training.setup import build_for_dataset

STRENGTHS = ("rate", "alpha")
"""Quantities that say how strong a noise is before training: the probability of dropping, or a variance."""


def model_table(experiment: Experiment) -> list[tuple[str, str, str, int, str]]:
    """Return a row for each layer of the network that an experiment would train, and a total.

    The data are read, for their shape. A row has path, kind, output shape, number of parameters, and noise or "".

    Args:
        experiment: The experiment.

    Raises:
        ConfigError: The config does not fit the data.
        DataError: Data are missing or have changed.
    """
    dataset = data.load_dataset(experiment.dataset)
    experiment = check_experiment(experiment, dataset)
    network = build_for_dataset(experiment, dataset)
    lines = summarize_network(network, dataset.shape)
    first = network.columns()
    # A schedule changes the rates: the table has the first and the last one.
    network.set_step(BatchPlan.from_experiment(experiment, len(dataset.train)).steps - 1)
    last, learned = network.columns(), network.learned_columns()
    texts: dict[str, list[str]] = {}
    for column, value in first.items():
        quantity = getattr(noise_column(column), "quantity", None)
        if quantity in STRENGTHS:
            range_text = _range(value, last[column], column in learned)
            texts.setdefault(_owner(column, lines), []).append(f"{quantity} {range_text}")
    rows = [
        (
            line.path,
            line.kind,
            "x".join(map(str, line.shape)),
            line.parameters,
            ", ".join(_noise(line, texts)),
        )
        for line in lines
    ]
    return [*rows, ("total", "", "", sum(line.parameters for line in lines), "")]


def _range(first: float, last: float, is_learned: bool) -> str:
    """Return `0.3`, `0 to 0.5` or `learned, starts at 0.1`."""
    if is_learned:
        return f"learned, starts at {significant(first, 3)}"
    return significant(first, 3) if first == last else f"{significant(first, 3)} to {significant(last, 3)}"


def _owner(column: str, lines: list[LayerSummary]) -> str:
    """Return the path of the layer of a column: the longest one that it begins with."""
    return max((line.path for line in lines if column.startswith(f"{line.path}/")), key=len, default="")


def _noise(line: LayerSummary, texts: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the strengths of a layer's noise; `noise` if the strength is unknown."""
    if line.path in texts:
        yield from texts[line.path]
    elif line.noise_sd is not None:
        yield f"sd {significant(line.noise_sd, 3)}"
    elif line.noisy:
        yield "noise"
