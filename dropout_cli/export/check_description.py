"""The check of every export: the operations give what the network gives."""

import numpy as np

from dropout_cli.core.errors import UsageError
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.export.numpy_program import compute
from dropout_cli.export.plain_steps import constant_arrays, plain_steps
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.training import forward_passes
from dropout_cli.training.restore import LoadedWithoutData

ROWS = 4
TOLERANCE = 1e-3
"""Relative to the largest value; rounding is far below it, a wrong description usually above it."""


def check_description(model: LoadedWithoutData, network: Layer, graph: OperationGraph, outputs: GraphValue) -> None:
    """Raise UsageError if operations without noise give other outputs than the network.

    Args:
        model: The model.
        network: Its network, with the weights that are exported.
        graph: The operations, from examples before scaling.
        outputs: The outputs of the network.
    """
    x = _examples(model)
    dataset = model.fitted.unlabeled_dataset(x)
    expected = forward_passes.outputs(network, dataset, dataset.train, batch=ROWS)
    arrays = {**constant_arrays(graph), "x": x}
    computed = compute(plain_steps(graph), arrays)[outputs.name]
    if not np.allclose(computed, expected, rtol=0, atol=TOLERANCE * max(1.0, float(np.abs(expected).max()))):
        fact = "the method `describe` of a layer gives other numbers than the layer"
        raise UsageError("export", fact, "Correct it; docs/write-a-layer.md shows how.")


def _examples(model: LoadedWithoutData) -> Array:
    """Return a few random examples, before scaling, whose scaled values are between 0 and 1."""
    scaling = model.fitted.scaling
    uniform = stream(model.experiment.seed, "export").random((ROWS, *model.fitted.shape))
    x = (uniform - scaling.shift) / np.where(scaling.scale == 0, 1, scaling.scale)
    return x.astype(np.float32) if scaling.offset is None else x + scaling.offset
