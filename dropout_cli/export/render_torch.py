"""The format `torch`: a module of PyTorch as readable code, and its weights beside it.

Maps are (N, channels, height, width) inside the module, as PyTorch has them. The code has one line per operation, and
the weights of linear maps and convolutions are those of `nn.Linear` and `nn.Conv2d`.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from dropout_cli.core.types import Array, Shape
from dropout_cli.export import table_program
from dropout_cli.export.channels_first import broadcast_constant, to_channels_first
from dropout_cli.export.description import ModelDescription
from dropout_cli.export.program_text import program_text
from dropout_cli.export.render_numpy import heading, input_words, literal_text
from dropout_cli.nn.operations import GraphConstant, GraphValue, Operand, Operation

IMPORTS = """
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F
"""
PREDICT = """
    @torch.no_grad()
    def predict(self, x):
        \"\"\"Return the predictions by name, with a row per example.\"\"\"
        x = torch.as_tensor({read}, dtype=torch.{dtype})
        found = self(x.reshape(-1, {shape}))
        if "label" in found:
            found["label"] = [CLASSES[index] for index in found["label"].tolist()]
        return found


def load(file=Path(__file__).with_name("model.safetensors")):
    \"\"\"Return the trained module.\"\"\"
    model = Model()
    model.load_state_dict(load_file(file))
    return model.eval()
