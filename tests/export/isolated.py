"""Run a program in a Python that finds no packages but those it is given."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

PREFIX = """
import importlib, sys
sys.path[:0] = {paths!r}
for name in ("dropout_cli", "scipy", "pandas", "sklearn", "matplotlib"):
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    raise SystemExit(name + " is there")
"""


def linked_packages(folder: Path, *names: str) -> Path:
    """Make a folder with links to packages and to their libraries, and nothing else.

    Args:
        folder: The folder to make.
        names: The packages.
    """
    folder.mkdir()
    for name in names:
        spec = find_spec(name)
        assert spec is not None, name
        places = spec.submodule_search_locations
        path = Path(next(iter(places))) if places else Path(spec.origin or "")
        for linked in (path, path.with_name(f"{name}.libs")):
            if linked.exists():
                (folder / linked.name).symlink_to(linked)
    return folder


def run_isolated(program: str, *paths: Path) -> str:
    """Run a program with the packages of some folders alone, and return its output.

    Args:
        program: The text of the program.
        paths: The folders.
    """
    text = PREFIX.format(paths=[str(path) for path in paths]) + program
    done = subprocess.run([sys.executable, "-I", "-S", "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
