"""Read the layers of a convolutional network from a config, and check the image size.

conv 32 3x3 [stride 2] [valid]      filters, kernel; padded with zeros to the size of the map unless `valid`
pool 2 [stride 1]                   the maximum of each 2x2 window; `average 2`: the mean
global                              the mean of each map: the end of the convolutional part
dense 128                           a hidden layer of that width
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dropout_cli.core.text import counted
from dropout_cli.core.types import Shape
from dropout_cli.nn.layers.convolution import Padding, conv_geometry

MOST_WINDOW = 15
"""The largest window; a position in a window is stored in one byte."""


@dataclass(frozen=True)
class ConvSpec:
    """A convolution."""

    filters: int
    kernel: tuple[int, int]
    stride: int
    padding: Padding


@dataclass(frozen=True)
class PoolSpec:
    """Pooling. Window 0: over the whole map."""

    kind: Literal["max", "average"]
    window: int
    stride: int


@dataclass(frozen=True)
class DenseSpec:
    """A dense hidden layer."""

    width: int


Item: TypeAlias = ConvSpec | PoolSpec | DenseSpec

_SIZE = r"([1-9]\d{0,4})"
_CONV = re.compile(rf"conv {_SIZE} {_SIZE}(?:x{_SIZE})?(?: stride {_SIZE})?( valid)?")
_POOL = re.compile(rf"(pool|average) {_SIZE}(?: stride {_SIZE})?")
_HIDDEN = re.compile(rf"dense {_SIZE}")


def parse_layer(text: str) -> Item:
    """Read one item of the list.

    Args:
        text: Such as `conv 32 3x3`.

    Raises:
        ValueError: The text is not a layer.
    """
    words = " ".join(text.split())
    if match := _CONV.fullmatch(words):
        height = int(match[2])
        kernel = (height, int(match[3] or height))
        return ConvSpec(int(match[1]), kernel, int(match[4] or 1), "valid" if match[5] else "same")
    if (match := _POOL.fullmatch(words)) and int(match[2]) <= MOST_WINDOW:
        return PoolSpec("max" if match[1] == "pool" else "average", int(match[2]), int(match[3] or match[2]))
    if match := _HIDDEN.fullmatch(words):
        return DenseSpec(int(match[1]))
    if words == "global":
        return PoolSpec("average", 0, 1)
    raise ValueError(f"'{words}' is not a layer. Write 'conv 32 3x3', 'pool 2', 'average 2', 'global' or 'dense 128'")


@dataclass(frozen=True)
class Stage:
    """Convolutions, then pooling. Noise acts at the end."""

    convolutions: tuple[ConvSpec, ...]
    pooling: tuple[PoolSpec, ...]


@dataclass(frozen=True)
class CnnLayers:
    """The layers of the list: stages, then dense hidden layers."""

    stages: tuple[Stage, ...]
    hidden: tuple[DenseSpec, ...]

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> "CnnLayers":
        """Read the list.

        Args:
            texts: One text per layer.

        Raises:
            ValueError: An item or the order is wrong.
        """
        items = [parse_layer(text) for text in texts]
        stages: list[Stage] = []
        hidden: list[DenseSpec] = []
        convolutions: list[ConvSpec] = []
        pooling: list[PoolSpec] = []
        for text, item in zip(texts, items, strict=True):
            if isinstance(item, DenseSpec):
                hidden.append(item)
                continue
            if hidden:
                raise ValueError(
                    f"'{text}' comes after a dense layer, but needs feature maps. Put it before the dense layers"
                )
            if isinstance(item, PoolSpec):
                if not convolutions:
                    raise ValueError(f"'{text}' comes before any convolution")
                pooling.append(item)
            else:
                if pooling:
                    stages.append(Stage(tuple(convolutions), tuple(pooling)))
                    convolutions, pooling = [], []
                convolutions.append(item)
        if not convolutions:
            raise ValueError("has no convolution. Add one, or use architecture.name: mlp")
        return cls((*stages, Stage(tuple(convolutions), tuple(pooling))), tuple(hidden))

    @property
    def places(self) -> int:
        """The number of locations for noise."""
        return len(self.stages) + len(self.hidden)

    def shapes(self, shape: Shape) -> list[tuple[str, Shape]]:
        """Return name and output shape of each convolution and pooling.

        Args:
            shape: The shape of an image, (height, width, channels).

        Raises:
            ValueError: A window is larger than its map, or examples are not images. The message names the layer.
        """
        if len(shape) != 3:
            example = f"a row of {counted(shape[0], 'number')}"
            raise ValueError(f"a convolution needs images, but an example is {example}. Use mlp")
        height, width, channels = shape
        sizes: list[tuple[str, Shape]] = []
        number = 0
        for stage in self.stages:
            for conv in stage.convolutions:
                number += 1
                name, channels = f"conv{number}", conv.filters
                height = _moved(name, height, conv.kernel[0], conv.stride, conv.padding)
                width = _moved(name, width, conv.kernel[1], conv.stride, conv.padding)
                sizes.append((name, (height, width, channels)))
            for place, pool in enumerate(stage.pooling):
                name = f"conv{number}/pool" + (str(place + 1) if place else "")
                if pool.window:
                    height = _moved(name, height, pool.window, pool.stride, "valid")
                    width = _moved(name, width, pool.window, pool.stride, "valid")
                else:
                    height = width = 1
                sizes.append((name, (height, width, channels)))
        return sizes


def _moved(name: str, length: int, window: int, stride: int, padding: Padding) -> int:
    try:
        return conv_geometry(length, window, stride, padding).size
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
