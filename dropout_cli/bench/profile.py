"""Where a training step's time goes: by layer, and by kind of work.

Every layer's passes are timed in place; the clock itself takes about a third of a microsecond a reading.
"""

import statistics
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from dropout_cli.bench import ours
from dropout_cli.bench.case import Case
from dropout_cli.core.rng import Noise
from dropout_cli.data.dataset import Affine, Batches, Dataset, Part
from dropout_cli.nn.activations import Activation
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.batch_parallel import BatchParallel, DeferredPass
from dropout_cli.nn.layers.container import leaves
from dropout_cli.nn.layers.convolution import Convolution
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.training.loop import take_step
from dropout_cli.training.setup import computing

KINDS = ("product", "noise", "activation", "other layers", "loss", "optimizer", "batch assembly")


class Line(NamedTuple):
    """What one part of the step took, in the median."""

    part: str
    kind: str
    microseconds: float


class Clock:
    """Collects what calls took in the thread that made it, by the part of the step that they belong to."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.spent: dict[str, float] = {}
        self._inside = 0.0
        self._thread = threading.get_ident()

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function; what timed functions within it take is theirs, not its own."""

        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*arguments, **named)
            outside, self._inside = self._inside, 0.0
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                took = time.perf_counter() - began
                self.spent[part] = self.spent.get(part, 0.0) + took - self._inside
                self._inside = outside + took

        return call


def kind_of(layer: Layer) -> str:
    """What kind of work the layer does."""
    if isinstance(layer, Dense | Convolution):
        return "product"
    if layer.is_dropout or type(layer).__module__.startswith("dropout_cli.variants"):
        return "noise"
    return "activation" if isinstance(layer, Activation) else "other layers"


def watched(layer: Layer, clock: Clock) -> None:
    """Time the layer's passes, and the work that a layer leaves to be done with its neighbours."""
    for name in ("forward", "backward", "gradients"):
        setattr(layer, name, clock.timed(layer.path, getattr(layer, name)))
    if isinstance(layer, BatchParallel):
        for name in ("plan_forward", "plan_backward", "plan_gradients"):
            setattr(layer, name, clock.timed(layer.path, _work_timed(layer.path, getattr(layer, name), clock)))


def _work_timed(part: str, function: Callable[..., Any], clock: Clock) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        one: DeferredPass = function(*arguments, **named)
        return one._replace(work=None if one.work is None else clock.timed(part, one.work))

    return call


def profile(case: Case, steps: int) -> list[Line]:
    """The parts of a training step, in the order of the network, then loss, optimizer and batch assembly."""
    experiment = ours.experiment_of(case, case.threads)
    learner, noise, clock = ours.learner_of(case, experiment), Noise(0, 1), Clock()
    kinds = {layer.path: kind_of(layer) for layer in leaves(learner.network)}
    for layer in leaves(learner.network):
        watched(layer, clock)
    vars(learner)["advance"] = clock.timed("update", learner.advance)
    take = clock.timed("batch", _batches(case).take)
    step = clock.timed("loss and the rest", take_step)
    found: list[dict[str, float]] = []
    with computing(experiment):
        for _ in range(steps + 5):
            clock.spent = {}
            x, labels = take(slice(0, case.batch))
            step(learner, experiment, x, labels, noise, lr=1e-3)
            found.append(clock.spent)
    kinds |= {"loss and the rest": "loss", "update": "optimizer", "batch": "batch assembly"}
    return [
        Line(part, kind, statistics.median(one.get(part, 0.0) for one in found[5:]) * 1e6)
        for part, kind in kinds.items()
        if any(part in one for one in found)
    ]


def _batches(case: Case) -> Batches:
    """What `dropout train` would take its batches from, for uint8 pixels."""
    import numpy as np

    x, labels = ours.batches(case)[0]
    part = Part((x * 255).astype(np.uint8), labels, np.arange(len(x)))
    unit = Affine(np.array([1 / 255], np.float32), np.zeros(1, np.float32))
    return Batches(Dataset("random", part, None, part, tuple("0123456789"), unit, ""), part, case.batch)


def by_kind(lines: list[Line]) -> dict[str, float]:
    """Microseconds of each kind that there is."""
    sums = {kind: sum(line.microseconds for line in lines if line.kind == kind) for kind in KINDS}
    return {kind: one for kind, one in sums.items() if one}
