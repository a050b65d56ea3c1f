"""Run folders: how their files are written, what state a run is in, how one is found.

Every file is built as bytes, written beside its target, synced and moved over it, by `write`. The
logs (`metrics.csv`, `timings.csv`, `log.txt`) are appended to, and a torn last line is dropped on reading.
The manifest comes last: its presence means that the run is complete. A folder may come from a stranger:
nothing in it is followed out of it, and nothing is read that is not a plain file.
"""

from dropout_cli.runs import manifest
from dropout_cli.runs.atomic_io import as_json, write
from dropout_cli.runs.csv_log import Table
from dropout_cli.runs.find import all_runs, find
from dropout_cli.runs.folder import FORMAT, RESOLVED, Run, Status
from dropout_cli.runs.manifest import MANIFEST

__all__ = [
    "FORMAT",
    "MANIFEST",
    "RESOLVED",
    "Run",
    "Status",
    "Table",
    "all_runs",
    "as_json",
    "find",
    "manifest",
    "write",
]
