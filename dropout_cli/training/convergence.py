"""What to say of a finished training: learned rates that have not settled."""

from collections.abc import Mapping


def still_moving(history: Mapping[str, list[float]]) -> list[str]:
    """The learned rates that moved by more than .01 over the last tenth of the epochs; alpha counts as its rate."""
    moving = []
    for name, values in history.items():
        if name.endswith(("/rate", "/alpha", "/sparsity")) and len(values) > 1:
            before, after = values[min(round(0.9 * len(values)), len(values) - 1) - 1], values[-1]
            if name.endswith("/alpha"):
                before, after = before / (1 + before), after / (1 + after)
            if abs(after - before) > 0.01:
                moving.append(name)
    return moving


def advice(column: str) -> str:
    """What to say of a learned rate that has not settled."""
    return f"{column}: still moving at the end of training. More epochs, or a falling learning rate, may settle it."
