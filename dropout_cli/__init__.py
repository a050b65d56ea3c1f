"""Experiments with dropout on a CPU: which variant, at which rate, and how sure are we?"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dropout_cli.estimators import DropoutClassifier, DropoutRegressor

__all__ = ["DropoutClassifier", "DropoutRegressor", "__version__"]

__version__ = "0.1.0"

if not TYPE_CHECKING:  # a type checker would accept any name with it
    _MODULES = {"DropoutClassifier": "dropout_cli.estimators", "DropoutRegressor": "dropout_cli.estimators"}

    def __getattr__(name: str) -> object:
        """Return a name of the Python API; its module is imported at the first use."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)

    def __dir__() -> list[str]:
        """Return the names of the Python API, too."""
        return sorted({*globals(), *__all__})
