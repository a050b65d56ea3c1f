"""A trained network in memory, which several threads can use and a pickle can hold.

It trains in float32 and predicts in float64, with a second network of the same weights. So a prediction does not depend
on the other rows of a call, as it would in float32 by its rounding.

Layers keep their buffers, masks and last inputs. So a pickle holds the arrays of the network with its config, and the
network is built again from these when it is read. Moments of the optimizer stay behind: training that continues in
another process starts with new ones.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dropout_cli.config import Experiment
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.nn import losses
from dropout_cli.nn.layers.network import Network
from dropout_cli.runs.summary import MAX_SCORED
from dropout_cli.tasks import Task, task_of
from dropout_cli.training import forward_passes, loop
from dropout_cli.training.batch_order import BatchPlan
from dropout_cli.training.early_stopping import BestEpoch
from dropout_cli.training.setup import PreparedExperiment, build_network, make_learner, thread_limit
from dropout_cli.training.state import Learner


class TrainedNetwork:
    """A network with its experiment and preprocessing, without data."""

    experiment: Experiment
    fitted: Preprocessing
    learner: Learner
    _predictor: Network
    """It exists after the first training."""

    def __init__(self, prepared: PreparedExperiment) -> None:
        """Take over a prepared experiment, but not its data."""
        self.experiment = prepared.experiment
        self.fitted = Preprocessing.from_dataset(prepared.dataset)
        self.learner = prepared.learner

    @property
    def task(self) -> Task:
        """The task, which turns outputs into predictions."""
        return task_of(self.experiment.objective, self.fitted)

    def continue_from(self, earlier: "TrainedNetwork") -> None:
        """Take over weights, moments and the number of epochs of an equal network.

        Raises:
            KeyError, ValueError: The other network has other arrays.
        """
        theirs = earlier.learner
        self.learner.restore(theirs.arrays(), epoch=theirs.epoch, step=theirs.step)
        self.learner.updates = theirs.updates

    def train(
        self, dataset: Dataset, experiment: Experiment, selection: BestEpoch, *, keeps_best: bool
    ) -> Iterator[dict[str, float]]:
        """Train to the last epoch or the end of the patience, and yield each epoch's metrics.

        Args:
            dataset: The examples.
            experiment: The experiment, with the number of the last epoch, counted from the first training.
            selection: Finds the best epoch and ends the training.
            keeps_best: True to end with the weights of the best epoch; False: of the last one.

        Raises:
            Diverged: The loss is no longer a finite number.
        """
        learner, best = self.learner, None
        learner.continue_plan(BatchPlan.from_experiment(experiment, len(dataset.train)).steps_per_epoch)
        # The loop itself raises Diverged for a loss that is not finite.
        with thread_limit(experiment), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            for event in loop.train_epochs(learner, dataset, experiment, self.task):
                if isinstance(event, loop.EpochRecord):
                    metrics = event.metrics | self._weighted_loss(dataset)
                    if selection.update(event.epoch, metrics) and keeps_best:
                        best = learner.snapshot(), learner.epoch, learner.step, learner.updates
                    yield metrics
                    if selection.exhausted:
                        break
        if best is not None:
            arrays, epoch, step, updates = best
            learner.restore(arrays, epoch=epoch, step=step)
            learner.updates = updates
        self._predictor = self._build_predictor()

    def _weighted_loss(self, dataset: Dataset) -> dict[str, float]:
        """Return the training loss with the weights of the examples, if there are any."""
        part, targets = dataset.train, dataset.targets
        if part.weights is None:
            return {}
        rows = np.linspace(0, len(part) - 1, min(MAX_SCORED, len(part))).astype(np.intp)
        batch = self.experiment.training.evaluation_batch
        outputs = forward_passes.outputs(self.learner.network, dataset, part, batch=batch, rows=rows).astype(np.float64)
        labels, weights = part.labels[rows], part.weights[rows]
        if targets is None:
            return {"train_loss": losses.cross_entropy(outputs, labels, weights=weights)[0]}
        return {"train_loss": losses.squared_error(outputs, targets.standardize(labels), weights)[0]}

    def outputs(self, x: Array) -> Array:
        """Return the outputs without noise, (N, outputs)."""
        dataset = self.fitted.unlabeled_dataset(x)
        batch = self.experiment.training.evaluation_batch
        with thread_limit(self.experiment):
            return forward_passes.outputs(self._predictor, dataset, dataset.train, batch=batch)

    def noisy_outputs(self, x: Array, passes: int) -> Iterator[Array]:
        """Yield the outputs of Monte Carlo passes, each (N, outputs).

        A pass has one noise for all rows, so the outputs of a row do not depend on the others.
        """
        dataset = self.fitted.unlabeled_dataset(x)
        with thread_limit(self.experiment):
            yield from forward_passes.noisy_passes(
                self._predictor,
                dataset,
                dataset.train,
                seed=self.experiment.seed,
                count=passes,
                batch=self.experiment.training.evaluation_batch,
                shared=True,
            )

    def __getstate__(self) -> dict[str, Any]:
        """Return config, preprocessing and the arrays of the network."""
        arrays = {name.partition("/")[2]: value for name, value in self.learner.network_arrays().items()}
        counts = {"epoch": self.learner.epoch, "step": self.learner.step}
        return {"experiment": self.experiment, "fitted": self.fitted, "arrays": arrays} | counts

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Build the network and load its arrays."""
        self.experiment, self.fitted = state["experiment"], state["fitted"]
        self.learner = make_learner(self.experiment, build_network(self.experiment, self.fitted))
        self.learner.load_weights(state["arrays"])
        self.learner.epoch, self.learner.step = state["epoch"], state["step"]
        self._predictor = self._build_predictor()

    def _build_predictor(self) -> Network:
        """Return a network in float64 with the weights of the trained one."""
        network, trained = build_network(self.experiment, self.fitted, np.dtype(np.float64)), self.learner.network
        values = {name: one.value for name, one in trained.parameters().items()}
        for name, parameter in network.parameters().items():
            parameter.value[...] = values[name]
        network.load_state(trained.state())
        # Scheduled rates that scale the evaluation depend on the last step.
        network.set_step(max(0, self.learner.step - 1))
        return network
