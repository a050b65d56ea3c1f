"""Run folders: how their files are written and read, and how a run is found.

Every file is built as bytes, written beside its target, synced and moved over it, by `write_atomic`. The logs
(`metrics.csv`, `timings.csv`, `log.txt`) are appended to, and an incomplete last line is dropped on reading. The
manifest is written last: a run is complete if it has one. A folder may come from an untrusted source, so no link in it
is followed and only regular files are read.
"""

from dropout_cli.runs import manifest
from dropout_cli.runs.atomic_io import json_bytes, write_atomic
from dropout_cli.runs.csv_log import CsvLog
from dropout_cli.runs.find import all_runs, find_run
from dropout_cli.runs.folder import RESOLVED, Run
from dropout_cli.runs.manifest import MANIFEST
from dropout_cli.runs.state import FORMAT, Status

__all__ = [
    "FORMAT",
    "MANIFEST",
    "RESOLVED",
    "CsvLog",
    "Run",
    "Status",
    "all_runs",
    "find_run",
    "json_bytes",
    "manifest",
    "write_atomic",
]
