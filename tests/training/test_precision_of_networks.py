"""A network computes in the dtype of its weights, whatever the dtype of the examples."""

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.data import load_dataset
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.training import loop
from dropout_cli.training.forward_passes import outputs
from dropout_cli.training.setup import build_network, make_learner, prepare_with_dataset


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("variant", ["inverted", "concrete", "variational", "standout", "batchwise"])
def test_training_and_evaluation_keep_the_dtype(dtype: type, variant: str) -> None:
    """Weights, moments and outputs; the digits are bytes."""
    experiment = config.load_config(
        config.find_config("digits"),
        [f"dropout={{variant: {variant}}}", "training.epochs=1", "architecture.hidden=[8]"],
    ).experiment
    prepared = prepare_with_dataset(load_dataset(experiment.dataset), experiment)
    dataset, fitted = prepared.dataset, Preprocessing.from_dataset(prepared.dataset)
    network = build_network(prepared.experiment, fitted, np.dtype(dtype))
    learner = make_learner(prepared.experiment, network)
    list(loop.train_epochs(learner, dataset, prepared.experiment, prepared.task))
    assert {array.dtype for array in learner.arrays().values()} == {np.dtype(dtype)}
    assert outputs(network, dataset, dataset.test, batch=50).dtype == dtype
    # In float64, the size of the batches changes nothing that float32 could show.
    wide, narrow = (outputs(network, dataset, dataset.test, batch=size) for size in (50, 7))
    np.testing.assert_allclose(wide, narrow, rtol=0, atol=1e-3 if dtype is np.float32 else 1e-12)
