"""What `dropout datasets` lists: every dataset, without reading any."""

import inspect
from typing import Any

from dropout_cli.core.fields import keys
from dropout_cli.data.base import DATASETS, Source


def catalogue() -> list[dict[str, Any]]:
    """One row per dataset, by name: name, examples, shape, classes, origin and about (one line)."""
    return [
        {"name": name, **cls.facts._asdict(), "about": (inspect.getdoc(cls) or "").partition("\n")[0]}
        for name, cls in DATASETS
    ]


def details(cls: type[Source]) -> dict[str, Any]:
    """One dataset: its row, its text and its keys."""
    name = DATASETS.name_of(cls)
    row = next(row for row in catalogue() if row["name"] == name)
    return {**row, "text": inspect.getdoc(cls) or "", "keys": keys(cls)}
