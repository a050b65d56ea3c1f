"""The base class of activations; each has the initializer that suits the layer below it."""

from typing import ClassVar

import numpy as np

from dropout_cli.core.registry import Registry
from dropout_cli.core.types import DType
from dropout_cli.nn.initializers import Initializer
from dropout_cli.nn.layers.base import Layer

ACTIVATIONS: Registry["Activation"] = Registry("activation", package="dropout_cli.nn.activations")


class Activation(Layer):
    """An elementwise map that stores what its derivative needs."""

    initializer: ClassVar[Initializer]
    """The initializer of the weights below it for `initializer: auto`."""
    monotone: ClassVar[bool] = False
    """True if it never decreases. Max pooling can then come before it, with the same result."""

    def __init__(self, path: str, *, dtype: DType = np.dtype(np.float32)) -> None:
        """Name the layer.

        Args:
            path: See `Layer`.
            dtype: That of learned parameters; most activations have none.
        """
        super().__init__(path)
