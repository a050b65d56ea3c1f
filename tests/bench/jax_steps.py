"""The same training steps in JAX, jit-compiled as a whole, with parameters and moments donated."""

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli.bench.case import Case
from dropout_cli.bench.ours import batches
from dropout_cli.bench.serve import Step, serve

jax: Any = importlib.import_module("jax")
jnp: Any = jax.numpy


def parameters_of(case: Case) -> Any:
    """W and b of each layer."""
    rng = np.random.default_rng(0)
    return [
        {"W": jnp.asarray(rng.standard_normal(pair, np.float32) * (2 / pair[0]) ** 0.5), "b": jnp.zeros(pair[1])}
        for pair in zip(case.widths[:-1], case.widths[1:], strict=True)
    ]


def dropped(x: Any, rate: float, key: Any) -> Any:
    """Inverted dropout."""
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0) if rate else x


def forward(case: Case, parameters: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Logits, and what is added to the loss."""
    keys = jax.random.split(key, len(parameters) + 1)
    x = dropped(x, case.input_rate, keys[-1])
    for layer, one in zip(parameters[:-1], keys, strict=False):
        x = dropped(jax.nn.relu(x @ layer["W"] + layer["b"]), case.rate, one)
    return x @ parameters[-1]["W"] + parameters[-1]["b"], 0.0


def moved(case: Case, parameters: Any, gradients: Any, moments: Any, t: Any) -> tuple[Any, Any]:
    """One update of momentum or Adam."""
    of = jax.tree_util.tree_map
    if case.optimizer == "momentum":
        velocity = of(lambda v, g: 0.9 * v - 1e-2 * g, moments, gradients)
        return of(jnp.add, parameters, velocity), velocity
    m = of(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradients)
    v = of(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradients)
    first, second = 1 - 0.9**t, 1 - 0.999**t
    return of(lambda w, m, v: w - 1e-3 * (m / first) / (jnp.sqrt(v / second) + 1e-8), parameters, m, v), (m, v)


def prepare(fields: Mapping[str, Any], threads: int) -> Step:
    """A contender's part (bench.serve)."""
    case = Case.of(fields)
    if case.images or case.variant not in ("none", "inverted"):
        raise NotImplementedError(f"no {case.variant} was written by hand in JAX")
    data = [(jnp.asarray(x), jnp.asarray(labels)) for x, labels in batches(case)]
    parameters = parameters_of(case)
    zeros = jax.tree_util.tree_map(jnp.zeros_like, parameters)
    moments = zeros if case.optimizer == "momentum" else (zeros, jax.tree_util.tree_map(jnp.copy, zeros))

    def loss_of(parameters: Any, x: Any, labels: Any, key: Any) -> Any:
        logits, more = forward(case, parameters, x, key)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean() + more

    def whole(parameters: Any, moments: Any, x: Any, labels: Any, key: Any, t: Any) -> Any:
        key, used = jax.random.split(key)
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, labels, used)
        parameters, moments = moved(case, parameters, gradients, moments, t)
        return parameters, moments, key, t + 1, loss

    compiled = jax.jit(whole, donate_argnums=(0, 1))
    state = [parameters, moments, jax.random.key(0), jnp.float32(1)]
    taken = 0

    def step() -> None:
        nonlocal taken
        x, labels = data[taken % len(data)]
        taken += 1
        parameters, moments, key, t, loss = compiled(state[0], state[1], x, labels, state[2], state[3])
        state[:] = [parameters, moments, key, t]
        loss.block_until_ready()

    return step


if __name__ == "__main__":
    serve(prepare)
