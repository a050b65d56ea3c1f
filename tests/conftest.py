"""Fixtures and options for all tests: real data, and tests that need a missing package."""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dropout_cli.core.environment import OPENBLAS_TIMEOUT
from tests import needs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ.setdefault(*OPENBLAS_TIMEOUT)  # before NumPy is loaded, as the command does: commands run in this process

LONG = ("tests/test_docs.py", "tests/test_acceptance.py", "tests/test_no_network.py", "tests/sweeps/")
"""Where single tests take seconds and more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, so that the workers of pytest-xdist end at the same time."""
    items.sort(key=lambda item: next((n for n, place in enumerate(LONG) if item.nodeid.startswith(place)), len(LONG)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--no-skips`."""
    parser.addoption("--no-skips", action="store_true", help="a test that would be skipped fails")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test with the mark `torch` if PyTorch is not installed."""
    if item.get_closest_marker("torch") and not needs.is_installed("torch"):
        pytest.skip(needs.TORCH)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With `--no-skips`, report a skipped test as failed."""
    report = yield
    if report.skipped and item.config.getoption("no_skips"):
        report.outcome, report.longrepr = "failed", f"would be skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real data.

    Skip the test if DROPOUT_DATA is not set; fail if the folder lacks MNIST.
    """
    folder = os.environ.get("DROPOUT_DATA", "")
    if not folder:
        pytest.skip("real data needed: set DROPOUT_DATA to a folder with the four MNIST files under mnist/")
    if not (Path(folder) / "mnist").is_dir():
        pytest.fail(f"DROPOUT_DATA is {folder}, which has no folder mnist/ with the four MNIST files")
    return Path(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Start Chromium without a screen; skip the test if it is not installed."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("Chromium needed: install Debian's package `chromium`")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()
