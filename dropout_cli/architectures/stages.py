"""The layers of a convolutional network as a config lists them, read and held against the size of the pictures.

conv 32 3x3 [stride 2] [valid]      filters, kernel; padded with zeros to the size of the map unless `valid`
pool 2 [stride 1]                   the largest of each 2x2 window; `average 2`: their mean
global                              the mean of each map: the end of the convolutional part
dense 128                           a hidden layer of that width
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dropout_cli.core.types import Shape
from dropout_cli.nn.layers.convolution import Padding, conv_geometry

MOST_WINDOW = 15
"""A place in a window is noted in a byte."""


@dataclass(frozen=True)
class ConvSpec:
    """A convolution."""

    filters: int
    kernel: tuple[int, int]
    stride: int
    padding: Padding


@dataclass(frozen=True)
class PoolSpec:
    """Pooling; window 0: over the whole map."""

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
    """Read one item of the list. Raises ValueError."""
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
    raise ValueError(f"'{words}' is no layer. Write 'conv 32 3x3', 'pool 2', 'average 2', 'global' or 'dense 128'")


@dataclass(frozen=True)
class Stage:
    """Convolutions one after another, then pooling: noise has its place at the end."""

    convolutions: tuple[ConvSpec, ...]
    pooling: tuple[PoolSpec, ...]


@dataclass(frozen=True)
class CnnLayers:
    """The list in order: stages, then dense hidden layers."""

    stages: tuple[Stage, ...]
    hidden: tuple[DenseSpec, ...]

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> "CnnLayers":
        """Read the list. Raises ValueError where an item or their order is wrong."""
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
                raise ValueError(f"'{text}' comes after a dense layer, which leaves no map to work on")
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
            raise ValueError("there is no convolution in it. Without one, use architecture.name: mlp")
        return cls((*stages, Stage(tuple(convolutions), tuple(pooling))), tuple(hidden))

    @property
    def places(self) -> int:
        """How many places for noise there are."""
        return len(self.stages) + len(self.hidden)

    def shapes(self, shape: Shape) -> list[tuple[str, Shape]]:
        """Name and output shape of each convolution and pooling, for pictures of that shape.

        Raises ValueError, which names the layer, where a window is larger than its map, or there are no pictures.
        """
        if len(shape) != 3:
            raise ValueError(f"a convolution needs pictures, and an example is a row of {shape[0]} numbers. Use mlp")
        height, width, channels = shape
        found: list[tuple[str, Shape]] = []
        number = 0
        for stage in self.stages:
            for conv in stage.convolutions:
                number += 1
                name, channels = f"conv{number}", conv.filters
                height = _moved(name, height, conv.kernel[0], conv.stride, conv.padding)
                width = _moved(name, width, conv.kernel[1], conv.stride, conv.padding)
                found.append((name, (height, width, channels)))
            for place, pool in enumerate(stage.pooling):
                name = f"conv{number}/pool" + (str(place + 1) if place else "")
                if pool.window:
                    height = _moved(name, height, pool.window, pool.stride, "valid")
                    width = _moved(name, width, pool.window, pool.stride, "valid")
                else:
                    height = width = 1
                found.append((name, (height, width, channels)))
        return found


def _moved(name: str, length: int, window: int, stride: int, padding: Padding) -> int:
    try:
        return conv_geometry(length, window, stride, padding).size
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
