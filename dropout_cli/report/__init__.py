"""Reports: one self-contained HTML page about a run or a sweep.

The page fetches nothing, and its only script sorts tables.
"""

from dropout_cli.report.run_report import run_report
from dropout_cli.report.sweep_report import sweep_report

__all__ = ["run_report", "sweep_report"]
