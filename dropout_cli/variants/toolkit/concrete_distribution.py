"""The concrete distribution: a Bernoulli variable relaxed to a smooth function.

    sigmoid((theta + logit u) / t),  u ~ U(0, 1)

Maddison, Mnih, Teh 2017, arXiv:1611.00712; Jang, Gu, Poole 2017, arXiv:1611.01144. At every temperature
t it exceeds .5 with probability sigmoid(theta) exactly; as t -> 0 it becomes [u > 1 - sigmoid(theta)]. Its
mean and variance are not those of the Bernoulli variable.
"""

import math

import numpy as np

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.backend.noise_tables import draw_logistic
from dropout_cli.nn.operations import GraphValue, OperationGraph

TEMPERATURE = 0.1


def sigmoid(theta: float) -> float:
    """Return the logistic function of a number."""
    return 0.5 * (1 + math.tanh(theta / 2))


def logit(p: float) -> float:
    """Return ln(p / (1 - p)), the inverse of `sigmoid`."""
    return math.log(p) - math.log1p(-p)


def relaxed_bernoulli(
    theta: float,
    shape: Shape,
    rng: Generator,
    dtype: DType,
    *,
    t: float = TEMPERATURE,
    scale: float = 1.0,
    out: Array | None = None,
) -> Array:
    """Draw scale * sigmoid((theta + logit u) / t).

    Args:
        theta: The logit of the probability of a 1.
        shape: The shape of the draw.
        rng: The generator.
        dtype: The dtype of the result.
        t: The temperature.
        scale: A factor of the result.
        out: An array for the result; None: a new one.
    """
    # The sigmoid is (1 + tanh(argument / 2)) / 2: the argument reaches +-180, where exp would overflow.
    relaxed = draw_logistic(shape, rng, dtype, out)
    relaxed += theta
    relaxed *= 0.5 / t
    np.tanh(relaxed, out=relaxed)
    relaxed += 1
    relaxed *= 0.5 * scale
    return relaxed


def describe_relaxed_bernoulli(
    graph: OperationGraph, x: GraphValue, theta: float, *, t: float = TEMPERATURE
) -> GraphValue:
    """Return the operations that draw sigmoid((theta + logit u) / t), in the shape of x.

    Args:
        graph: The graph that collects them.
        x: A value of the batch.
        theta: The logit of the probability of a 1.
        t: The temperature.
    """
    u = graph.uniform(x, x.shape)
    rest = graph.elementwise("log", graph.elementwise("subtract", 1.0, u))
    logit_u = graph.elementwise("subtract", graph.elementwise("log", u), rest)
    scaled = graph.elementwise("multiply", graph.elementwise("add", logit_u, theta), 1 / t)
    return graph.elementwise("sigmoid", scaled)
