"""Write a run in one of the export formats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dropout_cli.core.errors import UsageError
from dropout_cli.export.description import ModelDescription, describe_run
from dropout_cli.export.render_numpy import numpy_files
from dropout_cli.export.render_onnx import onnx_files
from dropout_cli.export.render_tensorboard import run_files_for_tensorboard, sweep_files_for_tensorboard
from dropout_cli.export.render_torch import torch_files
from dropout_cli.runs import Run, atomic_io, safe_read, write_atomic
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.training.tensorboard_log import EVENT_FILE


@dataclass(frozen=True)
class FormatWriter:
    """How a format is written."""

    files: Callable[[Run, str | None, bool], Mapping[str, bytes]]
    """Returns file name -> bytes, given a run, the name of a checkpoint, and True for noise."""
    usage: tuple[str, str]
    """Two lines about the use of what was written; {path} stands for its path, {stem} for the name of the module."""
    signed_file: str | None = None
    """For a format with a folder: the file whose signature shows that `dropout export` wrote it. None: one file."""


def _of_description(render: Callable[[ModelDescription], Mapping[str, bytes]]) -> Callable[..., Mapping[str, bytes]]:
    """Return a function that renders the description of a run."""

    def files(run: Run, checkpoint: str | None, noise: bool) -> Mapping[str, bytes]:
        return render(describe_run(run, checkpoint, noise=noise))

    return files


def _for_tensorboard(run: Run, checkpoint: str | None, noise: bool) -> Mapping[str, bytes]:
    if noise:
        raise UsageError("--noise", "has no effect on --format tensorboard", "Leave out --noise.")
    return run_files_for_tensorboard(run, checkpoint)


FORMATS: dict[str, FormatWriter] = {
    "numpy": FormatWriter(
        _of_description(numpy_files),
        (
            "It needs Python and NumPy only; its first lines say what it reads and returns.",
            "In Python, in its folder: import {stem}",
        ),
    ),
    "torch": FormatWriter(
        _of_description(torch_files),
        (
            "It needs PyTorch and safetensors only; the first lines of model.py say what it reads and returns.",
            "In Python, in that folder: from model import load; model = load()",
        ),
        signed_file="model.py",
    ),
    "onnx": FormatWriter(
        _of_description(onnx_files),
        (
            "It works with every program that reads ONNX, such as onnxruntime, without this package.",
            "In Python: import onnxruntime; session = onnxruntime.InferenceSession({path!r})",
        ),
    ),
    "tensorboard": FormatWriter(
        _for_tensorboard,
        ("TensorBoard shows it in a browser:", "tensorboard --logdir {path}"),
        signed_file=EVENT_FILE,
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
    signed_file = FORMATS[form].signed_file
    if output is not None:
        _require_replaceable(output, signed_file)
    files = FORMATS[form].files(run, checkpoint, noise)
    if output is None:
        name = "-".join(["export", form, *([checkpoint] if checkpoint else []), *(["noise"] if noise else [])])
        folder = run.write_result(name, files)
        return folder / next(iter(files)) if signed_file is None else folder
    if signed_file is None:
        write_atomic(output, next(iter(files.values())))
    else:
        _write_folder(output, files)
    return output


def export_sweep(folder: SweepFolder, *, output: Path | None = None, checkpoint: str | None = None) -> Path:
    """Write the runs and figures of a sweep for TensorBoard, and return the path of the folder.

    Args:
        folder: The folder of the sweep.
        output: The folder to write; None: `tensorboard` in that of the sweep.
        checkpoint: The checkpoint for the histograms: `best` or `last`; None: the evaluated one of each run.

    Raises:
        UsageError: No run is complete, or there is something else at `output`.
        RunFailed: A run is damaged, or `output` cannot be written.
    """
    target = folder.path_of("tensorboard") if output is None else output
    _require_replaceable(target, EVENT_FILE)
    files = sweep_files_for_tensorboard(folder, checkpoint)
    if output is None:
        folder.add_results({f"tensorboard/{name}": data for name, data in files.items()})
    else:
        _write_folder(target, files)
    return target


def _write_folder(output: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, which may exist; links in it are not followed."""
    for name, data in files.items():
        path = safe_read.path_inside(output, name)
        with atomic_io.os_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)


def usage_lines(form: str, written: Path) -> list[str]:
    """Return two lines about the use of what was written.

    Args:
        form: A key of `FORMATS`.
        written: The path that `export_run` returned.
    """
    return [line.format(path=str(written), stem=written.stem) for line in FORMATS[form].usage]


def _require_replaceable(output: Path, signed_file: str | None) -> None:
    """Raise UsageError if there is something at a path that `dropout export` did not write.

    Args:
        output: The path.
        signed_file: The signed file of a folder, in which other files stay; None for one file.
    """
    if not (output.exists() or output.is_symlink()):
        return
    if signed_file is None:
        ours = _is_signed(output)
    else:
        ours = output.is_dir() and (_is_signed(output / signed_file) or not any(output.iterdir()))
    if not ours:
        raise UsageError(str(output), "already exists, and dropout export did not write it", "Choose another name.")


def _is_signed(path: Path) -> bool:
    """Return True if a regular file has the signature near its beginning."""
    try:
        with safe_read.open_regular_file(path) as file:
            return SIGNATURE in file.read(SIGNED_BYTES)
    except (OSError, UsageError):
        return False
