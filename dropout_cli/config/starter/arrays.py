"""Starter config for arrays in an .npz file."""

import json
from pathlib import Path

from dropout_cli.core.errors import DataError, UsageError


def arrays_config(file: Path, target: str | None = None) -> tuple[str, str]:
    """Return the text of a config for a file of arrays, and a message about it.

    Args:
        file: the .npz file.
        target: must be None, because arrays have no named columns.

    Raises:
        DataError: if the file holds one array only.
        UsageError: if a target is given.
    """
    if target is not None:
        raise UsageError("--target", f"{file} has no named columns", "Leave out --target.")
    # A .npy file holds one array, so labels must be in another one.
    if file.suffix.lower() == ".npy":
        fact = "contains only examples, or only labels"
        raise DataError(str(file), fact, "Give both files: dataset: {name: arrays, path: EXAMPLES, labels: LABELS}")
    return _ARRAYS.format(path=json.dumps(str(file))), f"{file}: uses its arrays x and y."


_ARRAYS = """\
# To see what was read: dropout config check THIS_FILE --data
dataset: {{name: arrays, path: {path}, val_fraction: 0.15}}  # x_test and y_test are the test part, if the file has them
architecture: {{name: mlp, hidden: [128, 128]}}
dropout: {{variant: inverted, rate: 0.3}}  # `dropout variants` lists the others
training: {{epochs: 60, batch_size: 64, optimizer: {{name: adam, learning_rate: 1e-3}}, schedule: cosine}}
seed: 0
"""
