"""The format `numpy`: one program that predicts with NumPy alone."""

import base64
import textwrap
from pprint import pformat
from typing import Any

import numpy as np

from dropout_cli.core.text import escape_control_chars
from dropout_cli.core.types import Array
from dropout_cli.data.readers import cell_notation
from dropout_cli.export import numpy_program, table_program
from dropout_cli.export.description import ModelDescription
from dropout_cli.export.plain_steps import constant_arrays, plain_steps
from dropout_cli.export.program_text import program_text


def base64_arrays(arrays: dict[str, Array]) -> tuple[list[list[Any]], str]:
    """Return names, dtypes and shapes of arrays, and their bytes in lines of base64.

    Args:
        arrays: Name -> array.
    """
    little = {name: np.ascontiguousarray(array, array.dtype.newbyteorder("<")) for name, array in arrays.items()}
    shapes = [[name, array.dtype.str, list(array.shape)] for name, array in little.items()]
    data = base64.b64encode(b"".join(array.tobytes() for array in little.values())).decode()
    return shapes, "\n".join(data[start : start + 116] for start in range(0, len(data), 116))


def literal_text(value: Any) -> str:
    """Return plain values as the text of Python literals, in lines of 116 characters."""
    return pformat(value, width=116, compact=True, sort_dicts=False)


def input_words(description: ModelDescription) -> tuple[str, str]:
    """Return a sentence about the input of a model, and an example of one.

    Args:
        description: The description of the model.
    """
    if description.columns:
        names = [column.name for column in description.columns]
        return (
            f"The input is a table: a mapping from each of {len(names)} columns to its cells.",
            "{" + f"{names[0]!r}: [...]" + (", ..." if len(names) > 1 else "") + "}",
        )
    shape = " x ".join(map(str, description.shape))
    if len(description.shape) == 3:
        return f"The input is an array of images, each height x width x channels = {shape}, not scaled.", "images"
    return f"The input is an array with rows of {shape} numbers, not scaled.", "rows"


def output_words(description: ModelDescription) -> str:
    """Return a sentence about the outputs of a model.

    Args:
        description: The description of the model.
    """
    if description.classes:
        return "The outputs are `label` and `probabilities`, with a column per class."
    names = ", ".join(description.targets)
    sd = " and `sd`, the standard deviation of its error," if "sd" in description.outputs else ""
    return f"The outputs are `mean`{sd} of: {names}."


def heading(description: ModelDescription, *usage: str) -> str:
    """Return the docstring of an exported program.

    Args:
        description: The description of the model.
        usage: Lines that show how to use the program.
    """
    first = f"Predictions of the run {description.name}, written by dropout export."
    noise = f" Each call draws the noise of the dropout ({description.variant})." if description.noise else ""
    about = f"{input_words(description)[0]} {output_words(description)}{noise}"
    lines = [first, "", *textwrap.wrap(about, 116), "", *(f"    {line}" for line in usage)]
    body = "\n".join(map(escape_control_chars, lines)).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{body}\n"""\n'


def numpy_files(description: ModelDescription) -> dict[str, bytes]:
    """Return the file of the format, by name.

    Args:
        description: The description of the model.
    """
    shapes, text = base64_arrays(constant_arrays(description.graph))
    model = {
        "classes": list(description.classes),
        **({"columns": [column.plain() for column in description.columns]} if description.columns else {}),
        "shape": list(description.shape),
        "dtype": description.dtype,
        "outputs": {name: value.name for name, value in description.outputs.items()},
        "steps": plain_steps(description.graph),
    }
    rng = ", numpy.random.Generator(numpy.random.PCG64(0))" if description.noise else ""
    name = "predict_table" if description.columns else "predict"
    kinds = {operation.kind for operation in description.graph.operations}
    parts = [
        heading(description, f"predictions = {name}({input_words(description)[1]}{rng})"),
        program_text([numpy_program, cell_notation, table_program], [name, "read_arrays"], kinds),
        "\n# The steps of the model are [result, operation, operands, settings].",
        f"MODEL.update(\n{textwrap.indent(literal_text(model), '    ')}\n)",
        f"SHAPES = {literal_text(shapes)}",
        f'WEIGHTS = """\n{text}\n"""',
        'MODEL["arrays"] = read_arrays(SHAPES, WEIGHTS)\n',
    ]
    return {"model.py": "\n".join(parts).encode()}
