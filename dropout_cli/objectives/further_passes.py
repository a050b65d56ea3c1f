"""Further passes of a step, at perturbed inputs; their gradients are added up.

A layer computes gradient = grad_beta gradient + grad_alpha dL/dvalue (nn.parameter). With grad_beta 1, a pass adds to
the gradient, and with grad_alpha 0 it leaves the gradient as it is, also if the gradient is a momentum.

A perturbed pass normalizes with the statistics of its own batch. Running averages of batch normalization, adaptive
rates and all other state are those of the first pass: inputs of an evaluation are not perturbed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer


@contextmanager
def unchanged_state(network: Layer) -> Iterator[None]:
    """Restore the state of the network, such as running averages, at the end of the block."""
    state = {name: value.copy() for name, value in network.state().items()}
    try:
        yield
    finally:
        if state:
            network.load_state(state)


def input_gradient(network: Layer, dlogits: Array) -> Array:
    """Return dL/dx of the last pass, and leave the gradients of parameters unchanged.

    Args:
        network: The network.
        dlogits: dL/dlogits, (N, C).
    """
    with _gradient_factor(network, 0.0):
        return network.backward(dlogits)


def add_gradients(network: Layer, dlogits: Array) -> None:
    """Add the gradients of the last pass to those of the passes before it.

    Args:
        network: The network.
        dlogits: dL/dlogits, (N, C).
    """
    with _gradient_factor(network, 1.0):
        network.gradients(dlogits)
    # Every backward pass adds the gradient of the penalty, which counts once. It does not depend on dlogits.
    if network.penalty():
        with _gradient_factor(network, -1.0):
            network.gradients(np.zeros_like(dlogits))


def scale_rows(directions: Array, epsilon: float) -> Array:
    """Return directions with an L2 norm of epsilon for each example; zeros stay zeros.

    Args:
        directions: (N, ...), not changed.
        epsilon: The norm.
    """
    rows = directions.reshape(len(directions), -1)
    # Divided by their largest element first: the squares of small gradients would be 0 in float32.
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows = rows / np.where(largest > 0, largest, 1)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    rows *= epsilon / np.where(norms > 0, norms, 1)
    return rows.reshape(directions.shape)


@contextmanager
def _gradient_factor(network: Layer, factor: float) -> Iterator[None]:
    """Let backward passes add `factor` times their gradients."""
    parameters = list(network.parameters().values())
    before = [(one.grad_beta, one.grad_alpha) for one in parameters]
    for one in parameters:
        one.grad_beta, one.grad_alpha = 1.0, factor * one.grad_alpha
    try:
        yield
    finally:
        for one, (beta, alpha) in zip(parameters, before, strict=True):
            one.grad_beta, one.grad_alpha = beta, alpha
