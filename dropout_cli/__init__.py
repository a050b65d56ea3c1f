"""Experiments with dropout on a CPU: which variant, at which rate, and how sure are we?

`import dropout_cli as dropout` gives the Python API: `dropout.train`, `dropout.sweep`, `dropout.load_run`,
`dropout.load_sweep`, `dropout.list_runs` and `dropout.list_variants`. They are imported on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dropout_cli.api.finished_sweep import FinishedSweep as FinishedSweep
    from dropout_cli.api.sweeping import load_sweep as load_sweep
    from dropout_cli.api.sweeping import sweep as sweep
    from dropout_cli.api.trained_run import TrainedRun as TrainedRun
    from dropout_cli.api.training import list_runs as list_runs
    from dropout_cli.api.training import list_variants as list_variants
    from dropout_cli.api.training import load_run as load_run
    from dropout_cli.api.training import train as train

__version__ = "0.1.0"
_MODULES = {
    "FinishedSweep": "dropout_cli.api.finished_sweep",
    "TrainedRun": "dropout_cli.api.trained_run",
    "list_runs": "dropout_cli.api.training",
    "list_variants": "dropout_cli.api.training",
    "load_run": "dropout_cli.api.training",
    "load_sweep": "dropout_cli.api.sweeping",
    "sweep": "dropout_cli.api.sweeping",
    "train": "dropout_cli.api.training",
}
"""Public name -> the module that defines it. NumPy and pandas are slow to import, so that happens on first use."""
__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _MODULES:
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return value
    raise AttributeError(f"module 'dropout_cli' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
