"""The content of `dropout variants`: a list of all variants, or one variant in detail."""

import inspect
import sys
from typing import Any

from dropout_cli.core.field_types import describe_fields
from dropout_cli.variants.toolkit.base import VARIANTS, Variant
from dropout_cli.variants.toolkit.worked_example import example_of, worked_example


def list_variants() -> list[dict[str, Any]]:
    """Return one row per variant, sorted by name.

    Returns:
        Rows with the keys name, about (one line), acts_on, learns, paper; and package, if it is of another one.
    """
    return [
        {
            "name": name,
            "about": (inspect.getdoc(cls) or "").partition("\n")[0],
            "acts_on": cls.acts_on,
            "learns": cls.learns or "nothing",
            "paper": cls.paper,
            **VARIANTS.package_column(name),
        }
        for name, cls in VARIANTS
    ]


def describe_variant(cls: type[Variant]) -> dict[str, Any]:
    """Return the row of one variant, its text with the equations, its keys and its example.

    Args:
        cls: The class of the variant.

    Returns:
        The row with `text` and `keys`; `example` (numpy, evaluation, settings, tables) if the variant has one.
    """
    name = VARIANTS.name_of(cls)
    row = next(row for row in list_variants() if row["name"] == name)
    entry = {**row, "text": inspect.getdoc(sys.modules[cls.__module__]) or "", "keys": describe_fields(cls)}
    example = example_of(cls)
    if example is not None:
        tables = [{"title": table.title, "values": table.values.tolist()} for table in worked_example(cls)]
        entry["example"] = {
            "numpy": example.source(),
            "evaluation": example.evaluation,
            "settings": dict(example.settings),
            "tables": tables,
        }
    return entry
