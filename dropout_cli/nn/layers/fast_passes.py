"""Optional interfaces with which layers make passes faster.

A layer that overrides only the methods of `Layer` is correct everywhere: in a `Sequential`, under every optimizer and
with threads. For more speed, it can declare any of three things:

**In place** (`PassOptimizations`). If `releases_output` is True, the layer does not need the y that it returned, and
the next layer may overwrite it. `releases_dx` is the same for dx. The cost of elementwise layers is mostly memory
traffic, so they write over their input if they may.

**Fused accumulation** (`PassOptimizations.fused_parameters`). An optimizer with momentum lets the backward pass add
its gradient to the velocity within the matrix product, v = grad_beta v + grad_alpha dL/dW (`Parameter`,
nn.optim.update). A layer may declare the parameters whose gradients it writes only with `Parameter.add_gradient`, in
one backward pass per step. All other parameters cost the optimizer one more pass over their gradient.

**Batch parallelism** (`BatchParallel`). A layer that treats each example independently plans its passes instead of
making them. `plan_forward`, `plan_backward` and `plan_gradients` return a `DeferredPass`, whose `work` fills some
rows of `result`; `finalize` is called once after all rows. A `PassQueue` batches the plans of adjacent layers:
`submit` runs a plan at once, or queues it if threads share the batch, and returns its result, which may not be filled
yet. `flush` runs the queue in one call of the threads. This reduced a step of `mnist_cnn` from 71 to 66 ms.

Alternating between the layers for a few examples at a time, to keep their maps in the cache, is not faster: threads
with little work at a time wait for each other at the interpreter lock.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple, TypeAlias

from dropout_cli.core.types import Array
from dropout_cli.nn.backend import threads
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.parameter import Parameter

RowWork: TypeAlias = Callable[[int, slice], object]
"""Work on some rows of a batch: called with the number of the thread and the slice of rows to fill."""


class PassOptimizations(Layer):
    """A layer that declares how its neighbors and the optimizer can save passes over memory."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "carrying": "fused_parameters",
        "lends_y": "releases_output",
        "lends_dx": "releases_dx",
    }
    releases_output: ClassVar[bool] = False
    """True if the next layer may overwrite the y that this layer returned."""
    releases_dx: ClassVar[bool] = False
    """True if the previous layer may overwrite the dx that this layer returned."""

    def fused_parameters(self) -> list[Parameter]:
        """Return the parameters whose gradients can be accumulated in the optimizer's momentum.

        The layer writes their gradients only with `Parameter.add_gradient`, in one backward pass per step.
        `check_layer` in the tests finds wrong declarations.
        """
        return []


def fused_parameters(layer: Layer) -> list[Parameter]:
    """Return the parameters for fused accumulation; none for a plain layer.

    Args:
        layer: Any layer.
    """
    return layer.fused_parameters() if isinstance(layer, PassOptimizations) else []


def releases_output(layer: Layer) -> bool:
    """Return True if the next layer may overwrite this layer's output.

    Args:
        layer: Any layer.
    """
    return isinstance(layer, PassOptimizations) and layer.releases_output


def releases_dx(layer: Layer) -> bool:
    """Return True if the previous layer may overwrite this layer's dx.

    Args:
        layer: Any layer.
    """
    return isinstance(layer, PassOptimizations) and layer.releases_dx


class DeferredPass(NamedTuple):
    """A planned pass of a layer in one direction."""

    result: Array
    """The array that will hold the result."""
    work: RowWork | None
    """Fills rows of the result once these rows of the input are computed. None: the result is the input."""
    finalize: Callable[[], object] | None = None
    """Called once after all rows are finished, for example to add up the sums of each thread."""


class BatchParallel(PassOptimizations):
    """A layer that treats each example independently and plans its passes."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "through": "plan_forward",
        "back": "plan_backward",
        "alone": "plan_gradients",
    }

    @abstractmethod
    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Plan the forward pass.

        Args:
            x: The batch, (N, ...). Its values may not be computed yet: only `work` may read them.
            train: As in `forward`.
            noise: As in `forward`.
            may_overwrite: True if y may be x itself, overwritten.
        """

    @abstractmethod
    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Plan the backward pass.

        Args:
            dy: dL/dy, in the shape of y. Its values may not be computed yet.
            may_overwrite: True if dx may be dy itself, overwritten.
        """

    def plan_gradients(self, dy: Array) -> DeferredPass:
        """Plan the backward pass without dx; its result is dy or is ignored.

        Args:
            dy: dL/dy, in the shape of y. Its values may not be computed yet.
        """
        return self.plan_backward(dy, may_overwrite=False)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Run the planned forward pass and return y."""
        queue = PassQueue()
        return queue.flush(queue.submit(self.plan_forward(x, train=train, noise=noise, may_overwrite=False)))

    def backward(self, dy: Array) -> Array:
        """Run the planned backward pass and return dx."""
        queue = PassQueue()
        return queue.flush(queue.submit(self.plan_backward(dy, may_overwrite=False)))

    def gradients(self, dy: Array) -> None:
        """Run the planned backward pass without dx."""
        queue = PassQueue()
        queue.submit(self.plan_gradients(dy))
        queue.flush(dy)

    def _result_buffer(self, name: str, x: Array, may_overwrite: bool) -> Array:
        """Return the array for a result in the shape of x: x itself if it may be overwritten."""
        return x if may_overwrite else self._buffer(name, x.shape, x.dtype)


class PassQueue:
    """Batches the passes of adjacent layers into one call of the threads.

    If no threads share the batch, every pass runs as soon as it is submitted.
    """

    def __init__(self) -> None:
        """Start with an empty queue."""
        self._at_once = not threads.data_parallel()
        self._works: list[RowWork] = []
        self._finalizers: list[Callable[[], object]] = []

    def submit(self, planned: DeferredPass) -> Array:
        """Run a pass, or queue it.

        Args:
            planned: The pass.

        Returns:
            Its result array, which may not be filled before `flush`.
        """
        result, work, finalize = planned
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
        """Run all queued passes.

        Args:
            result: The array to return, usually that of the last pass. Its length is the size of the batch.
        """
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
