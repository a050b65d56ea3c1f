"""The batch order: how many batches a run takes, and which rows each batch has.

Every pass over the data has its own permutation, drawn from the random stream `order` and the number of the pass.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.rng import Generator, stream
from dropout_cli.core.types import Array
from dropout_cli.data.readers.file_rows import SEGMENTS

if TYPE_CHECKING:
    from dropout_cli.config.schema import Experiment


@dataclass(frozen=True)
class BatchPlan:
    """The number of steps of a run, and the rows of each batch."""

    examples: int
    """Number of training examples."""
    batch_size: int
    epochs: int
    steps_per_epoch: int
    segment_rows: int | None = None
    """Rows per segment, if the examples stay in their files; see `Part.segment_rows`."""
    smallest_batch: int = 1
    """A last batch of a pass with fewer rows than this is merged with the batch before it."""

    @classmethod
    def from_experiment(cls, experiment: "Experiment", examples: int, segment_rows: int | None = None) -> "BatchPlan":
        """Return the plan of an experiment.

        Args:
            experiment: The experiment; its batch size is resolved.
            examples: Number of training examples.
            segment_rows: `Part.segment_rows` of the train part; the number of steps does not depend on it.
        """
        training, batch_size = experiment.training, int(experiment.training.batch_size)
        smallest = experiment.architecture.smallest_batch
        plan = cls(examples, batch_size, training.epochs, training.steps_per_epoch or 1, segment_rows, smallest)
        return plan if training.steps_per_epoch else replace(plan, steps_per_epoch=plan.per_pass)

    @property
    def per_pass(self) -> int:
        """Number of batches in a pass over the examples."""
        full, left = divmod(self.examples, self.batch_size)
        return full + (left >= self.smallest_batch) if full and left else max(1, full)

    @property
    def largest_batch(self) -> int:
        """Number of rows of the largest batch."""
        return self.examples - self.batch_size * (self.per_pass - 1) if self._merges_last else self.batch_size

    @property
    def _merges_last(self) -> bool:
        """True if the last batch of a pass is merged with the batch before it."""
        return self.per_pass * self.batch_size < self.examples

    @property
    def steps(self) -> int:
        """Number of steps of the whole run."""
        return self.epochs * self.steps_per_epoch

    def rows(self, seed: int, step: int, steps: int) -> Iterator[Array]:
        """Yield the rows of each batch; every pass over the data has its own permutation.

        Args:
            seed: The seed of the stream `order`.
            step: The first step, counted from 0 at the start of the run.
            steps: Number of batches.
        """
        per_pass, merges = self.per_pass, self._merges_last
        order, drawn = np.empty(0, np.intp), -1
        for current in range(step, step + steps):
            # The pass follows from the step alone, so that a resumed run continues in the middle of a pass.
            number, position = divmod(current, per_pass)
            if number != drawn:
                order, drawn = row_order(stream(seed, "order", number), self.examples, self.segment_rows), number
            is_last = merges and position == per_pass - 1
            yield order[position * self.batch_size : None if is_last else (position + 1) * self.batch_size]


def row_order(rng: Generator, count: int, segment_rows: int | None) -> Array:
    """Return the order of the rows in one pass.

    Args:
        rng: the generator of this pass.
        count: number of rows.
        segment_rows: rows per segment, for an order that suits a `SegmentWindow`; None: a plain permutation.
    """
    if segment_rows is None:
        return rng.permutation(count)
    starts = rng.permutation(math.ceil(count / segment_rows)) * segment_rows
    blocks = [
        np.concatenate(
            [np.arange(start, min(start + segment_rows, count)) for start in starts[first : first + SEGMENTS].tolist()]
        )
        for first in range(0, len(starts), SEGMENTS)
    ]
    return np.concatenate([rng.permutation(block) for block in blocks])
