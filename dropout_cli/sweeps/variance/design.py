"""The design of a study of the variance, as `plan.json` stores it."""

from dataclasses import dataclass

from dropout_cli.sweeps.replicates import SPLIT_SEED

SOURCE_NAMES = {
    "streams.init": "initial weights",
    "streams.order": "batch order",
    "streams.noise": "dropout noise",
    "streams.augment": "augmentation",
    SPLIT_SEED: "split",
}
"""Key of the seed of each source -> its name."""
DEFAULT_LEVELS = 7
LEVELS = (5, DEFAULT_LEVELS, 11)
"""The numbers of levels to choose from; they are primes, as the orthogonal array needs."""


@dataclass(frozen=True)
class VarianceDesign:
    """The levels and sources of an orthogonal array."""

    levels: int
    keys: tuple[str, ...]
    """The key of the seed of each source."""

    def __post_init__(self) -> None:
        """Raise ValueError for unknown levels or sources."""
        if self.levels not in LEVELS:
            raise ValueError(f"{self.levels} levels are unknown")
        if len(self.keys) < 2 or len(set(self.keys)) < len(self.keys) or not {*self.keys} <= SOURCE_NAMES.keys():
            raise ValueError("the sources of its design are unknown")

    @property
    def runs(self) -> int:
        """The number of runs."""
        return self.levels**2
