"""Your own pictures: a folder for each class, in it PNG and JPEG files; folders within count for the class, too.

    flowers/rose/1.png   flowers/rose/garden/7.jpg   flowers/tulip/1.png       classes: rose, tulip

Pictures are decoded on all cores and kept as uint8 in the user's data directory, together with the name, length and
time of change of every file: what has changed is read again.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeVar

import numpy as np
from annotated_types import MaxLen, MinLen

from dropout_cli.core import npz
from dropout_cli.core.environment import available_bytes, cores
from dropout_cli.core.errors import DataError
from dropout_cli.core.fields import Count, PathField
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, Examples, Facts, Source
from dropout_cli.data.cache import data_directories, replacing

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")
R = TypeVar("R")

ENDINGS = (".png", ".jpg", ".jpeg")
FORMATS = ("PNG", "JPEG")
GRAY = ("1", "L", "LA", "I", "I;16", "I;16B")
"""Pillow's modes without colour."""
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)
"""The EXIF tag, and those of its values that swap height and width."""
MOST_PIXELS = 50_000_000
"""Of one picture; a small file may claim any size."""
CACHE_FORMAT = 1

Sides = Count | Annotated[tuple[Count, ...], MinLen(2), MaxLen(2)]


class Header(NamedTuple):
    """What a file says of its picture."""

    height: int
    width: int
    gray: bool


class Broken(NamedTuple):
    """Why a file is no picture."""

    reason: str


@DATASETS.register("image_folder")
@dataclass(frozen=True, kw_only=True)
class ImageFolder(Source):
    """Your own pictures, PNG or JPEG: a folder for each class."""

    facts = Facts(None, None, None, "a folder of yours")

    path: Annotated[str, PathField()]
    """The folder that holds a folder for each class."""
    size: Sides | None = None
    """Pixels that every picture is resized to, a side or [height, width]; null: they must have one size already."""
    color: Literal["auto", "gray", "rgb"] = "auto"
    """One channel or three; auto: one where no picture has colour."""
    skip_broken: bool = False
    """Leave out pictures that cannot be read, and say how many; otherwise the first of them ends the run."""

    def read(self) -> Examples:
        """The pictures as uint8, (N, height, width, 1 or 3), by class and name."""
        root = Path(self.path)
        classes, files, labels = self._listed(root)
        listing = _digest([CACHE_FORMAT, [[name, *_stat(root / name)] for name in files]])
        cache = data_directories()[-1] / "cache" / f"pictures-{_digest([str(root.absolute()), *self._settings()])}.npz"
        kept = _kept(cache, listing, len(files))
        x, whole = kept if kept is not None else self._decoded(root, files)
        if kept is None:
            _keep(cache, listing, x, whole)
        for label, name in enumerate(classes):
            if not np.any(whole & (labels == label)):
                raise DataError(str(root / name), "has no picture that can be read", "Add some, or remove the folder")
        left_out = [name for name, fine in zip(files, whole.tolist(), strict=True) if not fine]
        notices = (_said(left_out, len(files)),) if left_out else ()
        return Examples(x, labels[whole], classes, notices=notices)

    def _settings(self) -> list[object]:
        sides = [self.size, self.size] if isinstance(self.size, int) else self.size and list(self.size)
        return [sides, self.color, self.skip_broken]

    def _listed(self, root: Path) -> tuple[tuple[str, ...], list[str], Array]:
        """Names of classes; of files, counted from `root`; and the label of each."""
        try:
            folders = sorted(one.name for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))
            files: list[str] = []
            labels: list[int] = []
            for label, folder in enumerate(folders):
                names = sorted(_pictures(root, folder))
                files += names
                labels += [label] * len(names)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError("dataset.path", f"{self.path!r} cannot be listed: {reason}", "Name a folder") from None
        if len(folders) < 2:
            fact = f"{self.path!r} has {counted(len(folders), 'folder')}, and each class needs one of its own"
            raise DataError("dataset.path", fact, "Sort the pictures into two folders or more, named after the classes")
        return tuple(folders), files, np.array(labels, np.intp)

    def _decoded(self, root: Path, files: list[str]) -> tuple[Array, Array]:
        """The pictures that can be read, and for every file whether its could."""
        headers = _in_parallel(lambda name: _guarded(root / name, _header), files)
        self._stop_at_broken(root, files, headers)
        known = [(name, one) for name, one in zip(files, headers, strict=True) if isinstance(one, Header)]
        if not known:
            raise DataError("dataset.path", f"{self.path!r} has no PNG or JPEG that can be read", "Add some")
        height, width = self._size(root, known)
        gray = self.color == "gray" or (self.color == "auto" and all(one.gray for _, one in known))
        shape = (height, width, 1 if gray else 3)
        needed, free = len(known) * int(np.prod(shape)), available_bytes()
        if free is not None and 3 * needed > free:  # as read, as split, and as batches
            fact = f"{len(known):,} pictures of {height} x {width} need {3 * needed / 1e9:.1f} GB"
            raise DataError("dataset.path", f"{fact}, {free / 1e9:.1f} GB are free", "Set dataset.size to less")
        x, index = np.empty((len(known), *shape), np.uint8), {name: row for row, (name, _) in enumerate(known)}

        def decode(name: str) -> bool | Broken:
            if name not in index:
                return Broken("")
            return _guarded(root / name, lambda image: _into(x[index[name]], image))

        decoded = _in_parallel(decode, files)
        self._stop_at_broken(root, files, decoded)
        whole = np.array([one is True for one in decoded])
        return x[[index[name] for name, fine in zip(files, whole, strict=True) if fine]], whole

    def _stop_at_broken(self, root: Path, files: list[str], found: Iterable[object]) -> None:
        for name, one in zip(files, found, strict=True):
            if isinstance(one, Broken) and not self.skip_broken:
                way_out = "Replace it, or set dataset.skip_broken: true"
                raise DataError(str(root / name), f"cannot be read as PNG or JPEG: {one.reason}", way_out)

    def _size(self, root: Path, known: list[tuple[str, Header]]) -> tuple[int, int]:
        """Height and width that all are to have."""
        if self.size is not None:
            height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
            return height, width
        (first, its), *others = known
        for name, one in others:
            if one[:2] != its[:2]:
                fact = f"has {one.height} x {one.width} pixels, and {first} {its.height} x {its.width}"
                raise DataError(str(root / name), fact, "Set dataset.size to resize all")
        return its.height, its.width


