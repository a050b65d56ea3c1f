"""Unequal classes: a comment for a starter config, and a message."""

import numpy as np

from dropout_cli.core.text import counted
from dropout_cli.data.base import Examples

UNEQUAL_RATIO = 4
"""The largest class is reported if it has more than this many times the rows of the smallest one."""
MAX_LISTED = 5
"""A message lists at most this many classes."""


def unequal_classes(examples: Examples) -> tuple[str, str]:
    """Return a comment line about unequal classes, and a message about them.

    The comment is a line for `recipe_text`. It shows how to weigh the classes. Weights are not a default, because they
    usually cost accuracy: a weighted network names rare classes more often than they occur.

    Args:
        examples: the rows of a classification or regression.

    Returns:
        The comment and the message; both are empty if the classes are about equal.
    """
    if not examples.classes:
        return "", ""
    counts = np.bincount(examples.labels, minlength=len(examples.classes))
    present = counts[counts > 0]
    if present.max() <= UNEQUAL_RATIO * present.min():
        return "", ""
    sizes = _listed_sizes(examples.classes, counts)
    message = (
        f"The classes are unequal ({sizes}). Each row counts the same; objective.class_weights=balanced gives rare "
        "classes the same weight, at a cost in accuracy."
    )
    return _WEIGHTS.format(sizes=_comment_text(sizes)), message


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
