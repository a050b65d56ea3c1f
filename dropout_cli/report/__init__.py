"""One self-contained HTML page about a run or a sweep: nothing is fetched, and nothing in it runs but sorting."""

from dropout_cli.report.of_run import of_run
from dropout_cli.report.of_sweep import of_sweep

__all__ = ["of_run", "of_sweep"]
