"""Experiments with dropout on a CPU: which variant, at which rate, and how sure are we?

`import dropout_cli as dropout` gives the Python API: `dropout.train`, `dropout.sweep`, `dropout.load_run`,
`dropout.load_sweep`, `dropout.list_runs`, `dropout.list_variants`, and the estimators for scikit-learn. NumPy and
pandas are slow to import, so each name is imported on first use.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dropout_cli.api.finished_sweep import FinishedSweep
    from dropout_cli.api.sweeping import load_sweep, sweep
    from dropout_cli.api.trained_run import TrainedRun
    from dropout_cli.api.training import list_runs, list_variants, load_run, train
    from dropout_cli.estimators import DropoutClassifier, DropoutRegressor

__version__ = "0.1.0"
__all__ = [
    "DropoutClassifier",
    "DropoutRegressor",
    "FinishedSweep",
    "TrainedRun",
    "__version__",
    "list_runs",
    "list_variants",
    "load_run",
    "load_sweep",
    "sweep",
    "train",
]

if not TYPE_CHECKING:  # a type checker would accept any name with it
    _MODULES = {
        "DropoutClassifier": "dropout_cli.estimators",
        "DropoutRegressor": "dropout_cli.estimators",
        "FinishedSweep": "dropout_cli.api.finished_sweep",
        "TrainedRun": "dropout_cli.api.trained_run",
        "list_runs": "dropout_cli.api.training",
        "list_variants": "dropout_cli.api.training",
        "load_run": "dropout_cli.api.training",
        "load_sweep": "dropout_cli.api.sweeping",
        "sweep": "dropout_cli.api.sweeping",
        "train": "dropout_cli.api.training",
    }

    def __getattr__(name: str) -> object:
        """Return a name of the Python API; its module is imported at the first use."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_MODULES[name]), name)

    def __dir__() -> list[str]:
        """Return the public names, for completion."""
        return sorted({*globals(), *__all__})
