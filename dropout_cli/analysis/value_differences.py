"""Differences between stored values and the same values computed again."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

VERIFY_TOLERANCE = 1e-9
"""Relative and absolute tolerance: another NumPy may compute other last bits."""


def value_differences(stored: Any, recomputed: Any, path: str = "") -> Iterator[str]:
    """Yield a phrase for each value that differs; numbers may differ in their last bits.

    Args:
        stored: The content of a file: a mapping, a list, a number or a text.
        recomputed: The same, computed again.
        path: The dotted key of both, for the phrases.
    """
    if isinstance(recomputed, Mapping) and isinstance(stored, Mapping) and recomputed.keys() == stored.keys():
        for name in recomputed:
            yield from value_differences(stored[name], recomputed[name], f"{path}.{name}" if path else name)
    elif isinstance(recomputed, list) and isinstance(stored, list) and len(recomputed) == len(stored):
        for index, (one, other) in enumerate(zip(stored, recomputed, strict=True)):
            yield from value_differences(one, other, f"{path}[{index}]")
    elif not is_same_value(stored, recomputed):
        yield f"{path} is {stored}, but recomputed it is {recomputed}"


def is_same_value(stored: Any, recomputed: Any) -> bool:
    """Return True if two values are equal; floats may differ by VERIFY_TOLERANCE."""
    if isinstance(stored, float) and isinstance(recomputed, float):
        return math.isclose(stored, recomputed, rel_tol=VERIFY_TOLERANCE, abs_tol=VERIFY_TOLERANCE)
    return bool(stored == recomputed)
