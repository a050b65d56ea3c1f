"""Write a run in one of the export formats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dropout_cli.core.errors import UsageError
from dropout_cli.export.description import ModelDescription, describe_run
from dropout_cli.export.render_numpy import numpy_files
from dropout_cli.export.render_onnx import onnx_files
from dropout_cli.runs import MANIFEST, Run, write_atomic
from dropout_cli.runs.new_folder import update_folder


@dataclass(frozen=True)
class FormatWriter:
    """How a format is written."""

    files: Callable[[ModelDescription], Mapping[str, bytes]]
    """Returns file name -> bytes."""
    usage: tuple[str, str]
    """Two lines about the use of what was written; {path} stands for its path, {folder} and {stem} for its parts."""


FORMATS: dict[str, FormatWriter] = {
    "numpy": FormatWriter(
        numpy_files,
        (
            "It needs Python and NumPy only; its first lines say what it reads and returns.",
            "In Python, in its folder: import {stem}",
        ),
    ),
    "onnx": FormatWriter(
        onnx_files,
        (
            "It works with every program that reads ONNX, such as onnxruntime, without this package.",
            "In Python: import onnxruntime; session = onnxruntime.InferenceSession({path!r})",
        ),
    ),
}
"""The formats by name."""
SIGNATURE = b"dropout export"
"""Bytes near the beginning of every exported file."""
SIGNED_BYTES = 4096


def export_run(
    run: Run, form: str, *, output: Path | None = None, checkpoint: str | None = None, noise: bool = False
) -> Path:
    """Write a run in a format, and return the path of the file or folder.

    Args:
        run: A finished run.
        form: A key of `FORMATS`.
        output: The file, or the folder of a format with several files. None: a folder under `after/` of the run.
        checkpoint: `best` or `last`; None: the evaluated one.
        noise: True to draw the noise of the dropout.

    Raises:
        UsageError: The run cannot be exported, or there is something else at `output`.
        RunFailed: The run is damaged, or `output` cannot be written.
    """
    if output is not None:
        _require_replaceable(output)
    description = describe_run(run, checkpoint, noise=noise)
    files = FORMATS[form].files(description)
    if output is None:
        name = "-".join(["export", form, *([checkpoint] if checkpoint else []), *(["noise"] if noise else [])])
        folder = run.write_result(name, files)
        return folder if len(files) > 1 else folder / next(iter(files))
    if len(files) == 1:
        write_atomic(output, next(iter(files.values())))
    else:
        update_folder(output, lambda: files, owner=output.absolute().parent)
    return output


def usage_lines(form: str, written: Path) -> list[str]:
    """Return two lines about the use of what was written.

    Args:
        form: A key of `FORMATS`.
        written: The path that `export_run` returned.
    """
    return [line.format(path=str(written), folder=written.parent, stem=written.stem) for line in FORMATS[form].usage]


def _require_replaceable(output: Path) -> None:
    """Raise UsageError if there is something at a path that `dropout export` did not write."""
    if not (output.exists() or output.is_symlink()):
        return
    if output.is_dir() and not output.is_symlink():
        paths = list(output.iterdir())
        signed = [path for path in paths if path.name != MANIFEST]
        ours = len(paths) == len(signed) + 1 and any(_is_signed(path) for path in signed if path.name == "model.py")
    else:
        ours = _is_signed(output)
    if not ours:
        raise UsageError(str(output), "already exists, and dropout export did not write it", "Choose another name.")


def _is_signed(path: Path) -> bool:
    """Return True if a regular file has the signature near its beginning."""
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        return SIGNATURE in file.read(SIGNED_BYTES)
