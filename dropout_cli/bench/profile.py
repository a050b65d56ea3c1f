"""Profile a training step: the time of each layer, and of each kind of work.

The passes of every layer are replaced by timed ones. Reading the clock takes about a third of a microsecond.
"""

import statistics
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from dropout_cli.bench import ours
from dropout_cli.bench.case import BenchmarkCase
from dropout_cli.bench.serve import WARM_UP_STEPS
from dropout_cli.core.rng import Noise
from dropout_cli.data.dataset import AffineScaling, BatchReader, Dataset, Part
from dropout_cli.nn.activations import Activation
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.container import leaves
from dropout_cli.nn.layers.convolution import Convolution
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.fast_passes import BatchParallel, DeferredPass
from dropout_cli.training.loop import take_step
from dropout_cli.training.setup import thread_limit

WORK_KINDS = ("product", "noise", "activation", "other layers", "loss", "optimizer", "batch assembly")


class ProfiledPart(NamedTuple):
    """Median time of one part of the step."""

    part: str
    kind: str
    microseconds: float


class PartClock:
    """Sums the time of calls by part of the step, in the thread that created the clock."""

    def __init__(self) -> None:
        """Start with no measured time."""
        self.spent: dict[str, float] = {}
        self._inside = 0.0
        self._thread = threading.get_ident()

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time is added to `spent[part]`.

        The time of timed functions that it calls is added to their parts, not to this one.
        """

        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            # Threads share the work of a pass: their times overlap, and the first thread waits for them anyway.
            if threading.get_ident() != self._thread:
                return function(*arguments, **named)
            outside, self._inside = self._inside, 0.0
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                # The time of inner calls is already counted for their parts.
                took = time.perf_counter() - began
                self.spent[part] = self.spent.get(part, 0.0) + took - self._inside
                self._inside = outside + took

        return call


def work_kind(layer: Layer) -> str:
    """Return the kind of work of a layer, one of WORK_KINDS."""
    if isinstance(layer, Dense | Convolution):
        return "product"
    if layer.is_dropout or type(layer).__module__.startswith("dropout_cli.variants"):
        return "noise"
    return "activation" if isinstance(layer, Activation) else "other layers"


def time_layer(layer: Layer, clock: PartClock) -> None:
    """Time the passes of a layer, and the work that it defers to run with its neighbors.

    Args:
        layer: The layer; its methods are replaced.
        clock: Collects the times under the path of the layer.
    """
    # On the instance: other networks of this process keep their plain methods.
    for name in ("forward", "backward", "gradients"):
        setattr(layer, name, clock.timed(layer.path, getattr(layer, name)))
    if isinstance(layer, BatchParallel):
        for name in ("plan_forward", "plan_backward", "plan_gradients"):
            setattr(layer, name, clock.timed(layer.path, _work_timed(layer.path, getattr(layer, name), clock)))


def _work_timed(part: str, function: Callable[..., Any], clock: PartClock) -> Callable[..., Any]:
    """Wrap a function that returns a deferred pass, so that the pass is timed, too."""

    def call(*arguments: Any, **named: Any) -> Any:
        deferred: DeferredPass = function(*arguments, **named)
        return deferred._replace(work=None if deferred.work is None else clock.timed(part, deferred.work))

    return call


def profile_step(case: BenchmarkCase, steps: int) -> list[ProfiledPart]:
    """Measure the parts of a training step.

    Args:
        case: The case; its work must be a training step.
        steps: Number of measured steps.

    Returns:
        The parts in the order of the network, then loss, optimizer and batch assembly.
    """
    experiment = ours.bench_experiment(case, case.threads)
    learner, noise, clock = ours.bench_learner(case, experiment), Noise(0, 1), PartClock()
    kinds = {layer.path: work_kind(layer) for layer in leaves(learner.network)}
    for layer in leaves(learner.network):
        time_layer(layer, clock)
    # An attribute of the instance hides the method of the class.
    vars(learner)["advance"] = clock.timed("update", learner.advance)
    take = clock.timed("batch", _batches(case).take)
    step = clock.timed("loss and other work", take_step)
    times: list[dict[str, float]] = []
    with thread_limit(experiment):
        for _ in range(steps + WARM_UP_STEPS):
            clock.spent = {}
            x, labels = take(slice(0, case.batch))
            step(learner, experiment, x, labels, noise, lr=1e-3)
            times.append(clock.spent)
    kinds |= {"loss and other work": "loss", "update": "optimizer", "batch": "batch assembly"}
    return [
        ProfiledPart(part, kind, statistics.median(spent.get(part, 0.0) for spent in times[WARM_UP_STEPS:]) * 1e6)
        for part, kind in kinds.items()
        if any(part in spent for spent in times)
    ]


def _batches(case: BenchmarkCase) -> BatchReader:
    """Return batches of uint8 pixels, assembled as `dropout train` assembles them."""
    import numpy as np

    x, labels = ours.random_batches(case)[0]
    # Pixels are stored as bytes, and scaled to [0, 1] when a batch is assembled.
    part = Part((x * 255).astype(np.uint8), labels, np.arange(len(x)))
    unit = AffineScaling(np.array([1 / 255], np.float32), np.zeros(1, np.float32))
    return BatchReader(Dataset("random", part, None, part, tuple("0123456789"), unit, ""), part, case.batch)


def sum_by_kind(lines: list[ProfiledPart]) -> dict[str, float]:
    """Return the microseconds of each kind of work that takes any time."""
    sums = {kind: sum(line.microseconds for line in lines if line.kind == kind) for kind in WORK_KINDS}
    return {kind: microseconds for kind, microseconds in sums.items() if microseconds}
