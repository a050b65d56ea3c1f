"""Data files and folders in the place of a config."""

import re
from pathlib import Path

from dropout_cli.config.files import CONFIG_SUFFIXES, TEXT_SUFFIXES, bundled_configs, has_data_suffix, is_file_path

_HEAD_BYTES = 10_000
# The first key of a config or a sweep file, also in the notation of JSON.
_CONFIG_KEY = re.compile(
    rb"^[\s{]*[\"']?(dataset|architecture|dropout|objective|training|seed|extends|base|set|grid)[\"']?\s*:(\s|$)", re.M
)


def is_data_path(path: Path, *, has_target: bool = False) -> bool:
    """Return True for a data file or a folder of images, and False for a config or a name of one.

    Args:
        path: the path in the place of a config.
        has_target: True if a target is given; a file with an unknown ending is then data.
    """
    if is_file_path(path):
        if path.suffix.lower() in CONFIG_SUFFIXES or not (has_target or has_data_suffix(path)):
            return False
        return path.suffix.lower() not in (*TEXT_SUFFIXES, "") or not _has_config_key(path)
    if path.as_posix() in bundled_configs():
        return False
    # A named pipe or a device with the name of a data file: its reader refuses it. As a config, it would be waited for.
    if has_data_suffix(path) and path.suffix.lower() not in (*CONFIG_SUFFIXES, ""):
        try:
            return path.exists() and not path.is_dir()
        except (OSError, ValueError):
            return False
    try:
        # A folder of runs or configs is a mistake, which the reader of configs names.
        return (
            path.is_dir()
            and any(path.iterdir())
            and not any(any(path.glob(pattern)) for pattern in ("*.yaml", "*.yml", "*/*.yaml"))
        )
    except (OSError, ValueError):
        return False


def _has_config_key(path: Path) -> bool:
    """Return True if a line at the start of a text file begins with a key of a config."""
    try:
        with path.open("rb") as file:
            return _CONFIG_KEY.search(file.read(_HEAD_BYTES)) is not None
    except OSError:
        return False
