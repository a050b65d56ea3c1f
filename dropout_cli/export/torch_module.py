"""The code of a PyTorch module while it grows: its lines, its weights and the names of its values."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from dropout_cli.core.types import Array, Shape
from dropout_cli.export.channels_first import broadcast_constant
from dropout_cli.export.description import ModelDescription
from dropout_cli.nn.operations import GraphConstant, GraphValue, Operand, Operation


class TorchModule:
    """The lines of a module, and its weights."""

    def __init__(self, description: ModelDescription, renderers: Mapping[str, Callable[..., str]]) -> None:
        """Write the lines for a description.

        Args:
            description: The description of the model.
            renderers: Kind of an operation -> function that returns its line.
        """
        self.weights: dict[str, Array] = {}
        """Name in the state of the module -> array."""
        self._description = description
        self._made: list[str] = []
        self._steps: list[str] = []
        self._names = {"x": "x"}
        self._last_use = _last_uses(description)
        self._joined: dict[str, str] = {}
        """Output of an operation that is a part of the layer before -> output of that layer."""
        for place, operation in enumerate(description.graph.operations):
            if operation.output.name in self._joined:
                self._names[operation.output.name] = self._names.pop(self._joined[operation.output.name])
            else:
                self._step(place, operation, renderers[operation.kind])

    def lines(self) -> Iterator[str]:
        """Yield the lines of the class, without `predict`."""
        yield "class Model(nn.Module):"
        yield '    """The network with its scaling, as PyTorch computes it."""\n'
        yield "    def __init__(self):\n        super().__init__()"
        yield from (f"        {line}" for line in self._made)
        yield '\n    def forward(self, x):\n        """Return the outputs by name."""'
        if len(self._description.shape) == 3:
            yield "        x = x.permute(0, 3, 1, 2)"
        yield from (f"        {line}".rstrip() for line in self._steps)
        found = ", ".join(f'"{name}": {self._names[v.name]}' for name, v in self._description.outputs.items())
        yield f"        return {{{found}}}"

    def part(self, path: str, make: str, weights: dict[str, Array]) -> str:
        """Return the attribute for a layer of PyTorch, which is made once.

        Args:
            path: The path that names the layer.
            make: The expression that makes the layer.
            weights: Name in the layer -> array.
        """
        name = path.replace("/", "_")
        arrays = {f"{name}.{key}": array for key, array in weights.items()}
        if not arrays.keys() <= self.weights.keys():
            self._made.append(f"self.{name} = {make}")
            self.weights |= arrays
        return f"self.{name}"

    def join(self, operation: Operation, kind: str) -> Operation | None:
        """Return the next operation if it has a kind and the result goes to it alone; then it is left out.

        Args:
            operation: The operation before it.
            kind: The kind of the next operation.
        """
        operations, name = self._description.graph.operations, operation.output.name
        following = next((one for one in operations if operation.output in one.operands), None)
        is_next = following is not None and operations.index(following) == operations.index(operation) + 1
        if (
            following is None
            or following.kind != kind
            or not is_next
            or self._last_use[name] != operations.index(following)
        ):
            return None
        self._joined[following.output.name] = name
        return following

    def operand(self, operand: Operand, shape: Shape) -> str:
        """Return an operand of an elementwise operation as an expression.

        Args:
            operand: The operand.
            shape: The shape of one example of the result.
        """
        if isinstance(operand, GraphValue):
            return self._names[operand.name]
        if not isinstance(operand, GraphConstant):
            return repr(float(operand))
        array = broadcast_constant(operand.array, shape)
        name = operand.name.replace("/", "_") + ("_of_maps" if array.shape != operand.array.shape else "")
        if name not in self.weights:
            self.weights[name] = array
            dtype = "" if array.dtype == np.float32 else f", dtype=torch.{array.dtype}"
            self._made.append(f'self.register_buffer("{name}", torch.zeros({array.shape}{dtype}))')
        return f"self.{name}"

    def _step(self, place: int, operation: Operation, render: Callable[..., str]) -> None:
        """Add the line of an operation."""
        given = [self.operand(one, operation.output.shape) for one in _written_operands(operation)]
        text = render(self, operation, given)
        unit = operation.path.partition("/")[0] or "outputs"
        operations = self._description.graph.operations
        if not place or unit != (operations[place - 1].path.partition("/")[0] or "outputs"):
            self._steps += ["", f"# {unit}"] if self._steps else [f"# {unit}"]
        # The name of an operand that nobody needs any more is used again.
        ended = [name for name, last in self._last_use.items() if last <= place and name in self._names]
        free = [self._names.pop(name) for name in ended]
        name = next(iter(free), None) or next(name for name in _fresh_names() if name not in self._names.values())
        self._names[operation.output.name] = name
        self._steps.append(f"{name} = {text}")


def _fresh_names() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"x{number}"


def _last_uses(description: ModelDescription) -> dict[str, int]:
    """Return the place of the last operation that uses each value; outputs are used until the end."""
    uses: dict[str, int] = {}
    for place, operation in enumerate(description.graph.operations):
        for operand in operation.operands:
            if isinstance(operand, GraphValue):
                uses[operand.name] = place
    return uses | {value.name: len(description.graph.operations) for value in description.outputs.values()}


def _written_operands(operation: Operation) -> tuple[Operand, ...]:
    """Return the operands that are written into the line; the others are weights of a layer."""
    is_layer = operation.kind in ("affine", "convolution") or is_batch_norm(operation)
    return operation.operands[:1] if is_layer else operation.operands


def is_batch_norm(operation: Operation) -> bool:
    """Return True for a normalization that PyTorch has as a layer: of maps, and of vectors."""
    return operation.kind == "normalize" and len(operation.output.shape) in (1, 3)
