"""Write a run in one of the export formats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dropout_cli.core.errors import UsageError
from dropout_cli.export.description import ModelDescription, describe_run
from dropout_cli.export.render_numpy import numpy_files
from dropout_cli.export.render_onnx import onnx_files
from dropout_cli.export.render_torch import torch_files
from dropout_cli.runs import Run, atomic_io, write_atomic


@dataclass(frozen=True)
class FormatWriter:
    """How a format is written."""

    files: Callable[[ModelDescription], Mapping[str, bytes]]
    """Returns file name -> bytes."""
    usage: tuple[str, str]
    """Two lines about the use of what was written; {path} stands for its path, {stem} for the name of the module."""
    is_folder: bool = False
    """True if there are several files, one of which is `model.py`."""


FORMATS: dict[str, FormatWriter] = {
    "numpy": FormatWriter(
        numpy_files,
        (
            "It needs Python and NumPy only; its first lines say what it reads and returns.",
            "In Python, in its folder: import {stem}",
        ),
    ),
    "torch": FormatWriter(
        torch_files,
        (
            "It needs PyTorch and safetensors only; the first lines of model.py say what it reads and returns.",
            "In Python, in that folder: from model import load; model = load()",
        ),
        is_folder=True,
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
        _require_replaceable(output, is_folder=FORMATS[form].is_folder)
    description = describe_run(run, checkpoint, noise=noise)
    files = FORMATS[form].files(description)
    if output is None:
        name = "-".join(["export", form, *([checkpoint] if checkpoint else []), *(["noise"] if noise else [])])
        folder = run.write_result(name, files)
        return folder if FORMATS[form].is_folder else folder / next(iter(files))
    if not FORMATS[form].is_folder:
        write_atomic(output, next(iter(files.values())))
    else:
        with atomic_io.os_errors(output):
            output.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_atomic(output / name, data)
    return output


def usage_lines(form: str, written: Path) -> list[str]:
    """Return two lines about the use of what was written.

    Args:
        form: A key of `FORMATS`.
        written: The path that `export_run` returned.
    """
    return [line.format(path=str(written), stem=written.stem) for line in FORMATS[form].usage]


def _require_replaceable(output: Path, *, is_folder: bool) -> None:
    """Raise UsageError if there is something at a path that `dropout export` did not write.

    Args:
        output: The path.
        is_folder: True for a format with several files. Other files in such a folder stay.
    """
    if not (output.exists() or output.is_symlink()):
        return
    if is_folder and output.is_dir():
        ours = _is_signed(output / "model.py") or not any(output.iterdir())
    else:
        ours = not is_folder and _is_signed(output)
    if not ours:
        raise UsageError(str(output), "already exists, and dropout export did not write it", "Choose another name.")


def _is_signed(path: Path) -> bool:
    """Return True if a regular file has the signature near its beginning."""
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        return SIGNATURE in file.read(SIGNED_BYTES)
