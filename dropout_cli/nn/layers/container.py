"""The base class of layers that consist of other layers.

A container owns no arrays. Its parts keep their names, so wrapping a layer does not rename its parameters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.parameter import Parameter


class Container(Layer):
    """A layer whose parameters, state, penalty, columns and warnings are those of its parts."""

    def __init__(self, path: str, layers: Sequence[Layer]) -> None:
        """Combine layers.

        Args:
            path: The path of the container.
            layers: Its parts, in order.
        """
        super().__init__(path)
        self.layers = tuple(layers)

    def set_step(self, step: int) -> None:
        """Set the step of every part."""
        for layer in self.layers:
            layer.set_step(step)

    def holds_dropout(self) -> bool:
        """Return True if the container, or a part of it, holds the noise of a dropout variant."""
        return self.is_dropout or any(layer.holds_dropout() for layer in self.layers)

    def draws(self) -> bool:
        """Return True if any part draws."""
        return any(layer.draws() for layer in self.layers)

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of all parts, in order."""
        return {name: parameter for layer in self.layers for name, parameter in layer.parameters().items()}

    def state(self) -> dict[str, Array]:
        """Return the state of all parts."""
        return {name: array for layer in self.layers for name, array in layer.state().items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Load the state of every part; each part takes its own names from the mapping."""
        for layer in self.layers:
            layer.load_state(state)

    def penalty(self) -> float:
        """Return the sum of the penalties of all parts."""
        return sum(layer.penalty() for layer in self.layers)

    def columns(self) -> dict[str, float]:
        """Return the columns of all parts."""
        return {name: value for layer in self.layers for name, value in layer.columns().items()}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the learned columns of all parts."""
        return {name: convert for layer in self.layers for name, convert in layer.learned_columns().items()}

    def warnings(self) -> list[str]:
        """Return the warnings of all parts."""
        return [text for layer in self.layers for text in layer.warnings()]


def leaves(layer: Layer) -> Iterator[Layer]:
    """Yield the layers of a network that are not containers, in order.

    Args:
        layer: The network, or any layer.
    """
    if isinstance(layer, Container):
        for part in layer.layers:
            yield from leaves(part)
    else:
        yield layer
