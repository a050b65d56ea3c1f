"""Training on examples that stay in their files reads them segment by segment."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dropout_cli import config
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.data.readers.file_rows import SEGMENTS
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.training.batch_order import row_order
from dropout_cli.training.loop import train_epochs
from dropout_cli.training.setup import prepare

EXAMPLES = 200


@dataclass(frozen=True, kw_only=True)
class Recording(CrossEntropy):
    """Cross-entropy that remembers the first feature of every example it is trained on."""

    seen: list[float] = field(default_factory=list)

    def compute_gradients(
        self,
        network: Layer,
        x: Array,
        labels: Array,
        noise: NoiseSource,
        targets: Array | None = None,
        weights: Array | None = None,
    ) -> float:
        """Remember, then do as cross-entropy does."""
        self.seen.extend(x[:, 0].tolist())
        return super().compute_gradients(network, x, labels, noise, targets, weights)


def test_an_epoch_from_files_takes_the_rows_in_the_order_of_their_segments(tmp_path: Path) -> None:
    """The rows of SEGMENTS segments are used up before the next ones, so that every segment is read once per pass."""
    np.save(tmp_path / "x.npy", np.arange(2 * EXAMPLES, dtype=np.float32).reshape(EXAMPLES, 2))
    np.save(tmp_path / "y.npy", np.arange(EXAMPLES) % 2)
    (tmp_path / "a.yaml").write_text(
        f"dataset: {{name: arrays, path: {tmp_path}/x.npy, labels: {tmp_path}/y.npy, memory: 0.25e-6, scaling: none}}\n"
        "training: {epochs: 1, batch_size: 8}\n"
    )
    prepared = prepare(config.load_config(tmp_path / "a.yaml").experiment)
    train, objective = prepared.dataset.train, Recording()
    segment_rows = train.segment_rows
    assert segment_rows is not None and math.ceil(len(train) / segment_rows) > SEGMENTS, "more than one window"
    for _ in train_epochs(
        prepared.learner, prepared.dataset, replace(prepared.experiment, objective=objective), prepared.task
    ):
        pass
    order = row_order(stream(prepared.experiment.seed, "order", 0), len(train), segment_rows)
    assert objective.seen == train.x[order][:, 0].tolist()
    assert prepared.dataset.test.segment_rows is not None


def test_examples_in_memory_have_no_segments(tmp_path: Path) -> None:
    """A pass over them is a plain permutation."""
    (tmp_path / "a.yaml").write_text("dataset: moons\n")
    assert prepare(config.load_config(tmp_path / "a.yaml").experiment).dataset.train.segment_rows is None
