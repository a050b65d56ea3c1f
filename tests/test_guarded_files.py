"""Files of runs and sweeps are opened by `core/` and `runs/` alone; other modules that open files have a reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import dropout_cli

PACKAGE = Path(dropout_cli.__file__).parent
OPENING = {
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "load",
    "fromfile",
    "memmap",
    "connect",
    "touch",
}
"""Methods and functions that open a file by its path; `load` and the next two are NumPy's."""
OWNERS = {"load": {"np", "numpy"}, "fromfile": {"np", "numpy"}, "memmap": {"np", "numpy"}, "connect": {"sqlite3"}}
ALLOWED = {
    "core": "the guarded functions are built on it",
    "runs": "the guarded functions",
    "data": "the user's data files",
    "config/files.py": "config files, which a user names",
    "config/example.py": "a bundled config",
    "config/starter/data_paths.py": "the start of a file that a user names",
    "analysis/output_format.py": "the user's data file",
    "analysis/prediction_input.py": "the user's data file",
    "bench": "programs and figures of measurements, in temporary folders",
    "cli/schema_keys.py": "the schema of the package",
    "cli/streams.py": "the null device",
    "report/page.py": "style and script of the package",
    "sweeps/status.py": "SQLite opens its file itself, after a check of the folder",
    "sweeps/workers/job.py": "the null device",
    "sweeps/workers/dask_task.py": "a temporary folder of the worker",
    "sweeps/workers/run_archive.py": "tarfile, over bytes in memory",
}


def opened(path: Path) -> Iterator[str]:
    """Yield the calls in a module that open a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        owner = getattr(getattr(node.func, "value", None), "id", "")
        if name in OPENING and owner in OWNERS.get(name, {owner}):
            yield f"{name} in line {node.lineno}"


def reason(name: str) -> str | None:
    """Return why a module may open files: the reason of the module, or of its room."""
    return ALLOWED.get(name, ALLOWED.get(name.split("/")[0]))


def test_no_other_module_opens_files() -> None:
    """A new one goes through `Run`, `SweepFolder` or `runs.safe_read`, or gets a reason here."""
    found = {path.relative_to(PACKAGE).as_posix(): list(opened(path)) for path in sorted(PACKAGE.rglob("*.py"))}
    assert not {name: calls for name, calls in found.items() if calls and reason(name) is None}


def test_every_reason_is_needed() -> None:
    """A module that opens nothing any more loses its reason."""
    for name in ALLOWED:
        files = [PACKAGE / name] if name.endswith(".py") else (PACKAGE / name).rglob("*.py")
        assert any(True for file in files for _ in opened(file)), name
