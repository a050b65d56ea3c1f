"""Starter config for a file: each kind of data has its own module."""

from pathlib import Path

from dropout_cli.config.files import ARRAY_SUFFIXES
from dropout_cli.config.starter.arrays import arrays_config
from dropout_cli.config.starter.pictures import pictures_config
from dropout_cli.config.starter.table import table_config
from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.data.readers.images import is_image_name


def starter_config(file: Path, target: str | None = None, test_file: Path | None = None) -> tuple[str, str]:
    """Return the text of a config for a file, and a message about the guesses in it.

    Args:
        file: a table, an array file, or a folder of images.
        target: the column to predict; None guesses it.
        test_file: a second table, with the rows to test on.

    Raises:
        DataError: if a file cannot be read or its columns cannot be used.
        UsageError: if the target is no column, or a test file is given for other data than a table.
    """
    is_array = file.suffix.lower() in ARRAY_SUFFIXES
    if test_file is not None and (file.is_dir() or is_array):
        way_out = "Name its arrays x_test and y_test." if is_array else "Put its images into a folder `test`."
        raise UsageError("--test", f"works for tables, and {file} is none", way_out)
    if file.is_dir():
        return pictures_config(file, target)
    if is_image_name(file.name):
        raise DataError(str(file), "is a single image", "Give the folder that has one folder of images for each class")
    if is_array:
        return arrays_config(file, target)
    return table_config(file, target, test_file)
