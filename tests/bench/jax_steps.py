"""Training steps in JAX, jit-compiled as a whole, with donated parameters and moments.

The variants are written by hand after the equations of their papers, with noise from `jax.random`.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dropout_cli.bench.case import BenchmarkCase
from dropout_cli.bench.ours import random_batches
from dropout_cli.bench.serve import Step, serve_competitor

jax: Any = importlib.import_module("jax")
jnp: Any = jax.numpy
random: Any = jax.random

EXAMPLES = 60_000


def bernoulli(x: Any, rate: float, key: Any) -> Any:
    """Apply inverted dropout."""
    return jnp.where(random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0) if rate else x


def gaussian(x: Any, rate: float, key: Any) -> Any:
    """Apply multiplicative noise with the same mean and variance."""
    return x * (1 + (rate / (1 - rate)) ** 0.5 * random.normal(key, x.shape)) if rate else x


def alpha(x: Any, rate: float, key: Any) -> Any:
    """Set dropped units to the limit of SELU; apply the affine map that keeps the moments."""
    floor, q = -1.7580993408473766, 1 - rate
    a = (q + floor**2 * q * rate) ** -0.5
    return a * jnp.where(random.bernoulli(key, q, x.shape), x, floor) - a * rate * floor


def affine(layer: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Apply the linear map; there is no penalty."""
    return x @ layer["W"] + layer["b"], 0.0


def dropconnect(layer: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Apply masks on weights and biases by their moments, at rate .5."""
    mean, variance = x @ layer["W"] + layer["b"], (x * x) @ (layer["W"] ** 2) + layer["b"] ** 2 + 1e-8
    return mean + jnp.sqrt(variance) * random.normal(key, mean.shape), 0.0


def concrete(layer: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Apply a relaxed mask with a learned rate to the input; return the penalty, too."""
    p = jax.nn.sigmoid(layer["theta"])
    u = jnp.clip(random.uniform(key, x.shape), 1e-7, 1 - 1e-7)
    drop = jax.nn.sigmoid((layer["theta"] + jnp.log(u) - jnp.log1p(-u)) / 0.1)
    entropy = x.shape[1] / EXAMPLES * (p * jnp.log(p) + (1 - p) * jnp.log1p(-p))
    penalty = 1e-8 / (2 * EXAMPLES) * jnp.sum(layer["W"] ** 2) / (1 - p) + entropy
    return (x * (1 - drop) / (1 - p)) @ layer["W"] + layer["b"], penalty


def variational(layer: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Apply Gaussian noise of learned variance to the inputs; return the KL divergence, too.

    The divergence is an approximation.
    """
    log_alpha = layer["log_alpha"]
    a = jnp.exp(log_alpha)
    kl = -0.5 * log_alpha - 1.16145124 * a + 1.50204118 * a**2 - 0.58629921 * a**3
    noisy = x * (1 + jnp.sqrt(a) * random.normal(key, x.shape))
    return noisy @ layer["W"] + layer["b"], x.shape[1] / EXAMPLES * kl


ON_ACTIVATIONS: dict[str, Callable[[Any, float, Any], Any]] = {
    "none": lambda x, rate, key: x,
    "inverted": bernoulli,
    "gaussian": gaussian,
    "alpha": alpha,
}
IN_LINEAR_MAPS: dict[str, Callable[[Any, Any, Any], tuple[Any, Any]]] = {
    "dropconnect": dropconnect,
    "concrete": concrete,
    "variational": variational,
}
START = {"concrete": {"theta": -2.2}, "variational": {"log_alpha": -1.4}}


def parameters_of(case: BenchmarkCase) -> Any:
    """Return W and b of each layer, and the parameters of its noise."""
    rng = np.random.default_rng(0)
    return [
        {"W": jnp.asarray(rng.standard_normal(pair, np.float32) * (2 / pair[0]) ** 0.5), "b": jnp.zeros(pair[1])}
        | {name: jnp.float32(value) for name, value in START.get(case.variant, {}).items()}
        for pair in zip(case.widths[:-1], case.widths[1:], strict=True)
    ]


def forward(case: BenchmarkCase, parameters: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Return the logits, and the terms that are added to the loss."""
    drop = ON_ACTIVATIONS.get(case.variant, ON_ACTIVATIONS["none"])
    linear = IN_LINEAR_MAPS.get(case.variant, affine)
    activation = jax.nn.selu if case.variant == "alpha" else jax.nn.relu
    keys = random.split(key, 2 * len(parameters) + 1)
    if case.input_rate:
        x = drop(x, case.input_rate, keys[-1])
    penalty = 0.0
    for place, layer in enumerate(parameters):
        last = place == len(parameters) - 1
        x, more = (affine if last and case.variant == "dropconnect" else linear)(layer, x, keys[2 * place])
        penalty += more
        if not last:
            x = drop(activation(x), case.rate, keys[2 * place + 1])
    return x, penalty


def moved(case: BenchmarkCase, parameters: Any, gradients: Any, moments: Any, t: Any) -> tuple[Any, Any]:
    """Apply one update of momentum or Adam."""
    of = jax.tree_util.tree_map
    if case.optimizer == "momentum":
        velocity = of(lambda v, g: 0.9 * v - 1e-3 * g, moments, gradients)
        return of(jnp.add, parameters, velocity), velocity
    m = of(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradients)
    v = of(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradients)
    first, second = 1 - 0.9**t, 1 - 0.999**t
    return of(lambda w, m, v: w - 1e-3 * (m / first) / (jnp.sqrt(v / second) + 1e-8), parameters, m, v), (m, v)


def prepare(fields: Mapping[str, Any], threads: int) -> Step:
    """Prepare the step of a case, as `bench.serve` calls it. JAX chooses its threads itself."""
    case = BenchmarkCase.from_dict(fields)
    if case.is_convolutional or case.variant not in {*ON_ACTIVATIONS, *IN_LINEAR_MAPS}:
        raise NotImplementedError(f"{case.variant if case.widths else case.name} was not written by hand in JAX")
    data = [(jnp.asarray(x), jnp.asarray(labels)) for x, labels in random_batches(case)]
    parameters = parameters_of(case)
    if case.work != "step":
        still = BenchmarkCase.from_dict(
            {**fields, **({"variant": "none", "input_rate": 0.0} if case.work == "evaluate" else {})}
        )
        predict = jax.jit(lambda parameters, x, key: jax.nn.softmax(forward(still, parameters, x, key)[0]))
        key = random.key(0)
        return lambda: predict(parameters, data[0][0], key).block_until_ready()
    zeros = jax.tree_util.tree_map(jnp.zeros_like, parameters)
    moments = zeros if case.optimizer == "momentum" else (zeros, jax.tree_util.tree_map(jnp.copy, zeros))

    def loss_of(parameters: Any, x: Any, labels: Any, key: Any) -> Any:
        logits, more = forward(case, parameters, x, key)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean() + more

    def whole(parameters: Any, moments: Any, x: Any, labels: Any, key: Any, t: Any) -> Any:
        key, used = random.split(key)
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, labels, used)
        parameters, moments = moved(case, parameters, gradients, moments, t)
        return parameters, moments, key, t + 1, loss

    compiled = jax.jit(whole, donate_argnums=(0, 1))
    state = [parameters, moments, random.key(0), jnp.float32(1)]
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
    serve_competitor(prepare)
