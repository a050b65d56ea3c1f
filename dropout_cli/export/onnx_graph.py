"""An ONNX graph while it grows: inputs, nodes, arrays, and outputs of a description.

A column of a table is an input of its own, (N, 1): text for words, numbers otherwise, with NaN for a missing one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.export.channels_first import broadcast_constant
from dropout_cli.export.description import InputColumn, ModelDescription
from dropout_cli.nn.operations import GraphConstant, GraphValue, Operand, Operation

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
"""Old enough for programs of several years, and new enough for every operation."""
ML = "ai.onnx.ml"
PRODUCER = "dropout export"


class OnnxBuilder:
    """The nodes and arrays of a graph while it grows."""

    def __init__(self, description: ModelDescription, renderers: Mapping[str, Callable[..., Any]]) -> None:
        """Begin with an empty graph.

        Args:
            description: The description of the model.
            renderers: Kind of an operation -> function that adds its nodes.
        """
        self.description, self._renderers = description, renderers
        self.nodes: list[NodeProto] = []
        self.arrays: dict[str, TensorProto] = {}
        self.inputs: list[ValueInfoProto] = []
        self._names: dict[str, str] = {}
        self._taken: set[str] = {column.name for column in description.columns} | {"x"}
        self.dtypes: dict[str, str] = {}
        """Value -> float32 or float64."""

    def model(self) -> "ModelProto":
        """Return the whole model."""
        from onnx import TensorProto, helper

        description = self.description
        self._read_input()
        for operation in description.graph.operations:
            self._renderers[operation.kind](self, operation)
            self.dtypes[operation.output.name] = self._dtype_after(operation)
        outputs = []
        for name, value in description.outputs.items():
            public = self.fresh(name)
            if name == "label":
                classes = self.array("classes", np.array(description.classes, object))
                self.node("Gather", [classes, self.name_of(value)], public)
                outputs.append(helper.make_tensor_value_info(public, TensorProto.STRING, ["N"]))
                continue
            self.node("Identity", [self.name_of(value)], public)
            kind = TensorProto.FLOAT if self.dtypes[value.name] == "float32" else TensorProto.DOUBLE
            outputs.append(helper.make_tensor_value_info(public, kind, ["N", *value.shape]))
        graph = helper.make_graph(self.nodes, description.name, self.inputs, outputs, list(self.arrays.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(graph, producer_name=PRODUCER, opset_imports=opsets, ir_version=IR_VERSION)
        helper.set_model_props(model, {"run": description.name, "variant": description.variant})
        return model

    def fresh(self, name: str) -> str:
        """Return a name that nothing in the graph has yet."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def name_of(self, value: GraphValue) -> str:
        """Return the name of a value in the graph."""
        return self._names[value.name]

    def node(self, op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node, and return its output."""
        from onnx import helper

        self.nodes.append(helper.make_node(op_type, list(inputs), [output], name=output, **attributes))
        return output

    def step(self, op_type: str, inputs: Sequence[str], hint: str, **attributes: Any) -> str:
        """Add a node whose output gets a fresh name, and return this name."""
        return self.node(op_type, inputs, self.fresh(hint), **attributes)

    def array(self, hint: str, array: Array) -> str:
        """Add an array under a fresh name, and return the name."""
        from onnx import TensorProto, helper, numpy_helper

        name = self.fresh(hint)
        if array.dtype == object:
            texts = [text.encode() for text in array.tolist()]
            self.arrays[name] = helper.make_tensor(name, TensorProto.STRING, array.shape, texts)
        else:
            self.arrays[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def constant(self, constant: GraphConstant, layout: str, array: Array) -> str:
        """Return the name of a constant in a layout, which is added once.

        Args:
            constant: The constant.
            layout: A name for the layout; "" for that of the network.
            array: The array in this layout.
        """
        key = f"{constant.name} {layout}".strip()
        if f"= {key}" not in self._names:
            self._names[f"= {key}"] = self.array(key.replace(" ", "/"), array)
        return self._names[f"= {key}"]

    def output(self, operation: Operation) -> str:
        """Return the name of the output of an operation."""
        name = operation.output.name
        self._names[name] = self._names.get(name) or self.fresh(f"{operation.path}/{operation.kind}")
        return self._names[name]

    def operands(self, operation: Operation) -> list[str]:
        """Return the names of the operands of an elementwise operation."""
        dtype = self._dtype_of_operands(operation)
        return [self._operand(operand, operation, dtype) for operand in operation.operands]

    def _operand(self, operand: Operand, operation: Operation, dtype: str) -> str:
        if isinstance(operand, GraphValue):
            return self.name_of(operand)
        if isinstance(operand, GraphConstant):
            is_map = len(operation.output.shape) == 3
            layout = "map" if is_map and operand.array.size > 1 else ""
            return self.constant(operand, layout, broadcast_constant(operand.array, operation.output.shape))
        return self.array(f"{operation.path}/number", np.array(operand, dtype))

    def _dtype_of_operands(self, operation: Operation) -> str:
        values = [operand for operand in operation.operands if isinstance(operand, GraphValue)]
        return self.dtypes[values[0].name]

    def _dtype_after(self, operation: Operation) -> str:
        casts = {"to_float32": "float32", "to_float64": "float64", "uniform": "float32", "normal": "float32"}
        return casts.get(operation.kind) or self._dtype_of_operands(operation)

    def _read_input(self) -> None:
        """Add the inputs, and the nodes that turn them into the first value."""
        from onnx import TensorProto, helper

        description = self.description
        self.dtypes["x"] = description.dtype
        number = TensorProto.FLOAT if description.dtype == "float32" else TensorProto.DOUBLE
        if not description.columns:
            self.inputs.append(helper.make_tensor_value_info("x", number, ["N", *description.shape]))
            is_map = len(description.shape) == 3
            self._names["x"] = self.step("Transpose", ["x"], "maps", perm=[0, 3, 1, 2]) if is_map else "x"
            return
        features: list[str] = []
        for column in description.columns:
            kind = number if column.rows is None else TensorProto.STRING
            self.inputs.append(helper.make_tensor_value_info(column.name, kind, ["N", 1]))
            features += self._column(column, number)
        self._names["x"] = self.step("Concat", features, "features", axis=1)

    def _column(self, column: InputColumn, number: int) -> list[str]:
        """Add the nodes of a column, and return the names of its features."""
        dtype = self.description.dtype
        if column.rows is None:
            missing = self.step("IsNaN", [column.name], f"{column.name}/missing")
            fill = self.array(f"{column.name}/fill", np.array(column.fill, dtype))
            filled = self.step("Where", [missing, fill, column.name], f"{column.name}/filled")
            mark = [self.step("Cast", [missing], f"{column.name}/mark", to=number)] if column.marks_missing else []
            return [filled, *mark]
        texts = column.row_of_text()
        known = {"keys_strings": list(texts), "values_int64s": list(texts.values())}
        unknown = len(column.rows) - 1
        index = self.step(
            "LabelEncoder", [column.name], f"{column.name}/word", domain=ML, default_int64=unknown, **known
        )
        rows = self.array(f"{column.name}/rows", column.rows.astype(dtype))
        row = self.step("Gather", [rows, index], f"{column.name}/row")
        return [self.step("Squeeze", [row, self.array("axis_1", np.array([1]))], f"{column.name}/features")]


OnnxRenderer: TypeAlias = Callable[[OnnxBuilder, Operation], Any]
