"""The format `torch`: a module of PyTorch as readable code, and its weights beside it.

Maps are (N, channels, height, width) inside the module, as PyTorch has them. The code has one line per operation, and
the weights of linear maps and convolutions are those of `nn.Linear` and `nn.Conv2d`.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data.readers import cell_notation
from dropout_cli.export import table_program
from dropout_cli.export.channels_first import to_channels_first
from dropout_cli.export.description import ModelDescription
from dropout_cli.export.program_text import program_text
from dropout_cli.export.render_numpy import heading, input_words, literal_text
from dropout_cli.export.torch_module import TorchModule, is_batch_norm
from dropout_cli.nn.operations import GraphConstant, GraphValue, Operation

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

    module = TorchModule(description, TORCH)
    example = input_words(description)[1]
    parts = [
        heading(description, "model = load()  # reads model.safetensors beside this file", f"model.predict({example})"),
        "from pathlib import Path",
    ]
    if description.columns:
        parts.append(program_text([cell_notation, table_program], ["encode_table"], ()).rstrip("\n"))
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
    weights = {"weight": W.T, **({"bias": b[0]} if b else {})}
    return f"{module.part(constant.name.removesuffix('/W'), make, weights)}({given[0]})"


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
    return f"{module.part(constant.name.removesuffix('/W'), make, weights)}({x})"


def _normalize(module: TorchModule, operation: Operation, given: list[str]) -> str:
    epsilon = operation.settings["epsilon"]
    if not is_batch_norm(operation):
        return "({0} - {1}) / torch.sqrt({2} + {epsilon})".format(*given, epsilon=epsilon)
    mean, variance = _arrays(operation)
    joined = module.join(operation, "scale_shift")
    weights = {"running_mean": mean, "running_var": variance, "num_batches_tracked": np.zeros((), np.int64)}
    if joined is not None:
        weights |= dict(zip(("weight", "bias"), _arrays(joined), strict=True))
    affine = "" if joined is not None else ", affine=False"
    layer = f"nn.BatchNorm{'2d' if len(operation.output.shape) == 3 else '1d'}"
    return f"{module.part(operation.path, f'{layer}({len(mean)}, eps={epsilon}{affine})', weights)}({given[0]})"


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
    "normalize": _normalize,
    "scale_shift": _text("{0} * {1} + {2}"),
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
