"""Fixtures for the tests of configs."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory, so that error messages have short paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
