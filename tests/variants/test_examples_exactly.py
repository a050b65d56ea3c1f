"""Given the draws of the layer, the lines of NumPy compute its output; evaluation follows the formula of the text."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.toolkit.example import WEIGHTS
from dropout_cli.variants.toolkit.rate_schedules import LinearRate
from dropout_cli.variants.toolkit.worked_example import example_layer, example_of, worked_example

ALMOST_ONE = np.nextafter(1, 0)


class KnownDraws:
    """A generator whose draws are given, by their shape; any other draw is a KeyError."""

    def __init__(self, uniform: Mapping[tuple[int, ...], Array], normal: Mapping[tuple[int, ...], Array]) -> None:
        """`uniform` and `normal`: shape -> draws."""
        self._uniform, self._normal = uniform, normal

    def random(self, shape: Any) -> Array:
        """Return uniform draws."""
        return self._uniform[tuple(np.atleast_1d(shape).tolist())]

    def standard_normal(self, shape: Any) -> Array:
        """Return normal draws."""
        return self._normal[tuple(np.atleast_1d(shape).tolist())]


def masks(*kept: Array) -> KnownDraws:
    """Return draws that are below every rate of keeping where `kept` is true, and above it elsewhere."""
    return KnownDraws({mask.shape: np.where(mask, 0, ALMOST_ONE) for mask in kept}, {})


def normal(eps: Array) -> KnownDraws:
    """Return standard normal draws."""
    return KnownDraws({}, {eps.shape: eps})


def relaxed(d: Array, theta: float) -> KnownDraws:
    """Return the u for which sigmoid((theta + logit u) / .1) is d."""
    d = np.clip(d, 1e-15, 1 - 1e-15)
    return KnownDraws({d.shape: 1 / (1 + np.exp(theta - 0.1 * np.log(d / (1 - d))))}, {})


def corners(zero: Array) -> Array:
    """Return where a 2 x 2 block of zeros begins."""
    return zero[:, :-1, :-1] & zero[:, 1:, :-1] & zero[:, :-1, 1:] & zero[:, 1:, 1:]


def sparse_sd(x: Array) -> Array:
    """Return the standard deviation of a sum of six weights with ln variance -3."""
    return np.asarray(np.sqrt((x**2).sum(axis=1, keepdims=True) * np.exp(-3.0) + 1e-8))


LOGIT = float(np.log(0.3 / 0.7))
DRAWN: dict[str, Callable[[Array, Array], KnownDraws]] = {
    "adaptive": lambda noise, x: masks(noise != 0),
    "alpha": lambda noise, x: masks(noise != 0),
    "batchwise": lambda noise, x: masks(noise[0] != 0),  # one mask for the batch
    "concrete": lambda noise, x: relaxed(1 - 0.7 * noise, LOGIT),
    "concrete_naive": lambda noise, x: relaxed(noise, -LOGIT),
    "dropblock": lambda noise, x: masks(corners(noise == 0)),  # a draw below gamma is a corner
    "dropconnect": lambda noise, x: masks((noise != 0)[:, :, None], np.ones((2, 1), bool)),
    "gaussian": lambda noise, x: normal(noise - 1),  # at rate .5 the variance is 1
    "inverted": lambda noise, x: masks(noise != 0),
    "none": lambda noise, x: masks(),
    "shakeout": lambda noise, x: masks(noise * WEIGHTS.T > 0),  # dropped weights have the opposite sign
    "sparse_variational": lambda noise, x: normal(noise / sparse_sd(x)),
    "spatial": lambda noise, x: masks(noise[:, :1, :1] != 0),  # one draw per channel
    "standard": lambda noise, x: masks(noise != 0),
    "standout": lambda noise, x: masks(noise != 0),
    "stochastic_depth": lambda noise, x: masks(noise[:, :1] > 1),  # one draw per example
    "variational": lambda noise, x: normal((noise - 1) / 0.5),  # at rate .2 the variance is 1/4
}
"""Variant -> the draws that belong to the noise table of its example, in the shapes in which the variant draws."""


def table(name: str, title: str) -> Array:
    """Return a table of a worked example in the shape of the input; of maps, the channels together."""
    parts = [one.values for one in worked_example(VARIANTS[name]) if one.title.startswith(title)]
    return parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)[None]


@pytest.mark.parametrize("name", DRAWN)
def test_with_the_layers_draws_the_lines_compute_its_output(name: str) -> None:
    """Each draw has the shape in which the variant draws: per element, channel, example or batch."""
    example = example_of(VARIANTS[name])
    assert example is not None
    x = example.inputs()
    scope: dict[str, Any] = {"np": np, "x": x.copy(), "rng": DRAWN[name](table(name, example.noise), x)}
    exec(compile(example.numpy.strip(), name, "exec"), scope)
    # The layer's probability of keeping is a multiple of 2^-16, which is 1.6e-5 of that of `adaptive`, .49.
    assert np.allclose(scope["y"], table(name, "output y"), rtol=2e-5, atol=1e-7)


class Evaluation(NamedTuple):
    """The formula in the text, the same as a function of x and the settings, and settings for which it must hold."""

    formula: str
    output: Callable[[Array, Mapping[str, Any]], Array]
    settings: tuple[Mapping[str, Any], ...]


RISING = LinearRate()
LAST_STEP = 999


def same(x: Array, _: Mapping[str, Any]) -> Array:
    """No noise, no scale."""
    return x


def weighted(x: Array, _: Mapping[str, Any]) -> Array:
    """The weights of the example, whose bias is 0."""
    return np.asarray(x @ WEIGHTS)


RATES: tuple[Mapping[str, Any], ...] = ({}, {"rate": 0.25}, {"rate": 0.75, "rate_schedule": RISING})
EVALUATION = {
    "adaptive": Evaluation("y = x.", same, ({}, {"high": 0.2, "low": 0.1}, {"input_rate": 0.3})),
    "alpha": Evaluation("y = x.", same, RATES),
    "batchwise": Evaluation("y = x.", same, RATES),
    "concrete": Evaluation("y = x.", same, ({}, {"start": 0.9, "length_scale": 2.0})),
    "concrete_naive": Evaluation(
        "y = sigmoid(theta) x.", lambda x, keys: (1 - keys["start"]) * x, ({"start": 0.1}, {"start": 0.7})
    ),
    "dropblock": Evaluation("y = x.", same, (*RATES, {"block_size": 3, "dense_rate": 0.2})),
    "dropconnect": Evaluation(
        "With inference: mean, z = x W + b.", weighted, (*RATES, {"masks": "exact"}, {"masks": "exact", "rate": 0.25})
    ),
    "gaussian": Evaluation("y = x.", same, RATES),
    "inverted": Evaluation("y = x.", same, (*RATES, {"input_rate": 0.4})),
    "none": Evaluation("y = x.", same, ({},)),
    "shakeout": Evaluation("z = x W + b.", weighted, (*RATES, {"c": 3.0, "sign_gradient": "tanh"})),
    "sparse_variational": Evaluation("others are used as they are", same, ({}, {"start": 0.0, "kl_from": 0})),
    "spatial": Evaluation("y = x.", same, (*RATES, {"dense_rate": 0.2})),
    "standard": Evaluation(
        "y = q x, with q of the last training step",
        lambda x, keys: (1 - keys["rate"]) * x,
        ({"rate": 0.25}, {"rate": 0.75, "rate_schedule": RISING}, {"rate": 0.0}),
    ),
    "standout": Evaluation(
        "y = P a.",
        lambda x, keys: x / (1 + np.exp(-(keys["alpha"] * x + keys["beta"]))),
        ({"alpha": 1.0, "beta": 0.0}, {"alpha": -2.0, "beta": 0.5}),
    ),
    "stochastic_depth": Evaluation("y = skip + branch.", lambda x, _: x + x, (*RATES, {"per": "batch"})),
    "variational": Evaluation(
        "z = x W + b.",
        same,
        ({}, {"share": "unit", "rate": 0.5}, {"mode": "weight"}, {"mode": "weight", "share": "weight", "rate": 0.4}),
    ),
}


def evaluated(name: str, settings: Mapping[str, Any]) -> tuple[Array, Array, Layer]:
    """Return x, the output without noise after the last of 1,000 steps, and the layer."""
    example = example_of(VARIANTS[name])
    assert example is not None
    layer, _ = example_layer(VARIANTS[name], replace(example, settings=settings))
    x = example.inputs()
    layer.set_step(LAST_STEP)
    layer.forward(x, train=True, noise=Noise(0, 0))
    return x, layer.forward(x).copy(), layer


@pytest.mark.parametrize("name", EVALUATION)
def test_the_formula_of_evaluation_holds_for_every_setting(name: str) -> None:
    """After the last step of training, for each kind of setting that a variant has."""
    formula, output, all_settings = EVALUATION[name]
    example = example_of(VARIANTS[name])
    assert example is not None and formula in example.evaluation
    for settings in all_settings:
        x, y, _ = evaluated(name, settings)
        assert np.allclose(y, output(x, settings), rtol=1e-4), settings


def test_every_example_is_held_to_its_layer() -> None:
    """No variant is in one of the tables of this file alone."""
    assert DRAWN.keys() == EVALUATION.keys() <= {name for name, cls in VARIANTS if example_of(cls) is not None}


def test_sparse_variational_evaluates_without_the_weights_of_high_log_alpha() -> None:
    """ln alpha is ln sigma^2 where the weight is 1: at 3.1 the weight counts as 0, at 2.9 it is used as it is."""
    example = example_of(VARIANTS["sparse_variational"])
    assert example is not None and "Weights with ln alpha >= 3 are 0" in example.evaluation
    x, _, layer = evaluated("sparse_variational", {})
    log_variance = layer.parameters()["example/dropout/log_variance"].value
    log_variance[0, 0], log_variance[1, 1] = 3.1, 2.9
    assert np.allclose(layer.forward(x), x * [0, 1, 1, 1, 1, 1])


@pytest.mark.parametrize("masks", ["moments", "exact"])
def test_dropconnect_can_average_over_draws_at_evaluation(masks: str) -> None:
    """With an identity activation the average is near the mean, but not on it."""
    example = example_of(VARIANTS["dropconnect"])
    assert example is not None and "averaged over draws of z" in example.evaluation
    x, y, _ = evaluated("dropconnect", {"inference": "sample", "samples": 400, "masks": masks})
    sd = np.sqrt(x**2 @ WEIGHTS**2)  # rate .5: the factor r / q is 1
    assert np.all(np.abs(y - x @ WEIGHTS) <= 5 * sd / np.sqrt(400)) and not np.allclose(y, x @ WEIGHTS)


@pytest.mark.parametrize("name", DRAWN)
def test_a_zero_of_a_table_has_no_sign(name: str) -> None:
    """A dropped -0.5 is 0, not -0.0, in the page, in JSON and in the figure."""
    assert not any(np.any(np.signbit(one.values) & (one.values == 0)) for one in worked_example(VARIANTS[name]))


def test_a_class_without_an_example_shows_none() -> None:
    """It does not inherit the example of the variant that it extends, whose noise may be another."""

    class Extended(Inverted):
        """A plugin's variant."""

    assert example_of(Extended) is None and worked_example(Extended) == []
