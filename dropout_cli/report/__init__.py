"""Reports: one self-contained HTML page about a run or a sweep.

The page fetches nothing, and its only script sorts tables.
"""

from dropout_cli.report.of_run import of_run
from dropout_cli.report.of_sweep import of_sweep

__all__ = ["of_run", "of_sweep"]
