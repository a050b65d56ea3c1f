"""The best epoch by the monitored metric, and when to stop the training early."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dropout_cli.metrics import larger_is_better


@dataclass
class BestEpoch:
    """The best epoch so far, and the epochs since the last gain above `min_delta`."""

    monitor: str
    """A column of the history, such as `val_accuracy`; ties go to the lower val_loss, then to the earlier epoch."""
    patience: int | None = None
    """Epochs without improvement before `exhausted`; None: never."""
    min_delta: float = 0.0
    best_epoch: int = 0
    best_value: float = float("-inf")
    best_loss: float = float("inf")
    reference: float = float("-inf")
    waited: int = 0

    def update(self, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Take in a finished epoch; return whether it is the best so far."""
        sign = 1 if larger_is_better(self.monitor) else -1
        value, loss = sign * metrics[self.monitor], metrics["val_loss"]
        if value - self.reference > self.min_delta:
            self.reference, self.waited = value, 0
        else:
            self.waited += 1
        if not (value, -loss) > (self.best_value, -self.best_loss):  # not "<=": a NaN is never the best
            return False
        self.best_epoch, self.best_value, self.best_loss = epoch, value, loss
        return True

    @property
    def exhausted(self) -> bool:
        """Return True if the patience has run out."""
        return self.patience is not None and self.waited >= self.patience

    def state(self) -> dict[str, Any]:
        """Return the state that a checkpoint keeps."""
        return {name: value for name, value in asdict(self).items() if name not in ("monitor", "patience", "min_delta")}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore the result of `state`.

        Raises:
            KeyError: A field is missing.
            TypeError: It is something else.
        """
        for name, mine in self.state().items():
            if not isinstance(state[name], int | float):
                raise TypeError(f"{name} is not a number")
            setattr(self, name, type(mine)(state[name]))
