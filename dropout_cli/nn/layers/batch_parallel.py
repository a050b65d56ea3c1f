"""The interface by which layers make passes faster than the plain contract can.

A layer that overrides the methods of `Layer` alone is right everywhere: in a `Sequential`, under every optimizer, with
threads. Whoever wants more speed declares one of three things, each for itself:

**In place** (`PassOptimizations`). A layer whose `releases_output` is True has no more use for the y that it returned,
so that the next layer may overwrite it; `releases_dx` says the same of dx. Elementwise layers cost mostly memory, and
take the place of their input where they may.

**Fused accumulation** (`PassOptimizations.fused_parameters`). An optimizer with momentum lets the backward pass add its
gradient to the velocity as the product makes it, v = grad_beta v + grad_alpha dL/dW (`Parameter`, nn.optim.update). A
layer may declare the parameters to whose gradients it adds by `Parameter.add_gradient` alone, once in every step's
pass. For the others the optimizer takes a pass over the gradient of its own.

**Batch parallelism** (`BatchParallel`). A layer that does each example by itself plans its passes in place of making
them: `plan_forward`, `plan_backward` and `plan_gradients` return a `DeferredPass`, of which `work` fills some rows of
`result`, and `finalize` is called once after all rows. A `PassQueue` batches the plans of neighbours: `submit` runs a
plan at once, or queues it where threads share the batch, and returns its result, still to be filled; `flush` runs the
queue, with one call of the threads for all. 71 ms became 66 of a step of `mnist_cnn`. To take turns at a few examples,
whose maps would still be in the cache, does not pay: threads that do little at a time wait for each other at the
interpreter.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple, TypeAlias

from dropout_cli.core.types import Array
from dropout_cli.nn.backend import threads
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.parameter import Parameter

RowWork: TypeAlias = Callable[[int, slice], object]
"""Fills those rows of an output from the same rows of an input, in the thread of that number."""


class PassOptimizations(Layer):
    """A layer that declares how its neighbours and the optimizer may save passes over memory."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "carrying": "fused_parameters",
        "lends_y": "releases_output",
        "lends_dx": "releases_dx",
    }
    releases_output: ClassVar[bool] = False
    """Whether the next layer may overwrite the y that it returned."""
    releases_dx: ClassVar[bool] = False
    """Whether the layer before may overwrite the dx that it returned."""

    def fused_parameters(self) -> list[Parameter]:
        """Return the parameters whose gradient is accumulated in the optimizer's momentum.

        Their gradients are made by `Parameter.add_gradient` alone, once in every step's pass. `check_layer` of the
        tests finds a declaration that does not hold.
        """
        return []


def fused_parameters(layer: Layer) -> list[Parameter]:
    """Return the parameters that a layer declares for fused accumulation; none for a plain layer."""
    return layer.fused_parameters() if isinstance(layer, PassOptimizations) else []


def releases_output(layer: Layer) -> bool:
    """Return whether the next layer may overwrite this one's output."""
    return isinstance(layer, PassOptimizations) and layer.releases_output


def releases_dx(layer: Layer) -> bool:
    """Return whether the layer before may overwrite this one's dx."""
    return isinstance(layer, PassOptimizations) and layer.releases_dx


class DeferredPass(NamedTuple):
    """A layer's pass in one direction, still to be done."""

    result: Array
    """Where the result will be."""
    work: RowWork | None
    """Fills rows of the result when those of the input are there; None where the result is the input."""
    finalize: Callable[[], object] | None = None
    """Called once after all rows are finished, e.g. to reduce sums of each thread."""


class BatchParallel(PassOptimizations):
    """A layer that treats each example by itself, and leaves it to others when to do so."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "through": "plan_forward",
        "back": "plan_backward",
        "alone": "plan_gradients",
    }

    @abstractmethod
    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Plan the forward pass.

        Args:
            x: The batch; its values need not be there yet.
            train: As in `forward`.
            noise: As in `forward`.
            may_overwrite: Whether y may be x itself, overwritten.
        """

    @abstractmethod
    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Plan the backward pass; with `may_overwrite`, dx may be dy itself, overwritten."""

    def plan_gradients(self, dy: Array) -> DeferredPass:
        """Plan the backward pass for a caller that needs no dx; its result is dy."""
        return self.plan_backward(dy, may_overwrite=False)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return y."""
        queue = PassQueue()
        return queue.flush(queue.submit(self.plan_forward(x, train=train, noise=noise, may_overwrite=False)))

    def backward(self, dy: Array) -> Array:
        """Return dx."""
        queue = PassQueue()
        return queue.flush(queue.submit(self.plan_backward(dy, may_overwrite=False)))

    def gradients(self, dy: Array) -> None:
        """Overwrite the gradients."""
        queue = PassQueue()
        queue.submit(self.plan_gradients(dy))
        queue.flush(dy)

    def _result_buffer(self, name: str, x: Array, may_overwrite: bool) -> Array:
        """Return an array of the shape of x to put a result in: x itself where it may be overwritten."""
        return x if may_overwrite else self._buffer(name, x.shape, x.dtype)


class PassQueue:
    """Batches adjacent passes into one call of the threads; runs them at once where no threads share the batch."""

    def __init__(self) -> None:
        """Begin empty."""
        self._at_once = not threads.data_parallel()
        self._works: list[RowWork] = []
        self._finalizers: list[Callable[[], object]] = []

    def submit(self, one: DeferredPass) -> Array:
        """Run the pass, or queue it; return its result array."""
        result, work, finalize = one
        if self._at_once:
            if work is not None:
                work(0, slice(0, len(result)))
            if finalize is not None:
                finalize()
            return result
        if work is not None:
            self._works.append(work)
        if finalize is not None:
            self._finalizers.append(finalize)
        return result

    def flush(self, result: Array) -> Array:
        """Run everything that is queued, and return the last result."""
        works, finalizers = self._works, self._finalizers
        if works:
            self._works, self._finalizers = [], []

            def run(part: int, rows: slice) -> None:
                for work in works:
                    work(part, rows)

            threads.parallel_for(len(result), run)
            for finalize in finalizers:
                finalize()
        return result
