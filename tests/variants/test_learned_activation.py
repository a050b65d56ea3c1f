"""An activation may learn parameters, and every variant trains them."""

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array, DType
from dropout_cli.nn.activations import Activation
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants import VARIANTS, Location
from tests.gradients import check_layer

FLOAT64 = np.dtype(np.float64)
NAMES = [name for name, cls in VARIANTS if cls.suited_activation != "selu"]


class ScaledTanh(Activation):
    """y = a tanh(x), with a learned."""

    initializer = Glorot()

    def __init__(self, path: str, *, dtype: DType) -> None:
        """Start at a = 1.5."""
        super().__init__(path, dtype=dtype)
        self.a = Parameter.bias(np.full(1, 1.5, dtype))

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return a tanh(x)."""
        self._tanh = np.tanh(x)
        return np.asarray(self.a.value * self._tanh)

    def backward(self, dy: Array) -> Array:
        """da = sum dy tanh(x), dx = dy a (1 - tanh(x)^2)."""
        self.a.add_gradient(float(np.vdot(dy, self._tanh)), first=True)
        return np.asarray(dy * self.a.value * (1 - self._tanh**2))

    def parameters(self) -> dict[str, Parameter]:
        """Return a."""
        return {f"{self.path}/a": self.a}


def hidden_unit(name: str) -> Layer:
    """Return a hidden unit of that variant, with the activation above."""
    location = Location(path="hidden1", kind="hidden", index=0, count=1, fan_in=5, examples=100, steps=50)
    linear = Dense("hidden1", 5, 6, Glorot(), seed=7, dtype=FLOAT64)
    return VARIANTS[name]().unit(linear, [], ScaledTanh("hidden1/tanh", dtype=FLOAT64), location)


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_of_an_activation_is_one_of_its_unit(name: str) -> None:
    """An optimizer moves it and a checkpoint has it, under every variant."""
    assert "hidden1/tanh/a" in hidden_unit(name).parameters()


@pytest.mark.parametrize("name", NAMES)
def test_its_gradient_is_that_of_the_unit(name: str) -> None:
    """Central differences agree for every parameter, with noise."""
    x = stream(1, "test:x").standard_normal((7, 5))
    check_layer(lambda: hidden_unit(name), x, noise=lambda: Noise(0, 1), train=True)
