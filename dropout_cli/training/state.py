"""Everything that training changes: network, optimizer moments, averaged weights."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.fast_passes import fused_parameters
from dropout_cli.nn.optim.optimizers import Optimizer
from dropout_cli.nn.optim.update import OptimizerState, Regularization, split_into_blocks


class Learner:
    """A network on its way: what a checkpoint holds and a resumed run starts from.

    With `average_decay` d, an exponential moving average of parameters and state is kept,
    avg += (1 - min(d, (1 + t) / (10 + t))) (value - avg): short at first, so that the start is forgotten.
    """

    def __init__(
        self,
        network: Layer,
        optimizer: Optimizer,
        regularization: Regularization | None = None,
        average_decay: float | None = None,
    ) -> None:
        """Start at step 0."""
        self.network = network
        self.optimizer_state = OptimizerState(
            optimizer, network.parameters(), regularization or Regularization(), fused_parameters(network)
        )
        self.epoch = 0
        """Epochs completed."""
        self.step = 0
        """Steps done, as the batch order and the schedules count them."""
        self.updates = 0
        """Updates that the optimizer has done; `continue_plan` may change `step`, but not this."""
        self._decay = average_decay
        self._averaged, self._lock = 0, threading.Lock()
        self._live = self.network_arrays()
        self._average = {name: value.copy() for name, value in self._live.items()} if average_decay else {}
        self._pairs = [
            pair
            for name, average in self._average.items()
            for pair in zip(split_into_blocks(average), split_into_blocks(self._live[name]), strict=True)
        ]

    def begin_step(self, lr: float) -> None:
        """Announce the step about to be taken, and its learning rate, before the passes."""
        self.network.set_step(self.step)
        self.optimizer_state.begin_step(lr)

    def advance(self, lr: float) -> None:
        """Move the parameters along their gradients."""
        self.step += 1
        self.updates += 1
        self.optimizer_state.step(lr, self.updates)
        if self._decay is not None:
            share = 1 - min(self._decay, (1 + self.updates) / (10 + self.updates))
            for average, live in self._pairs:
                average += share * (live - average)

    def continue_plan(self, steps_per_epoch: int) -> None:
        """Count the finished epochs with another number of steps, before epochs on other examples.

        The optimizer goes on from its own number of updates.

        Args:
            steps_per_epoch: The number of steps of each epoch from now on.
        """
        self.step = self.epoch * steps_per_epoch

    @contextmanager
    def averaged(self) -> Iterator[Layer]:
        """Yield the network with the averaged weights, if there are any.

        Several threads may be in such blocks at once: the first one puts the averaged weights in, the last one takes
        them out.
        """
        with self._lock:
            self._averaged += 1
            if self._averaged == 1:
                self._swap()
        try:
            yield self.network
        finally:
            with self._lock:
                self._averaged -= 1
                if self._averaged == 0:
                    self._swap()

    def _swap(self) -> None:
        for name, average in self._average.items():
            live = self._live[name]
            held = live.copy()
            live[...] = average
            average[...] = held

    def arrays(self) -> dict[str, Array]:
        """Name -> live array of everything that training changes."""
        moments = {f"moments/{name}": value for name, value in self.optimizer_state.moments.items()}
        return self._live | moments | {f"average/{name}": value for name, value in self._average.items()}

    def load_weights(self, arrays: Mapping[str, Array]) -> list[str]:
        """Load the arrays that have the name and shape of a parameter; return their names.

        Averages of these parameters start from the same values.
        """
        live = {name.partition("/")[2]: (name, value) for name, value in self._live.items()}
        taken = [name for name, (_, mine) in live.items() if name in arrays and arrays[name].shape == mine.shape]
        for name in taken:
            whole, mine = live[name]
            mine[...] = arrays[name]
            if whole in self._average:
                self._average[whole][...] = mine
        return taken

    def snapshot(self) -> dict[str, Array]:
        """Copies of all arrays."""
        return {name: value.copy() for name, value in self.arrays().items()}

    def restore(self, arrays: Mapping[str, Array], *, epoch: int, step: int) -> None:
        """Take over what `arrays` of an equal learner held after that epoch and step.

        Raises KeyError or ValueError, nothing changed, where an array is missing or of another shape or type.
        """
        mine = self.arrays()
        for name, value in mine.items():
            if (arrays[name].shape, arrays[name].dtype) != (value.shape, value.dtype):
                raise ValueError(f"{name} is {arrays[name].dtype} of shape {arrays[name].shape}")
        for name, value in mine.items():
            value[...] = arrays[name]
        self.epoch, self.step, self.updates = epoch, step, step
        self.network.set_step(max(0, step - 1))

    def network_arrays(self) -> dict[str, Array]:
        """Name -> live array of the network alone, without moments and averages."""
        parameters = {f"parameters/{name}": one.value for name, one in self.network.parameters().items()}
        return parameters | {f"state/{name}": value for name, value in self.network.state().items()}
