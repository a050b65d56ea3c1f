"""Multi-sample dropout in every network, with every variant: one sample is cross-entropy, and gradients are right."""

from typing import Any

import numpy as np
import pytest

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.cnn import Cnn
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.architectures.resnet import Resnet
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.objectives.multi_sample import MultiSample
from dropout_cli.variants import VARIANTS, Variant
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.stochastic_depth import StochasticDepth
from tests.gradients import directional

NEEDS = {
    "mlp": {"vectors", "either"},
    "cnn": {"maps", "either"},
    "cnn without dense layers": {"maps", "either"},
    "resnet": {"maps", "either", "blocks"},
    "resnet with batch normalization": {"maps", "either", "blocks"},
}
CASES = [
    (architecture, name)
    for architecture, needs in NEEDS.items()
    for name, variant in VARIANTS
    if variant.supports in needs and variant().noise_before_logits() and variant().draws_for_every_row()
]
LABELS = np.array([0, 1, 2, 0, 1, 2])


def network(architecture: str, variant: Variant) -> Sequential:
    """A small network in float64 with that variant."""
    shape = (5,) if architecture == "mlp" else (4, 4, 2)
    around = BuildContext(shape=shape, outputs=3, examples=100, steps=50, seed=7, dtype=np.dtype(np.float64))
    activation: Any = "selu" if variant.suited_activation == "selu" else "tanh"
    if architecture == "mlp":
        return Mlp(hidden=(6, 4), activation=activation).build(variant, around)
    if architecture.startswith("cnn"):
        dense = () if "without" in architecture else ("dense 4",)
        return Cnn(layers=("conv 3 3x3", "pool 2", *dense), activation=activation).build(variant, around)
    normalized = "normalization" in architecture
    return Resnet(depth=6, widths=(2, 3), activation=activation, batch_norm=normalized).build(variant, around)


def batch(architecture: str) -> Array:
    """Six examples."""
    return stream(1, "test:x").standard_normal((6, 5) if architecture == "mlp" else (6, 4, 4, 2))


@pytest.mark.parametrize(("architecture", "variant"), CASES)
def test_one_sample_is_cross_entropy(architecture: str, variant: str) -> None:
    """With the same noise: the same loss, and the same gradient of every parameter."""
    one, other = (network(architecture, VARIANTS[variant]()) for _ in range(2))
    x = batch(architecture)
    loss = MultiSample(samples=1).compute_gradients(one, x, LABELS, Noise(0, 1))
    assert loss == pytest.approx(CrossEntropy().compute_gradients(other, x, LABELS, Noise(0, 1)), rel=1e-12)
    for name, mine in one.parameters().items():
        np.testing.assert_allclose(mine.gradient, other.parameters()[name].gradient, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("architecture", "variant"), CASES)
def test_gradients_of_several_samples_are_those_of_the_loss(architecture: str, variant: str) -> None:
    """Central differences along random directions agree to 1e-6, the noise held fixed."""

    def learn(values: dict[str, Array] | None = None) -> tuple[float, Sequential]:
        net = network(architecture, VARIANTS[variant]())
        for name, value in (values or {}).items():
            net.parameters()[name].value[...] = value
        loss = MultiSample(samples=3).compute_gradients(net, batch(architecture), LABELS, Noise(0, 1))
        return loss + net.penalty(), net

    _, net = learn()
    values = {name: one.value.copy() for name, one in net.parameters().items()}
    gradients = [one.gradient.copy() for one in net.parameters().values()]
    rng = stream(0, "test:directions")
    assert max(directional(lambda: learn(values)[0], list(values.values()), gradients, rng) for _ in range(3)) < 1e-6


@pytest.mark.parametrize(
    ("variant", "first"), [(Inverted(), "group3/dropout"), (StochasticDepth(), "block3")], ids=["maps", "blocks"]
)
def test_the_head_of_a_residual_network_begins_at_its_last_noise(variant: Variant, first: str) -> None:
    """At the noise after the last group, or with the last block as a whole; the widths are those of the default."""
    around = BuildContext(shape=(8, 8, 1), outputs=3, examples=100, steps=50, seed=7)
    net = Resnet(depth=8).build(variant, around)
    parts = net.split_at_dropout()
    assert parts is not None and parts[1].layers[0].path == first and parts[1].layers[-1].path == "output"
    x = stream(1, "test:x").standard_normal((6, 8, 8, 1)).astype(np.float32)
    assert np.isfinite(MultiSample().compute_gradients(net, x, LABELS, Noise(0, 1)))
