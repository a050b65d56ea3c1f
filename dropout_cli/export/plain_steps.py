"""Operations and columns as plain values, for programs."""

from typing import Any

from dropout_cli.core.types import Array
from dropout_cli.nn.operations import GraphConstant, GraphValue, Operand, Operation, OperationGraph


def plain_steps(graph: OperationGraph) -> list[list[Any]]:
    """Return the operations as [result, kind, operands, settings], without arrays."""
    return [
        [one.output.name, one.kind, [_operand(item) for item in one.operands], _settings(one)]
        for one in graph.operations
    ]


def _operand(operand: Operand) -> str | float:
    return operand.name if isinstance(operand, GraphValue | GraphConstant) else float(operand)


def _settings(operation: Operation) -> dict[str, Any]:
    settings = {name: list(value) if isinstance(value, tuple) else value for name, value in operation.settings.items()}
    drawn = operation.kind in ("uniform", "normal")
    return settings | ({"shape": list(operation.output.shape)} if drawn else {})


def constant_arrays(graph: OperationGraph) -> dict[str, Array]:
    """Return the arrays of all operations by name."""
    return {name: constant.array for name, constant in graph.constants.items()}
