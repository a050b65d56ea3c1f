"""The list that `dropout datasets` prints: every dataset, without reading any."""

import inspect
from typing import Any

from dropout_cli.core.field_types import describe_fields
from dropout_cli.data.base import DATASETS, Source


def list_datasets() -> list[dict[str, Any]]:
    """Return one row per dataset, sorted by name.

    Returns:
        Rows with the keys name, examples, shape, classes, origin and about; and package, if it is of another one.
    """
    return [
        {
            "name": name,
            **cls.info._asdict(),
            "about": (inspect.getdoc(cls) or "").partition("\n")[0],
            **DATASETS.package_column(name),
        }
        for name, cls in DATASETS
    ]


def describe_dataset(cls: type[Source]) -> dict[str, Any]:
    """Return one dataset's row together with its full description and its keys."""
    name = DATASETS.name_of(cls)
    row = next(row for row in list_datasets() if row["name"] == name)
    return {**row, "text": inspect.getdoc(cls) or "", "keys": describe_fields(cls)}
