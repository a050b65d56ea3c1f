"""The format `onnx`: a graph with the preprocessing of tables, for onnxruntime and other programs.

Maps are (N, channels, height, width) inside the graph, as ONNX has them; an image goes in as (N, height, width,
channels). Noise is drawn by RandomUniformLike and RandomNormalLike, because onnxruntime 1.32 removes a Dropout in
training mode when it optimizes.

References:
    ONNX operators, opset 17, and ai.onnx.ml 3: onnx.ai/onnx/operators.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dropout_cli.core.environment import install_command
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.export.channels_first import to_channels_first
from dropout_cli.export.description import ModelDescription
from dropout_cli.export.onnx_graph import OnnxBuilder, OnnxRenderer
from dropout_cli.nn.operations import GraphConstant, GraphValue, Operation


def onnx_files(description: ModelDescription) -> dict[str, bytes]:
    """Return the file of the format, by name.

    Args:
        description: The description of the model.

    Raises:
        UsageError: The package onnx is not installed.
    """
    try:
        import onnx
    except ImportError:
        way_out = f"Install it with {install_command('onnx')}, or use --format numpy."
        raise UsageError("--format onnx", "needs the package onnx", way_out) from None
    model = OnnxBuilder(description, RENDERERS).model()
    onnx.checker.check_model(model, full_check=True)
    return {"model.onnx": model.SerializeToString(deterministic=True)}


def _plain(op_type: str, **attributes: Any) -> OnnxRenderer:
    """Return a function that adds one node for an elementwise operation."""
    return lambda builder, operation: builder.node(
        op_type, builder.operands(operation), builder.output(operation), **attributes
    )


def _affine(builder: OnnxBuilder, operation: Operation) -> None:
    x, *arrays = operation.operands
    assert isinstance(x, GraphValue)
    constants = [builder.constant(one, "", one.array) for one in arrays if isinstance(one, GraphConstant)]
    builder.node("Gemm", [builder.name_of(x), *constants], builder.output(operation))


def _convolution(builder: OnnxBuilder, operation: Operation) -> None:
    x, W, *b = operation.operands
    assert isinstance(x, GraphValue) and isinstance(W, GraphConstant)
    top, bottom, left, right = operation.settings["padding"]
    constants = [builder.constant(W, "filters", W.array.transpose(3, 2, 0, 1))]
    constants += [builder.constant(one, "", one.array) for one in b if isinstance(one, GraphConstant)]
    settings = {"pads": [top, left, bottom, right], "strides": [operation.settings["stride"]] * 2}
    builder.node("Conv", [builder.name_of(x), *constants], builder.output(operation), **settings)


def _pool(op_type: str) -> OnnxRenderer:
    def render(builder: OnnxBuilder, operation: Operation) -> None:
        window, stride = ([operation.settings[name]] * 2 for name in ("window", "stride"))
        builder.node(
            op_type, builder.operands(operation), builder.output(operation), kernel_shape=window, strides=stride
        )

    return render


def _with_array(op_type: str, arrays: Callable[[Operation], Mapping[str, Array]]) -> OnnxRenderer:
    """Return a function that adds a node with further inputs, such as axes."""

    def render(builder: OnnxBuilder, operation: Operation) -> None:
        more = [builder.array(f"{operation.path}/{name}", array) for name, array in arrays(operation).items()]
        builder.node(op_type, [*builder.operands(operation), *more], builder.output(operation))

    return render


def _slice(operation: Operation) -> dict[str, Array]:
    start, stop = operation.settings["start"], operation.settings["stop"]
    return {"starts": np.array([start]), "ends": np.array([stop]), "axes": np.array([1])}


def _pads(operation: Operation) -> dict[str, Array]:
    size = operation.settings["size"]
    return {"pads": np.array([0, 0, size, size] * 2)}


def _flatten(builder: OnnxBuilder, operation: Operation) -> None:
    (x,) = builder.operands(operation)
    (value,) = operation.operands
    if isinstance(value, GraphValue) and len(value.shape) == 3:
        x = builder.step("Transpose", [x], f"{operation.path}/channels_last", perm=[0, 2, 3, 1])
    builder.node("Flatten", [x], builder.output(operation), axis=1)


def _gelu(builder: OnnxBuilder, operation: Operation) -> None:
    (x,) = builder.operands(operation)
    path = operation.path
    numbers = {name: builder.array(f"{path}/{name}", np.array(value, np.float32)) for name, value in GELU.items()}
    erf = builder.step("Erf", [builder.step("Mul", [x, numbers["root"]], f"{path}/scaled")], f"{path}/erf")
    cdf = builder.step(
        "Mul", [builder.step("Add", [erf, numbers["one"]], f"{path}/sum"), numbers["half"]], f"{path}/cdf"
    )
    builder.node("Mul", [x, cdf], builder.output(operation))


GELU = {"root": 0.5**0.5, "one": 1.0, "half": 0.5}


def _normalize(builder: OnnxBuilder, operation: Operation) -> None:
    (x, mean, variance), path = builder.operands(operation), operation.path
    epsilon = builder.array(f"{path}/epsilon", np.array(operation.settings["epsilon"], np.float32))
    sd = builder.step("Sqrt", [builder.step("Add", [variance, epsilon], f"{path}/sum")], f"{path}/sd")
    builder.node("Div", [builder.step("Sub", [x, mean], f"{path}/centered"), sd], builder.output(operation))


def _scale_shift(builder: OnnxBuilder, operation: Operation) -> None:
    x, gamma, beta = builder.operands(operation)
    scaled = builder.step("Mul", [x, gamma], f"{operation.path}/scaled")
    builder.node("Add", [scaled, beta], builder.output(operation))


def _square(builder: OnnxBuilder, operation: Operation) -> None:
    builder.node("Mul", builder.operands(operation) * 2, builder.output(operation))


def _less(builder: OnnxBuilder, operation: Operation) -> None:
    less = builder.step("Less", builder.operands(operation), f"{operation.path}/is_less")
    builder.node("Cast", [less], builder.output(operation), to=1)


def _draw(name: str, **attributes: float) -> OnnxRenderer:
    """Return a function that draws, in a shape of its own for the examples of the batch."""

    def render(builder: OnnxBuilder, operation: Operation) -> None:
        (x,), path, output = builder.operands(operation), operation.path, builder.output(operation)
        value, shape = operation.operands[0], to_channels_first(operation.output.shape)
        if not operation.settings["per_example"]:
            builder.node(name, [], output, shape=[1, *shape], dtype=1, **attributes)
            return
        if not (isinstance(value, GraphValue) and value.shape == operation.output.shape):
            ends = [builder.array(f"{path}/{word}", np.array([place])) for word, place in (("first", 0), ("second", 1))]
            count = builder.step("Slice", [builder.step("Shape", [x], f"{path}/shape"), *ends], f"{path}/count")
            sizes = builder.step(
                "Concat", [count, builder.array(f"{path}/sizes", np.array(shape))], f"{path}/draws", axis=0
            )
            x = builder.step("ConstantOfShape", [sizes], f"{path}/empty")
        builder.node(f"{name}Like", [x], output, dtype=1, **attributes)

    return render


RENDERERS: dict[str, OnnxRenderer] = {
    "affine": _affine,
    "convolution": _convolution,
    "max_pool": _pool("MaxPool"),
    "mean_pool": _pool("AveragePool"),
    "pad": _with_array("Pad", _pads),
    "global_mean": _plain("ReduceMean", axes=[2, 3], keepdims=0),
    "flatten": _flatten,
    "add_axis": _with_array("Unsqueeze", lambda _: {"axis": np.array([1])}),
    "mean_over_first_axis": _plain("ReduceMean", axes=[1], keepdims=0),
    "mean_over_batch": _plain("ReduceMean", keepdims=0),
    "normalize": _normalize,
    "scale_shift": _scale_shift,
    "product": _plain("MatMul"),
    "columns": _with_array("Slice", _slice),
    "argmax": _plain("ArgMax", axis=-1, keepdims=0),
    "relu": _plain("Relu"),
    "tanh": _plain("Tanh"),
    "sigmoid": _plain("Sigmoid"),
    "gelu": _gelu,
    "selu": _plain("Selu"),
    "softplus": _plain("Softplus"),
    "softmax": _plain("Softmax", axis=-1),
    "exp": _plain("Exp"),
    "log": _plain("Log"),
    "sqrt": _plain("Sqrt"),
    "square": _square,
    "to_float32": _plain("Cast", to=1),
    "to_float64": _plain("Cast", to=11),
    "add": _plain("Add"),
    "subtract": _plain("Sub"),
    "multiply": _plain("Mul"),
    "divide": _plain("Div"),
    "less": _less,
    "uniform": _draw("RandomUniform", low=0.0, high=1.0),
    "normal": _draw("RandomNormal", mean=0.0, scale=1.0),
}
"""Kind of an operation -> function that adds its nodes. In `dtype` and `to`, 1 is float32 and 11 float64."""