def _pictures(root: Path, folder: str) -> Iterable[str]:
    """The pictures below a folder, hidden ones left out, as paths from `root`; links to folders are not followed."""
    for here, inner, names in os.walk(root / folder):
        inner[:] = [name for name in inner if not name.startswith(".")]
        place = Path(here).relative_to(root)
        yield from (
            (place / name).as_posix()
            for name in names
            if name.lower().endswith(ENDINGS) and not name.startswith(".") and (Path(here) / name).is_file()
        )


def _stat(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def _in_parallel(work: Callable[[T], R], items: list[T]) -> list[R]:
    """`work` of each, in order; Pillow decodes outside the interpreter's lock."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, items, chunksize=1))


def _guarded(file: Path, work: "Callable[[Image], R]") -> R | Broken:
    """Open a picture and do something with it; whatever a decoder raises means that the file is broken."""
    from PIL import Image

    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                return Broken(f"it claims {image.width:,} x {image.height:,} pixels")
            return work(image)
    except Exception as error:  # Pillow does not say what its decoders raise for damaged bytes
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Broken(reason.replace(str(file), "the file"))


def _header(image: "Image") -> Header:
    turned = image.getexif().get(ORIENTATION) in TURNED
    height, width = (image.width, image.height) if turned else (image.height, image.width)
    return Header(height, width, image.mode in GRAY)


def _into(row: Array, image: "Image") -> bool:
    """Decode a picture into its row, the right way up."""
    from PIL import Image, ImageOps

    height, width, channels = row.shape
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16 bits of gray, of which the upper eight are kept
        upright = Image.fromarray((np.asarray(upright).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    plain = upright.convert("L" if channels == 1 else "RGB")
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    row[...] = np.asarray(plain).reshape(row.shape)
    return True


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _kept(cache: Path, listing: str, files: int) -> tuple[Array, Array] | None:
    """What was decoded before, where it was from the same files."""
    try:
        arrays = npz.read(cache.read_bytes(), str(cache))
        x, whole = arrays["x"], arrays["whole"]
        if str(arrays["listing"]) != listing or whole.shape != (files,) or whole.dtype != bool:
            return None
        if x.dtype != np.uint8 or x.ndim != 4 or len(x) != np.count_nonzero(whole) or x.shape[-1] not in (1, 3):
            return None
        return x, whole
    except (OSError, KeyError, DataError, MemoryError):
        return None


def _keep(cache: Path, listing: str, x: Array, whole: Array) -> None:
    """Keep it for the next time, where there is room."""
    with suppress(OSError, MemoryError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with replacing(cache) as file:
            file.write(npz.write(x=x, whole=whole, listing=np.array(listing)))


def _said(names: list[str], count: int) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    verb = "is" if len(names) == 1 else "are"
    return f"{len(names)} of {counted(count, 'picture')} cannot be read and {verb} left out: {shown}."
