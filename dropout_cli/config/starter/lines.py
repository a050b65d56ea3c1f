"""Lines of a starter config: a key of the dataset with its value, and the lines of the split."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dropout_cli.config.starter.recipe import Recipe, recipe_for_rows
from dropout_cli.data.base import TEST, VAL, Examples, Source
from dropout_cli.data.splits import split_rows


@dataclass(frozen=True)
class ConfigLine:
    """A key of `dataset` with its value and a comment."""

    key: str
    value: object
    comment: str = ""
    is_guess: bool = False
    """True if the user should look at the value."""
    is_keyword: bool = False
    """True for a word of the config language, which needs no quotation marks."""

    def text(self) -> str:
        """Return the line in YAML."""
        comment = f"  # {self.comment}" if self.comment else ""
        value = self.value if self.is_keyword else json.dumps(self.value, ensure_ascii=False)
        return f"  {self.key}: {value}{comment}\n"


def split_lines(source: Source, examples: Examples) -> tuple[list[ConfigLine], Recipe]:
    """Return the lines of the split, for parts that the data do not give, and fitting sizes.

    Args:
        source: the dataset as far as it is known.
        examples: its examples.

    Raises:
        DataError: if the examples cannot be split.
    """
    given = {part: examples.has_part(part) for part in (VAL, TEST)}
    parts = examples.assigned_parts
    rows = len(examples.labels) if parts is None else int(np.count_nonzero(~np.isin(parts, [VAL, TEST])))
    recipe = recipe_for_rows(rows, len(examples.classes))
    keys: dict[str, Any] = {
        key: fraction
        for key, part, fraction in (
            ("val_fraction", VAL, recipe.val_fraction),
            ("test_fraction", TEST, recipe.test_fraction),
        )
        if not given[part]
    }
    trained = len(split_rows(examples, replace(source, **keys)).train)
    lines = [ConfigLine(key, fraction) for key, fraction in keys.items()]
    if keys:
        lines.append(ConfigLine("split_seed", 0, "another number gives another split"))
    return lines, recipe_for_rows(rows, len(examples.classes), trained)
