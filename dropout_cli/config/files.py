"""Config files: found by path or by bare name, and read as text without trusting what they are."""

import codecs
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from dropout_cli.config.place import printable
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.registry import did_you_mean
from dropout_cli.data.base import DATASETS

MOST_BYTES = 1_000_000
CLOSE = 0.8
"""So alike, of 1, are two names of which one is a slip of the other; `nope` and `none` are .75."""
NEW_CONFIG = "'dropout config init' writes a config to start from."


def bundled() -> dict[str, Path]:
    """Bare name (`digits`, `variants/alpha`) -> path of every config that comes with the package, sorted by name."""
    package = Path(__file__).parents[1]
    inside = package / "configs"
    folder = inside if inside.is_dir() else package.parent / "configs"
    paths = [*sorted(folder.glob("*.yaml")), *sorted(folder.glob("variants/*.yaml"))]
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}


def find(name: str) -> Path:
    """Return the config that `name` means: a file of that path, else a bundled config of that bare name.

    Raises ConfigError where there is neither.
    """
    path = Path(name)
    if is_file(path):
        return path
    known = bundled()
    if name in known:
        return known[name]
    if not _exists(path):
        hint = did_you_mean(name, list(known)) or _nearest(path, known)
        if name in DATASETS.names():
            hint = f"To train on that dataset: dropout train digits dataset={name}."
        choices = ", ".join([*(one for one in known if "/" not in one), "variants/NAME"])
        fact = "no such file, and no config of that name comes with dropout"
        raise ConfigError(printable(name), fact, f"{hint} Choose from: {choices}.".lstrip())
    return path


def _nearest(path: Path, known: Iterable[str]) -> str:
    """A suggestion where the last part of the path is close to that of a file beside it, or of a bundled config."""
    looked = path.parent if path.suffix and _exists(path.parent) else None
    beside = [str(one) for end in ("yaml", "yml") for one in looked.glob(f"*.{end}")] if looked else []
    named = {Path(one).stem: one for one in [*known, *sorted(beside)]}
    near = get_close_matches(path.stem, named, n=1, cutoff=CLOSE)
    return f"Did you mean '{printable(named[near[0]])}'?" if near else ""


def is_file(path: Path) -> bool:
    """Whether there is a file; a name that no system would take is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_bytes(path: Path, *, plain: bool = False) -> bytes:
    """Return a config file's content. Raises ConfigError: missing, a directory, unreadable, over 1 MB, empty.

    `plain`: no pipe or device either, which a config that came from elsewhere may name to make us wait.
    """
    place = printable(str(path))
    if plain and _exists(path) and not (is_file(path) or path.is_dir()):
        raise ConfigError(place, "is not a plain file")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(place, "no such file") from None
    except IsADirectoryError:
        raise ConfigError(place, "is a directory", "Name a YAML file in it.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(place, f"cannot be read: {reason}") from None
    if len(content) > MOST_BYTES:
        raise ConfigError(place, "is larger than 1 MB", "A config is a page of text.")
    if not content.strip():
        raise ConfigError(place, "is empty", NEW_CONFIG)
    return content


def decode(content: bytes, place: str) -> str:
    """Return the content as text. Raises ConfigError where it is not UTF-8, or binary."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError(place, "is UTF-16 text", "Save it as UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ConfigError(f"{place}:{line}:{column}", "is not UTF-8 text", "Is this a YAML file?") from None
    if "\0" in text:
        raise ConfigError(place, "is not a text file: it holds zero bytes")
    return text
