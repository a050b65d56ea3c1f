"""What the tests of configs share."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working directory, so that places are short."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
