"""What all tests share."""

import os
from pathlib import Path

import pytest

from dropout_cli.core.environment import PATIENCE

os.environ.setdefault(*PATIENCE)  # before NumPy is loaded, as the command does: commands run in this process

LONG = ("tests/test_readme.py", "tests/test_acceptance.py", "tests/test_no_network.py", "tests/sweeps/")
"""Where single tests take seconds and more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that the workers of pytest-xdist end together."""
    items.sort(key=lambda item: next((n for n, place in enumerate(LONG) if item.nodeid.startswith(place)), len(LONG)))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = os.environ.get("DROPOUT_DATA", "")
    if not (folder and (Path(folder) / "mnist").is_dir()):
        pytest.skip("real data needed: set DROPOUT_DATA to a folder with the four MNIST files under mnist/")
    return Path(folder)
