"""A network computes in the dtype of its weights, whatever the dtype of the examples."""

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.data import load_dataset
from dropout_cli.training import loop
from dropout_cli.training.forward_passes import outputs
from dropout_cli.training.setup import prepare_with_dataset


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("variant", ["inverted", "concrete", "variational", "standout", "batchwise"])
def test_training_and_evaluation_keep_the_dtype(dtype: type, variant: str) -> None:
    """Weights, moments and outputs; the digits are bytes."""
    experiment = config.load_config(
        config.find_config("digits"),
        [f"dropout={{variant: {variant}}}", "training.epochs=1", "architecture.hidden=[8]"],
    ).experiment
    prepared = prepare_with_dataset(load_dataset(experiment.dataset), experiment, dtype=np.dtype(dtype))
    list(loop.train_epochs(prepared.learner, prepared.dataset, prepared.experiment, prepared.task))
    assert {array.dtype for array in prepared.learner.arrays().values()} == {np.dtype(dtype)}
    network, dataset = prepared.learner.network, prepared.dataset
    assert outputs(network, dataset, dataset.test, batch=50).dtype == dtype
    # In float64, the size of the batches changes nothing that float32 could show.
    wide, narrow = (outputs(network, dataset, dataset.test, batch=size) for size in (50, 7))
    np.testing.assert_allclose(wide, narrow, rtol=0, atol=1e-3 if dtype is np.float32 else 1e-12)
