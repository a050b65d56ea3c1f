"""The misclassified test examples of a run as small images."""

from collections.abc import Mapping

import numpy as np

from dropout_cli import data, metrics, plots
from dropout_cli.config.stored import load_run_config
from dropout_cli.core.errors import DropoutError
from dropout_cli.core.types import Array
from dropout_cli.data.base import Source
from dropout_cli.report.page import Gallery, GalleryImage
from dropout_cli.runs import Run
from dropout_cli.training.restore import load_preprocessing

MAX_IMAGES = 24
OWN_IMAGES = ("arrays", "image_folder")
"""Datasets whose shape is known only after reading; other datasets without a shape are tables."""


def mistake_gallery(run: Run, stored: Mapping[str, Array], classes: tuple[str, ...]) -> Gallery | str | None:
    """Return the images of the worst mistakes, or a sentence if they cannot be shown.

    None if the data are not images.

    Args:
        run: A complete run of a classification.
        stored: The arrays of its predictions.npz.
        classes: Class names.
    """
    name = run.summary()["config"]["dataset"]["name"]
    probs, labels = stored["probabilities"], stored["labels"]
    positions = metrics.worst_positions(probs, labels, MAX_IMAGES, stored.get("log_probabilities"))
    if not len(positions):
        return None
    try:
        source = load_run_config(run).dataset
        if not _may_be_images(source, name):
            return None
        if not is_local(source):
            return f"The misclassified images are not shown, because {name} is not on this machine."
        test = data.load_dataset(source, load_preprocessing(run)).test
    except (DropoutError, OSError) as error:
        return f"The misclassified images are not shown, because the data cannot be read: {error}"
    if test.x.ndim != 4:
        return None
    if not np.array_equal(test.labels, labels):
        return "The misclassified images are not shown, because the data have changed since the training."
    pictures = plots.png_images(np.asarray(test.x[positions]))
    predicted = metrics.predicted_classes(stored)[positions]
    images = [
        GalleryImage(
            png,
            f"test example {row}: true class {classes[true]}, predicted class {classes[taken]}",
            f"{classes[true]} \N{RIGHTWARDS ARROW} {classes[taken]}",
            f"{probs[position, taken]:.2f}",
        )
        for png, row, true, taken, position in zip(
            pictures, test.rows[positions], labels[positions], predicted, positions, strict=True
        )
    ]
    wrong = int((metrics.predicted_classes(stored) != labels).sum())
    shown = f"The {len(images)} worst of {wrong:,} mistakes" if len(images) < wrong else f"All {wrong:,} mistakes"
    if wrong == 1:
        shown = "The only mistake"
    meaning = "true \N{RIGHTWARDS ARROW} predicted class, with the probability of the predicted class"
    return Gallery(f"{shown}: {meaning}", images)


def _may_be_images(source: Source, name: str) -> bool:
    shape = source.info.shape
    return len(shape) == 3 if shape is not None else name in OWN_IMAGES


def is_local(source: Source) -> bool:
    """Return False if reading the source would download it: a report fetches nothing."""
    find_files = getattr(source, "find_files", None)
    return find_files is None or getattr(source, "path", None) is not None or find_files() is not None
