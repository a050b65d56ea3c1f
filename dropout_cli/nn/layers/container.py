"""The base of layers made of other layers: they own no arrays, and the parts keep their names."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.parameter import Parameter


class Container(Layer):
    """A layer whose parameters, state, penalty, columns and warnings are those of its parts, in order."""

    def __init__(self, path: str, layers: Sequence[Layer]) -> None:
        """`layers`: the parts."""
        super().__init__(path)
        self.layers = tuple(layers)

    def set_step(self, step: int) -> None:
        """Tell every part."""
        for layer in self.layers:
            layer.set_step(step)

    def holds_dropout(self) -> bool:
        """Whether it, or a part of it, is such a place."""
        return self.is_dropout or any(layer.holds_dropout() for layer in self.layers)

    def draws(self) -> bool:
        """Whether a part draws."""
        return any(layer.draws() for layer in self.layers)

    def parameters(self) -> dict[str, Parameter]:
        """Those of all parts, in order."""
        return {name: one for layer in self.layers for name, one in layer.parameters().items()}

    def state(self) -> dict[str, Array]:
        """That of all parts."""
        return {name: one for layer in self.layers for name, one in layer.state().items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Hand every part the whole mapping; each takes its own names from it."""
        for layer in self.layers:
            layer.load_state(state)

    def penalty(self) -> float:
        """The sum over all parts."""
        return sum(layer.penalty() for layer in self.layers)

    def columns(self) -> dict[str, float]:
        """Those of all parts."""
        return {name: one for layer in self.layers for name, one in layer.columns().items()}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return those of all parts."""
        return {name: one for layer in self.layers for name, one in layer.learned_columns().items()}

    def warnings(self) -> list[str]:
        """Those of all parts."""
        return [text for layer in self.layers for text in layer.warnings()]


def leaves(layer: Layer) -> Iterator[Layer]:
    """The layers of a network that are made of no others, in order."""
    if isinstance(layer, Container):
        for part in layer.layers:
            yield from leaves(part)
    else:
        yield layer
