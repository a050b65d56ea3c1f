"""Strange examples: made from those of the run, of another config, or from a file."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from dropout_cli import config
from dropout_cli.analysis.prediction_input import read_input
from dropout_cli.config.files import has_data_suffix
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS
from dropout_cli.data.cache import require_regular_file
from dropout_cli.data.corruptions.changed_rows import ChangedRows, draw_rows
from dropout_cli.data.corruptions.pixel_range import find_pixel_range
from dropout_cli.data.dataset import Part
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.strange_examples import load_strange_part
from dropout_cli.training.restore import LoadedModel, LoadedWithoutData

MADE_STRANGERS = {
    "rotate90": "the known examples, rotated by 90 degrees",
    "uniform": "images of uniform noise",
    "gaussian": "images of Gaussian noise",
}
"""Words for strange examples that are made -> their description."""
GAUSSIAN_MEAN, GAUSSIAN_SD = 33 / 255, 79 / 255
"""Mean and standard deviation of the pixels of MNIST; values are then cut to 0 to 1."""
MAX_NAME = 40
DIGITS = 6
"""Number of hexadecimal digits of a path in a folder name."""


@dataclass(frozen=True)
class Strangers:
    """Strange examples, in chunks."""

    name: str
    """A short name for folders; that of a path has a digest of it."""
    description: str
    chunks: Iterator[tuple[Part, list[str]]]
    """Examples that are not scaled and have no labels, and notices about them."""


def find_strangers(source: str, trained: LoadedModel, known: Part) -> Strangers:
    """Return the strange examples that an argument means.

    Args:
        source: A key of MADE_STRANGERS; data as `dropout predict` takes them; a config, whose test part is used; or the
            name of a dataset that needs no further keys.
        trained: The model.
        known: The known examples; the made strangers are as many.

    Raises:
        UsageError: The run was not trained on pictures.
        ConfigError: There is no such config.
        DataError: The data cannot be read, or do not fit the run.
    """
    if source in MADE_STRANGERS:
        part = _made_part(source, trained, known)
        return Strangers(source, MADE_STRANGERS[source], iter([(part, [])]))
    path = Path(source)
    bundled = config.bundled_configs()
    if _is_data(path, source):
        return Strangers(_path_name(path), f"the examples of {path.name}", _file_chunks(path, trained))
    if source in DATASETS.names() and source not in bundled and not path.exists():
        name = source
        loaded = config.load_config(Path(f"--ood {source}"), text=f"dataset: {source}".encode())
    else:
        file = config.find_config(source)
        name = source.replace("/", "-") if file == bundled.get(source) else _path_name(file)
        loaded = config.load_config(file)
    found = loaded.experiment.dataset
    part = load_strange_part(found, Preprocessing.from_dataset(trained.dataset), f"--ood {source}")
    return Strangers(name, f"the test part of {found.dataset_name()}", iter([(part, [])]))


def _path_name(path: Path) -> str:
    """Return the name of a path without its ending, with a digest: `turned-1f0c9a`."""
    name = re.sub(r"[^\w.-]+", "-", path.stem if path.suffix else path.name).strip("-.")[:MAX_NAME] or "data"
    return f"{name}-{hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:DIGITS]}"


def _is_data(path: Path, source: str) -> bool:
    """Return True for data: a file that is no config, a folder, or a path of a missing one."""
    bundled = config.bundled_configs()
    try:
        if source in bundled and not path.is_file():
            return False
        if path.suffix.lower() in (".yaml", ".yml"):
            return path.is_dir()
        if path.exists():
            return True
    except (OSError, ValueError):
        return False
    folders = {Path(name).parts[0] for name in bundled if "/" in name}
    is_in_folder = "/" in source or os.sep in source
    return has_data_suffix(path) or (is_in_folder and path.parts[0] not in folders)


def _file_chunks(path: Path, trained: LoadedModel) -> Iterator[tuple[Part, list[str]]]:
    """Yield the examples of a file or folder, read as for a prediction."""
    if not path.is_dir():
        require_regular_file(path)
    fitted = Preprocessing.from_dataset(trained.dataset)
    model = LoadedWithoutData(trained.experiment, fitted, trained.learner, trained.task)
    for _, _, x, notices in read_input(model, [path], None):
        if len(x):
            yield fitted.unlabeled_dataset(x).train, notices


def _made_part(word: str, trained: LoadedModel, known: Part) -> Part:
    """Return pictures made from the known ones, or of noise with the stream `strangers:<word>`."""
    dataset, experiment = trained.dataset, trained.experiment
    if len(dataset.shape) != 3:
        fact = f"{word} needs images, but this run was trained on a table"
        raise UsageError("--ood", fact, "Give a config, or a file with the columns of the training.")
    height, width, _ = dataset.shape
    if word == "rotate90" and height != width:
        fact = f"rotate90 needs square images, but these have {height} x {width} pixels"
        raise UsageError("--ood", fact, "Give another source.")
    levels = find_pixel_range(dataset, experiment.dataset)

    def change(x: Array, positions: Array) -> Array:
        if word == "rotate90":
            return np.rot90(x, axes=(1, 2))
        drawn = draw_rows(experiment.seed, f"strangers:{word}", positions, dataset.shape, uniform=word == "uniform")
        unit = drawn if word == "uniform" else np.clip(GAUSSIAN_MEAN + GAUSSIAN_SD * drawn, 0, 1)
        return levels.from_unit(unit)

    dtype = known.x.dtype if word == "rotate90" else np.dtype(np.float32)
    rows = ChangedRows(known.x, change, dtype)
    return replace(known, x=rows.read_all() if isinstance(known.x, np.ndarray) else cast("Array", rows))
