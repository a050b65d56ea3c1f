"""Convergence warnings for learned dropout rates."""

from collections.abc import Callable, Mapping, Sequence

MAX_FINAL_CHANGE = 0.01
"""A rate that moves by more over the last tenth of the epochs has not settled."""


def unconverged(learned: Mapping[str, Callable[[float], float]], history: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the columns whose rates have not settled, in the order of the history.

    Args:
        learned: Column -> conversion of its values to a rate, as `Layer.learned_columns` declares.
        history: Column -> its value after each epoch.
    """
    moving = []
    for name, values in history.items():
        rate = learned.get(name)
        if rate is not None and len(values) > 1:
            before = values[min(round(0.9 * len(values)), len(values) - 1) - 1]
            if abs(rate(values[-1]) - rate(before)) > MAX_FINAL_CHANGE:
                moving.append(name)
    return moving


def convergence_warning(column: str) -> str:
    """Return the warning for a learned rate that has not settled."""
    return f"{column}: still changing at the end of training. Train for more epochs, or let the learning rate decay."
