"""The operations of a network in NumPy, for exported programs and the check of exports."""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def windows(x: np.ndarray, height: int, width: int, stride: int) -> np.ndarray:
    """Return all windows of maps: (n, rows, columns, channels, height, width)."""
    return sliding_window_view(x, (height, width), axis=(1, 2))[:, ::stride, ::stride]


def convolution(
    x: np.ndarray, W: np.ndarray, b: np.ndarray | float = 0.0, *, stride: int, padding: Sequence[int]
) -> np.ndarray:
    """Return the convolution of maps with W (height, width, channels, filters)."""
    x = np.pad(x, ((0, 0), padding[:2], padding[2:], (0, 0)))
    return np.tensordot(windows(x, W.shape[0], W.shape[1], stride), W, axes=((4, 5, 3), (0, 1, 2))) + b


def gelu(x: np.ndarray) -> np.ndarray:
    """Return x times the normal distribution function of x."""
    erf = np.array([math.erf(value) for value in (x * math.sqrt(0.5)).ravel()], x.dtype)
    return np.asarray(x * (0.5 * (1 + erf.reshape(x.shape))))


def softmax_rows(x: np.ndarray) -> np.ndarray:
    """Return the probabilities of logits."""
    exps = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(exps / exps.sum(axis=-1, keepdims=True))


def selu(x: np.ndarray) -> np.ndarray:
    """Return the scaled exponential linear unit of x."""
    return np.asarray(1.0507009873554805 * (np.maximum(x, 0) + 1.6732632423543772 * np.expm1(np.minimum(x, 0))))


OPERATIONS: dict[str, Any] = {
    "affine": lambda x, W, b=0.0: x @ W + b,
    "convolution": convolution,
    "max_pool": lambda x, window, stride: windows(x, window, window, stride).max(axis=(4, 5)),
    "mean_pool": lambda x, window, stride: windows(x, window, window, stride).mean(axis=(4, 5)),
    "pad": lambda x, size: np.pad(x, ((0, 0), (size, size), (size, size), (0, 0))),
    "global_mean": lambda x: x.mean(axis=(1, 2)),
    "flatten": lambda x: x.reshape(len(x), -1),
    "add_axis": lambda x: x[:, None],
    "mean_over_first_axis": lambda x: x.mean(axis=1),
    "mean_over_batch": lambda x: x.mean(),
    "normalize": lambda x, mean, variance, epsilon: (x - mean) * (1 / np.sqrt(variance + epsilon)),
    "scale_shift": lambda x, gamma, beta: gamma * x + beta,
    "product": np.matmul,
    "columns": lambda x, start, stop: x[:, start:stop],
    "argmax": lambda x: x.argmax(axis=-1),
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 0.5 * (1 + np.tanh(0.5 * x)),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "gelu": gelu,
    "selu": selu,
    "softmax": softmax_rows,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "square": np.square,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "less": lambda x, y: np.less(x, y).astype(np.float32),
    "to_float32": lambda x: x.astype(np.float32),
    "to_float64": lambda x: x.astype(np.float64),
    "uniform": lambda x, rng, shape, per_example: rng.random((len(x) if per_example else 1, *shape), np.float32),
    "normal": lambda x, rng, shape, per_example: rng.standard_normal((len(x), *shape), np.float32),
}


MODEL: dict[str, Any] = {}
"""The trained model; the last lines of an exported program fill it."""


def compute(steps: Sequence[Sequence[Any]], values: Mapping[str, np.ndarray], rng: Any = None) -> dict[str, np.ndarray]:
    """Return the values with the result of every step, each computed from earlier ones."""
    values = dict(values)
    for name, kind, operands, settings in steps:
        given = [values[item] if isinstance(item, str) else item for item in operands]
        more = {"rng": rng} if kind in ("uniform", "normal") else {}
        values[name] = OPERATIONS[kind](*given, **settings, **more)
    return values


def read_arrays(shapes: Sequence[Sequence[Any]], text: str) -> dict[str, np.ndarray]:
    """Return arrays from base64, in which their bytes follow each other."""
    data, arrays, start = base64.b64decode(text), dict[str, np.ndarray](), 0
    for name, dtype, shape in shapes:
        arrays[name] = np.frombuffer(data, dtype, math.prod(shape), start).reshape(shape)
        start += arrays[name].nbytes
    return arrays


def predict(x: Any, rng: Any = None) -> dict[str, np.ndarray]:
    """Return the predictions by name, with a row per example.

    Args:
        x: Examples, not scaled, with a row each.
        rng: A numpy.random.Generator, for a model that draws noise.
    """
    x = np.asarray(x, MODEL["dtype"]).reshape(-1, *MODEL["shape"])
    found: dict[str, list[np.ndarray]] = {name: [] for name in MODEL["outputs"]}
    for start in range(0, max(1, len(x)), 100):
        values = compute(MODEL["steps"], {**MODEL["arrays"], "x": x[start : start + 100]}, rng)
        for name, value in MODEL["outputs"].items():
            found[name].append(values[value])
    predictions = {name: np.concatenate(parts) for name, parts in found.items()}
    if MODEL["classes"]:
        predictions["label"] = np.array(MODEL["classes"])[predictions["label"]]
    return predictions
