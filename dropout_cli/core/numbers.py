"""Numbers in values that were read from files."""

import math
from typing import TypeGuard


def is_finite_number(value: object) -> TypeGuard[float]:
    """Return True for a finite number; booleans are not numbers here."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
