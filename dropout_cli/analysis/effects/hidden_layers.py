"""The hidden layers of a network, and their outputs without noise.

A hidden layer is a unit of the network with weights, such as `hidden1` or `conv2`, except the output. Its output is the
one that the next layer reads: after the activation and, in a convolutional network, after the pooling.

In a dense layer every output is a unit. In a layer of feature maps a channel is a unit, and its activation is the mean
over the positions of the map, as in Morcos et al. 2018 (arXiv:1803.06959). The share of zeros counts every position, as
in Hu et al. 2016 (arXiv:1607.03250).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import BatchReader, Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.network import Network
from dropout_cli.runs import Run
from dropout_cli.training.restore import LoadedModel

VECTOR_EXAMPLES, MAP_EXAMPLES = 2000, 1000
"""Default number of test examples for networks without and with feature maps, whose passes take longer."""

FEWEST_EXAMPLES = 2
"""With one example, every unit has a single output, so that all units would be called dead."""


@dataclass(frozen=True)
class NetworkUnit:
    """Consecutive layers of a network with one name."""

    name: str
    layers: tuple[Layer, ...]
    is_hidden: bool
    """True for a hidden layer; False for the output and for layers without weights."""

    def forward(self, x: Array) -> Array:
        """Return the output without noise, valid until the next call."""
        for layer in self.layers:
            x = layer.forward(x)
        return self.layers[-1].dense_output(x)

    @property
    def weights(self) -> Array | None:
        """The weights of the first linear map; None without any.

        They are (inputs, units) or (height, width, channels, units).
        """
        found = (
            parameter.value
            for layer in self.layers
            for name, parameter in layer.parameters().items()
            if name.endswith("/W")
        )
        return next(found, None)


def network_units(run: Run, model: LoadedModel) -> list[NetworkUnit]:
    """Return the units of a run's network, in order.

    Args:
        run: The run, for the message.
        model: Its model.

    Raises:
        UsageError: The network has no hidden layers.
    """
    network = model.learner.network
    layers = network.layers if isinstance(network, Network) else ()
    grouped = [(name, tuple(group)) for name, group in groupby(layers, key=lambda layer: layer.unit)]
    units = [NetworkUnit(name, group, is_hidden=False) for name, group in grouped]
    with_weights = [place for place, unit in enumerate(units) if unit.weights is not None]
    if len(with_weights) < 2:
        fact = "this network has no hidden layers"
        raise UsageError(str(run.path), fact, "Use a run with the architecture mlp, cnn or resnet.")
    hidden = set(with_weights[:-1])
    return [NetworkUnit(unit.name, unit.layers, place in hidden) for place, unit in enumerate(units)]


def count_test_examples(model: LoadedModel, wanted: int | None) -> int:
    """Return how many test examples are used, from the first on.

    Args:
        model: The model.
        wanted: The number that the user asked for; None: VECTOR_EXAMPLES or MAP_EXAMPLES, or all if there are fewer.

    Raises:
        UsageError: The number is out of range, or the run has a single test example.
    """
    most = len(model.dataset.test)
    if most < FEWEST_EXAMPLES:
        fact = f"studies of hidden layers need at least {FEWEST_EXAMPLES} test examples, and this run has {most}"
        raise UsageError("effects", fact, "Use --rates, which only draws heat maps.")
    if wanted is None:
        return min(most, MAP_EXAMPLES if model.experiment.architecture.has_maps else VECTOR_EXAMPLES)
    if not FEWEST_EXAMPLES <= wanted <= most:
        fact = f"must be from {FEWEST_EXAMPLES} to {most}, the number of test examples, got {wanted}"
        raise UsageError("--examples", fact)
    return wanted


def number_suffix(wanted: int | None) -> str:
    """Return the end of a folder's name, such as `-n40`.

    With it, studies of different numbers of examples do not replace each other.

    Args:
        wanted: The number of examples that the user asked for; None: an empty end.
    """
    return "" if wanted is None else f"-n{wanted}"


def words_for_examples(models: Iterable[LoadedModel], count: int) -> str:
    """Return `the first 2,000 of 10,000 test examples`, or `all 359 test examples`.

    Args:
        models: The studied models; their test parts may differ in size.
        count: The number of examples of each one.
    """
    sizes = sorted({len(model.dataset.test) for model in models})
    if sizes == [count]:
        return f"all {counted(count, 'test example')}"
    most = " or ".join(f"{size:,}" for size in sizes)
    return f"the first {count:,} of {most} test examples"


def read_in_batches(model: LoadedModel, part: Part, examples: int) -> Iterator[tuple[slice, Array]]:
    """Yield the rows and the scaled inputs of each batch, in the batches of an evaluation.

    Args:
        model: The model.
        part: The part.
        examples: The number of examples, from the first on.
    """
    batch = model.experiment.training.evaluation_batch
    reader = BatchReader(model.dataset, part, min(batch, examples), model.learner.network.dtype)
    for start in range(0, examples, batch):
        rows = slice(start, min(start + batch, examples))
        yield rows, reader.take(rows)[0]


@dataclass(frozen=True)
class HiddenOutputs:
    """The outputs of one hidden layer for all examples."""

    values: Array
    """(N, units): activations, or means of feature maps over their positions."""
    share_of_zeros: float
    """The share of zeros among all outputs, of every position."""


def hidden_outputs(units: list[NetworkUnit], model: LoadedModel, examples: int) -> dict[str, HiddenOutputs]:
    """Return the outputs of each hidden layer for the first test examples, without noise.

    Args:
        units: The units of the network.
        model: The model, with the evaluated weights in its network.
        examples: The number of examples.
    """
    values: dict[str, list[Array]] = {unit.name: [] for unit in units if unit.is_hidden}
    zeros, outputs = dict.fromkeys(values, 0), dict.fromkeys(values, 0)

    def keep(unit: NetworkUnit, y: Array) -> Array:
        values[unit.name].append(y.mean(axis=(1, 2)) if y.ndim == 4 else y.copy())
        zeros[unit.name] += int(y.size - np.count_nonzero(y))
        outputs[unit.name] += y.size
        return y

    for _, x in read_in_batches(model, model.dataset.test, examples):
        forward_hidden(units, x, keep)
    return {name: HiddenOutputs(np.concatenate(pieces), zeros[name] / outputs[name]) for name, pieces in values.items()}


def forward_hidden(units: list[NetworkUnit], x: Array, change: Callable[[NetworkUnit, Array], Array]) -> Array:
    """Return the output of the last unit, with the hidden layers changed by a function.

    Args:
        units: Consecutive units of a network.
        x: The input of the first one.
        change: Takes a hidden layer and its output, and returns the input of the next layer.
    """
    for unit in units:
        x = unit.forward(x)
        if unit.is_hidden:
            x = change(unit, x)
    return x