"""


def torch_files(description: ModelDescription) -> dict[str, bytes]:
    """Return the files of the format, by name.

    Args:
        description: The description of the model.
    """
    from safetensors.numpy import save

    module = TorchModule(description)
    example = input_words(description)[1]
    parts = [
        heading(description, "model = load()  # reads model.safetensors beside this file", f"model.predict({example})"),
        "from pathlib import Path",
    ]
    if description.columns:
        parts.append(program_text([table_program], ["encode_table"], ()).rstrip("\n"))
    parts.append(IMPORTS)
    if description.columns:
        parts.append(f"COLUMNS = {literal_text([column.plain() for column in description.columns])}")
    if description.classes:
        parts.append(f"CLASSES = {literal_text(list(description.classes))}")
    parts += ["\n", *module.lines()]
    read = "encode_table(x, COLUMNS)" if description.columns else "x"
    parts.append(PREDICT.format(read=read, dtype=description.dtype, shape=", ".join(map(str, description.shape))))
    weights = {name: np.ascontiguousarray(array) for name, array in sorted(module.weights.items())}
    return {"model.safetensors": bytes(save(weights)), "model.py": "\n".join(parts).encode()}


class TorchModule:
    """The lines of a module, and its weights."""

    def __init__(self, description: ModelDescription) -> None:
        """Write the lines for a description."""
        self.weights: dict[str, Array] = {}
        """Name in the state of the module -> array."""
        self._description = description
        self._made: list[str] = []
        self._steps: list[str] = []
        self._names = {"x": "x"}
        self._last_use = _last_uses(description)
        for place, operation in enumerate(description.graph.operations):
            self._step(place, operation)

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

    def part(self, constant: GraphConstant, make: str, weights: dict[str, Array]) -> str:
        """Return the attribute for a layer of PyTorch, which is made once.

        Args:
            constant: The matrix or kernel, which names the layer.
            make: The expression that makes the layer.
            weights: Name in the layer -> array.
        """
        name = constant.name.removesuffix("/W").replace("/", "_")
        arrays = {f"{name}.{key}": array for key, array in weights.items()}
        if not arrays.keys() <= self.weights.keys():
            self._made.append(f"self.{name} = {make}")
            self.weights |= arrays
        return f"self.{name}"

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

    def _step(self, place: int, operation: Operation) -> None:
        """Add the line of an operation."""
        given = [self.operand(one, operation.output.shape) for one in _elementwise_operands(operation)]
        text = TORCH[operation.kind](self, operation, given)
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


def _elementwise_operands(operation: Operation) -> tuple[Operand, ...]:
    """Return the operands that are written into the line; the others are weights of a layer."""
    return operation.operands[:1] if operation.kind in ("affine", "convolution") else operation.operands


TorchRenderer: TypeAlias = Callable[[TorchModule, Operation, list[str]], str]


def _text(pattern: str) -> TorchRenderer:
    """Return a function that fills in operands as {0}, {1}, and settings by name."""
    return lambda module, operation, given: pattern.format(*given, **operation.settings)


def _arrays(operation: Operation) -> list[Array]:
    return [one.array for one in operation.operands if isinstance(one, GraphConstant)]


def _affine(module: TorchModule, operation: Operation, given: list[str]) -> str:
    constant = operation.operands[1]
    assert isinstance(constant, GraphConstant)
    W, *b = _arrays(operation)
    make = f"nn.Linear({W.shape[0]}, {W.shape[1]}{'' if b else ', bias=False'})"
    return f"{module.part(constant, make, {'weight': W.T, **({'bias': b[0]} if b else {})})}({given[0]})"


def _convolution(module: TorchModule, operation: Operation, given: list[str]) -> str:
    constant, x = operation.operands[1], given[0]
    assert isinstance(constant, GraphConstant)
    W, *b = _arrays(operation)
    top, bottom, left, right = operation.settings["padding"]
    kh, kw, channels, filters = W.shape
    settings = {"stride": operation.settings["stride"]} if operation.settings["stride"] > 1 else {}
    words: dict[str, Any] = settings | ({} if b else {"bias": False})
    if (top, left) == (bottom, right):
        words |= {"padding": (top, left)} if top or left else {}
    else:
        x = f"F.pad({x}, ({left}, {right}, {top}, {bottom}))"
    more = "".join(f", {name}={value}" for name, value in words.items())
    make = f"nn.Conv2d({channels}, {filters}, ({kh}, {kw}){more})"
    weights = {"weight": W.transpose(3, 2, 0, 1), **({"bias": b[0]} if b else {})}
    return f"{module.part(constant, make, weights)}({x})"


def _flatten(module: TorchModule, operation: Operation, given: list[str]) -> str:
    value = operation.operands[0]
    is_map = isinstance(value, GraphValue) and len(value.shape) == 3
    return f"{given[0]}.permute(0, 2, 3, 1).flatten(1)" if is_map else f"{given[0]}.flatten(1)"


def _draw(function: str) -> TorchRenderer:
    def render(module: TorchModule, operation: Operation, given: list[str]) -> str:
        count = f"len({given[0]})" if operation.settings["per_example"] else "1"
        sizes = ", ".join([count, *map(str, to_channels_first(operation.output.shape))])
        return f"torch.{function}({sizes}, device={given[0]}.device)"

    return render


TORCH: dict[str, TorchRenderer] = {
    "affine": _affine,
    "convolution": _convolution,
    "max_pool": _text("F.max_pool2d({0}, {window}, {stride})"),
    "mean_pool": _text("F.avg_pool2d({0}, {window}, {stride})"),
    "pad": _text("F.pad({0}, ({size}, {size}, {size}, {size}))"),
    "global_mean": _text("{0}.mean(dim=(2, 3))"),
    "flatten": _flatten,
    "add_axis": _text("{0}.unsqueeze(1)"),
    "mean_over_first_axis": _text("{0}.mean(dim=1)"),
    "mean_over_batch": _text("{0}.mean()"),
    "product": _text("{0} @ {1}"),
    "columns": _text("{0}[:, {start}:{stop}]"),
    "argmax": _text("{0}.argmax(dim=-1)"),
    "relu": _text("F.relu({0})"),
    "tanh": _text("torch.tanh({0})"),
    "sigmoid": _text("torch.sigmoid({0})"),
    "gelu": _text("F.gelu({0})"),
    "selu": _text("F.selu({0})"),
    "softplus": _text("F.softplus({0})"),
    "softmax": _text("torch.softmax({0}, dim=-1)"),
    "exp": _text("torch.exp({0})"),
    "log": _text("torch.log({0})"),
    "sqrt": _text("torch.sqrt({0})"),
    "square": _text("torch.square({0})"),
    "to_float32": _text("{0}.float()"),
    "to_float64": _text("{0}.double()"),
    "add": _text("{0} + {1}"),
    "subtract": _text("{0} - {1}"),
    "multiply": _text("{0} * {1}"),
    "divide": _text("{0} / {1}"),
    "less": _text("({0} < {1}).float()"),
    "uniform": _draw("rand"),
    "normal": _draw("randn"),
}
"""Kind of an operation -> function that returns its line."""
