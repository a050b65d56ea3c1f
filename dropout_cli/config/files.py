"""Config files: found by path or bare name, and read as untrusted text."""

import codecs
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from dropout_cli.config.error_collector import escape_to_one_line
from dropout_cli.core.bundled import configs_folder
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.registry import did_you_mean
from dropout_cli.data.base import DATASETS
from dropout_cli.data.readers.excel_parquet import EXCEL_SUFFIXES, PARQUET_SUFFIXES

MAX_CONFIG_BYTES = 1_000_000
SIMILARITY_CUTOFF = 0.8
"""Similarity cutoff (of 1) for suggested file names; `nope` and `none` have .75 and are too far apart."""
CONFIG_SUFFIXES = (".yaml", ".yml")
TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat", ".arff", ".jsonl", ".ndjson")
ARRAY_SUFFIXES = (".npz", ".npy")
DATA_SUFFIXES = (*TEXT_SUFFIXES, *ARRAY_SUFFIXES, *EXCEL_SUFFIXES, *PARQUET_SUFFIXES)
INIT_HINT = "Use 'dropout config init' to write a first config."


def bundled_configs() -> dict[str, Path]:
    """Return the path of every bundled config by its bare name, sorted by name.

    Bare names are like `digits` and `variants/alpha`.
    """
    folder = configs_folder()
    paths = [*sorted(folder.glob("*.yaml")), *sorted(folder.glob("variants/*.yaml"))]
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}


def find_config(name: str) -> Path:
    """Return the config that `name` refers to: a file of that path, else a bundled config.

    Raises:
        ConfigError: if there is neither.
    """
    path = Path(name)
    if is_file_path(path):
        return path
    paths = bundled_configs()
    if name in paths:
        return paths[name]
    if not _exists(path):
        hint = did_you_mean(name, list(paths)) or _suggest(path, paths)
        if name in DATASETS.names():
            hint = f"To train on this dataset: dropout train digits dataset={name}."
        choices = ", ".join([*(bare_name for bare_name in paths if "/" not in bare_name), "variants/NAME"])
        fact = "no such file, and no bundled config has this name"
        # `plants.csv` cannot mean a bundled config.
        if has_data_suffix(path):
            raise ConfigError(escape_to_one_line(name), "no such file", _suggest(path, ()))
        raise ConfigError(escape_to_one_line(name), fact, f"{hint} Choose from: {choices}.".lstrip())
    return path


def _suggest(path: Path, known: Iterable[str]) -> str:
    """Return a suggestion if the last part of the path is close to a known name.

    Candidates are the known names and the files of the same kind in the same folder.
    """
    parent = path.parent if path.suffix and _exists(path.parent) else None
    suffixes = (path.suffix,) if has_data_suffix(path) else CONFIG_SUFFIXES
    neighbors = [str(file) for file in parent.iterdir() if file.suffix in suffixes] if parent else []
    # A file of the user comes last, so it replaces a bundled config of the same stem.
    candidates = {Path(candidate).stem: candidate for candidate in [*known, *sorted(neighbors)]}
    matches = get_close_matches(path.stem, candidates, n=1, cutoff=SIMILARITY_CUTOFF)
    return f"Did you mean '{escape_to_one_line(candidates[matches[0]])}'?" if matches else ""


def has_data_suffix(path: Path) -> bool:
    """Return True if the name ends like that of a data file, also compressed (`.csv.gz`)."""
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix in DATA_SUFFIXES


def is_file_path(path: Path) -> bool:
    """Return True if the path is a file; False also for a name that the system rejects."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_config_bytes(path: Path, *, regular_only: bool = False, hint: str = INIT_HINT) -> bytes:
    """Return the content of a config file.

    Args:
        path: the file.
        regular_only: True refuses pipes and devices. A config from elsewhere could name one in `extends` and make
            reading wait forever.
        hint: the way out if the file is empty.

    Raises:
        ConfigError: if the file is missing, a folder, unreadable, over 1 MB or empty.
    """
    place = escape_to_one_line(str(path))
    if regular_only and _exists(path) and not (is_file_path(path) or path.is_dir()):
        raise ConfigError(place, "is not a regular file", "Give a YAML file.")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)  # one more than allowed shows that the file is too large
    except FileNotFoundError:
        raise ConfigError(place, "no such file", "Check its path.") from None
    except IsADirectoryError:
        raise ConfigError(place, "is a folder", "Give a YAML file in it.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(place, f"cannot be read: {reason}", "Check its path and its permissions.") from None
    return check_config_bytes(content, place, hint)


def check_config_bytes(content: bytes, place: str, hint: str = INIT_HINT) -> bytes:
    """Return the content of a config file.

    Args:
        content: the bytes of the file, or the first of them.
        place: the file's name, for messages.
        hint: the way out if there are none.

    Raises:
        ConfigError: if there are more than 1 MB, or nothing.
    """
    if len(content) > MAX_CONFIG_BYTES:
        raise ConfigError(place, "is larger than 1 MB", "A config is usually one page of text; is this the right file?")
    if not content.strip():
        raise ConfigError(place, "is empty", hint)
    return content


def decode_config(content: bytes, place: str) -> str:
    """Return the content as text.

    Args:
        content: the bytes of a config file.
        place: the file's name, for messages.

    Raises:
        ConfigError: if it is not UTF-8 text.
    """
    # Windows editors may save UTF-16.
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError(place, "is UTF-16 text", "Save it as UTF-8.")
    try:
        # Windows editors may write a byte order mark.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ConfigError(f"{place}:{line}:{column}", "is not UTF-8 text", "Is this a YAML file?") from None
    if "\0" in text:
        raise ConfigError(place, "is not a text file: it contains null characters", "Is this a YAML file?")
    return text
