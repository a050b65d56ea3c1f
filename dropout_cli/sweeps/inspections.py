"""Studies of a sweep: each one is a folder of the sweep, with the files of an inspection of a run."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from dropout_cli.analysis.inspection import RESULTS, Inspection, is_inspection, parse_inspection
from dropout_cli.sweeps.folder import SweepFolder


def write_sweep_inspection(folder: SweepFolder, inspection: Inspection, *, images: bool = True) -> Path:
    """Write an inspection to its own folder in a sweep, replacing an older one, and return the folder.

    Args:
        folder: The sweep.
        inspection: The inspection; its `folder` names the folder.
        images: True to draw the figures.

    Raises:
        UsageError: A link leads out of the folder.
        RunFailed: The folder cannot be written.
    """
    path = folder.path_of(inspection.folder)
    former = [f"{inspection.folder}/{file.name}" for file in path.iterdir()] if path.is_dir() else []
    files = inspection.contents(images=images)
    folder.add_results({f"{inspection.folder}/{name}": data for name, data in files.items()}, former)
    return path


def read_sweep_inspections(folder: SweepFolder) -> list[Inspection]:
    """Return the inspections stored in a sweep, sorted by folder.

    Args:
        folder: The folder of the sweep.

    Raises:
        UsageError: A file is damaged.
    """
    return [read() for _, read in stored_sweep_inspections(folder)]


def stored_sweep_inspections(folder: SweepFolder) -> Iterator[tuple[str, Callable[[], Inspection]]]:
    """Yield the folder of each inspection stored in a sweep, and a function that reads it.

    The function raises UsageError if a file is damaged.

    Args:
        folder: The folder of the sweep.
    """
    names = sorted(path.name for path in folder.path.iterdir() if path.is_dir() and not path.name.startswith("."))
    for name in names:
        if is_inspection(partial(folder.has, f"{name}/{RESULTS}")):
            yield name, partial(parse_inspection, folder.path / name, partial(_read_file, folder, name))


def _read_file(folder: SweepFolder, name: str, file: str) -> bytes:
    return folder.read(f"{name}/{file}")
