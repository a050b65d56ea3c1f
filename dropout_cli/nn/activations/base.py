"""The base of activations: each names the initializer that suits the layer below it."""

from typing import ClassVar

import numpy as np

from dropout_cli.core.registry import Registry
from dropout_cli.core.types import DType
from dropout_cli.nn.initializers import Initializer
from dropout_cli.nn.layers.base import Layer

ACTIVATIONS: Registry["Activation"] = Registry("activation", package="dropout_cli.nn.activations")


class Activation(Layer):
    """An elementwise map. It keeps what its derivative needs and reuses its buffers."""

    initializer: ClassVar[Initializer]
    """How the weights below it start where a config says `initializer: auto`."""
    monotone: ClassVar[bool] = False
    """Whether it never falls, so that max pooling may come before it."""

    def __init__(self, path: str, *, dtype: DType = np.dtype(np.float32)) -> None:
        """Name the layer.

        Args:
            path: See `Layer`.
            dtype: That of learned parameters; most activations have none.
        """
        super().__init__(path)
