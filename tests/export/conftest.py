"""Small trained runs, shared by the tests of all export formats."""

from functools import cache

import pytest

from tests.export.small_models import Models, SmallModel, small_model


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Return a function that returns the small model of a name."""

    @cache
    def made(name: str) -> SmallModel:
        return small_model(name, tmp_path_factory.mktemp("models") / "model")

    return made
