"""Unequal and rare classes: a comment for a starter config, and messages."""

import numpy as np

from dropout_cli.core.text import counted
from dropout_cli.data.base import Examples
from dropout_cli.data.readers.cells import quote_names

UNEQUAL_RATIO = 4
"""The largest class is reported if it has more than this many times the rows of the smallest one."""
ROWS_PER_CLASS = 3
"""A class needs a row in the training, validation and test part."""
MAX_LISTED = 5
"""A message lists at most this many classes."""


def unequal_classes(
    examples: Examples, way_out: str = f"dataset.min_class_rows={ROWS_PER_CLASS} leaves such rows out."
) -> tuple[str, list[str]]:
    """Return a comment line about unequal classes, and messages about unequal and rare ones.

    The comment is a line for `recipe_text`. It shows how to weigh the classes. Weights are not a default, because they
    cost accuracy: on five of six unequal data sets the weighted network was less often right than the largest class.

    Args:
        examples: the rows of a classification or regression.
        way_out: the advice about classes with too few rows.

    Returns:
        The comment, empty if the classes are about equal, and the messages.
    """
    if not examples.classes:
        return "", []
    counts = np.bincount(examples.labels, minlength=len(examples.classes))
    messages = []
    rare = [examples.classes[index] for index in np.flatnonzero((counts > 0) & (counts < ROWS_PER_CLASS))]
    if rare:
        few = "has" if len(rare) == 1 else "have"
        messages.append(
            f"{'Class' if len(rare) == 1 else 'Classes'} {quote_names(rare, MAX_LISTED)} {few} fewer than "
            f"{ROWS_PER_CLASS} rows, too few for the training, validation and test part. {way_out}"
        )
    present = counts[counts > 0]
    if present.max() <= UNEQUAL_RATIO * present.min():
        return "", messages
    sizes = _listed_sizes(examples.classes, counts)
    messages.append(
        f"The classes are unequal ({sizes}). Each row counts the same; objective.class_weights=balanced gives rare "
        "classes the same weight, at a cost in accuracy."
    )
    return _WEIGHTS.format(sizes=_comment_text(sizes)), messages


def _listed_sizes(classes: tuple[str, ...], counts: np.ndarray) -> str:
    """Return the largest and the smallest classes with their rows, the largest first."""
    order = [int(index) for index in np.argsort(-counts, kind="stable") if counts[index]]
    texts = [f"'{classes[index][:30]}' {counted(int(counts[index]), 'row')}" for index in order]
    return ", ".join(texts if len(texts) <= MAX_LISTED else [*texts[:2], "...", *texts[-2:]])


def _comment_text(text: str) -> str:
    """Return text that cannot end the line of a comment."""
    return "".join(char if char.isprintable() else " " for char in text)


_WEIGHTS = """\
# The classes are unequal: {sizes}.
# To give rare classes the same weight, at a cost in accuracy, remove the # in front of the next line:
# objective: {{name: cross_entropy, class_weights: balanced}}
"""
