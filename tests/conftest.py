"""What all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = os.environ.get("DROPOUT_DATA", "")
    if not (folder and (Path(folder) / "mnist").is_dir()):
        pytest.skip("real data needed: set DROPOUT_DATA to a folder with the four MNIST files under mnist/")
    return Path(folder)
