"""Dataset `image_folder`: your own PNG and JPEG images, one folder per class.

    flowers/rose/1.png   flowers/rose/garden/7.jpg   flowers/tulip/1.png       classes: rose, tulip

Folders inside a class folder count for the class too. Images are decoded on all cores and cached as uint8 in the user's
data directory, together with name, length and modification time of every file; files that changed are read again.
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
from dropout_cli.core.environment import available_bytes, available_cores
from dropout_cli.core.errors import DataError
from dropout_cli.core.field_types import Count, PathField
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, DatasetInfo, Examples, Source
from dropout_cli.data.cache import data_directories, open_replacement

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")
R = TypeVar("R")

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
IMAGE_FORMATS = ("PNG", "JPEG")
GRAY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B")
"""Pillow's modes without color."""
EXIF_ORIENTATION, ROTATED_ORIENTATIONS = 0x0112, (5, 6, 7, 8)
"""The EXIF tag, and its values that swap height and width."""
MAX_PIXELS = 50_000_000
"""Most pixels of one image; a small file may claim any size."""
IMAGE_CACHE_FORMAT = 1

ImageSize = Count | Annotated[tuple[Count, ...], MinLen(2), MaxLen(2)]


class ImageHeader(NamedTuple):
    """Size and mode that an image file declares."""

    height: int
    width: int
    gray: bool


class BrokenImage(NamedTuple):
    """Reason why an image cannot be read."""

    reason: str


@DATASETS.register("image_folder")
@dataclass(frozen=True, kw_only=True)
class ImageFolder(Source):
    """Your own images, PNG or JPEG: one folder for each class."""

    info = DatasetInfo(None, None, None, "your own folder")

    path: Annotated[str, PathField()]
    """The folder that contains one folder for each class."""
    size: ImageSize | None = None
    """Size in pixels to which all images are resized: one number, or [height, width]. null: all images must have the
    same size."""
    color: Literal["auto", "gray", "rgb"] = "auto"
    """gray: 1 channel. rgb: 3 channels. auto: 1 channel if no image has color, otherwise 3."""
    skip_broken: bool = False
    """true: skip unreadable images and report how many. false: stop at the first one."""

    def read(self) -> Examples:
        """Read the images as uint8, (N, height, width, 1 or 3), sorted by class and name.

        Raises:
            DataError: if a folder or an image cannot be read, or sizes differ.
        """
        root = Path(self.path)
        classes, files, labels = self._list_images(root)
        # A change of this format, of the files or of their dates makes the cache invalid.
        listing = _digest([IMAGE_CACHE_FORMAT, [[name, *_size_and_time(root / name)] for name in files]])
        cache = (
            data_directories()[-1]
            / "cache"
            / f"pictures-{_digest([str(root.absolute()), *self._cache_settings()])}.npz"
        )
        cached = _read_cache(cache, listing, len(files))
        x, readable = cached if cached is not None else self._decode_images(root, files)
        if cached is None:
            _write_cache(cache, listing, x, readable)
        for label, name in enumerate(classes):
            if not np.any(readable & (labels == label)):
                raise DataError(str(root / name), "has no readable image", "Add images, or remove the folder")
        left_out = [name for name, is_readable in zip(files, readable.tolist(), strict=True) if not is_readable]
        notices = (_broken_notice(left_out, len(files)),) if left_out else ()
        return Examples(x, labels[readable], classes, notices=notices)

    def _cache_settings(self) -> list[object]:
        sides = [self.size, self.size] if isinstance(self.size, int) else self.size and list(self.size)
        return [sides, self.color, self.skip_broken]

    def _list_images(self, root: Path) -> tuple[tuple[str, ...], list[str], Array]:
        """Return names of classes, paths of files relative to `root`, and the label of each."""
        try:
            # Sorted, because the order of a folder's entries differs between file systems.
            folders = sorted(
                entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")
            )
            files: list[str] = []
            labels: list[int] = []
            for label, folder in enumerate(folders):
                names = sorted(_image_paths(root, folder))
                files += names
                labels += [label] * len(names)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError("dataset.path", f"{self.path!r} cannot be opened: {reason}", "Give a folder") from None
        if len(folders) < 2:
            fact = f"{self.path!r} has {counted(len(folders), 'folder')}, but each class needs its own folder"
            raise DataError("dataset.path", fact, "Sort the images into at least two folders, named after the classes")
        return tuple(folders), files, np.array(labels, np.intp)

    def _decode_images(self, root: Path, files: list[str]) -> tuple[Array, Array]:
        """Return the readable images, and for every file True if it could be read."""
        headers = _in_parallel(lambda name: _with_image(root / name, _read_header), files)
        self._stop_at_broken(root, files, headers)
        readable_headers = [
            (name, result) for name, result in zip(files, headers, strict=True) if isinstance(result, ImageHeader)
        ]
        if not readable_headers:
            raise DataError("dataset.path", f"{self.path!r} has no readable PNG or JPEG image", "Add images")
        height, width = self._common_size(root, readable_headers)
        gray = self.color == "gray" or (self.color == "auto" and all(result.gray for _, result in readable_headers))
        shape = (height, width, 1 if gray else 3)
        needed, free = len(readable_headers) * int(np.prod(shape)), available_bytes()
        if free is not None and 3 * needed > free:  # the images as read, as split, and as batches
            number = counted(len(readable_headers), "image")
            fact = f"{number} of {height} x {width} pixels need {3 * needed / 1e9:.1f} GB of memory"
            raise DataError(
                "dataset.path", f"{fact}, but only {free / 1e9:.1f} GB are free", "Set a smaller dataset.size"
            )
        x, index = (
            np.empty((len(readable_headers), *shape), np.uint8),
            {name: row for row, (name, _) in enumerate(readable_headers)},
        )

        def decode(name: str) -> bool | BrokenImage:
            if name not in index:
                return BrokenImage("")
            return _with_image(root / name, lambda image: _decode_into(x[index[name]], image))

        decoded = _in_parallel(decode, files)
        self._stop_at_broken(root, files, decoded)
        decoded_mask = np.array([result is True for result in decoded])
        return x[
            [index[name] for name, was_decoded in zip(files, decoded_mask, strict=True) if was_decoded]
        ], decoded_mask

    def _stop_at_broken(self, root: Path, files: list[str], results: Iterable[object]) -> None:
        for name, result in zip(files, results, strict=True):
            if isinstance(result, BrokenImage) and not self.skip_broken:
                way_out = "Replace it, or set dataset.skip_broken: true"
                raise DataError(str(root / name), f"cannot be read as PNG or JPEG: {result.reason}", way_out)

    def _common_size(self, root: Path, known: list[tuple[str, ImageHeader]]) -> tuple[int, int]:
        """Return the height and width of all images.

        Raises:
            DataError: if sizes differ and `size` is not set.
        """
        if self.size is not None:
            height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
            return height, width
        (first_name, first), *others = known
        for name, header in others:
            if header[:2] != first[:2]:
                fact = (
                    f"has {header.height} x {header.width} pixels, but {first_name} has {first.height} x {first.width}"
                )
                raise DataError(str(root / name), fact, "Set dataset.size to resize all images")
        return first.height, first.width


def _image_paths(root: Path, folder: str) -> Iterable[str]:
    """Yield the image files below a folder as paths relative to `root`.

    Hidden files are left out, and links to folders are not followed.
    """
    for here, inner, names in os.walk(root / folder):
        # In place, which makes os.walk skip the hidden folders.
        inner[:] = [name for name in inner if not name.startswith(".")]
        place = Path(here).relative_to(root)
        yield from (
            (place / name).as_posix()
            for name in names
            if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".") and (Path(here) / name).is_file()
        )


def _size_and_time(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _in_parallel(work: Callable[[T], R], items: list[T]) -> list[R]:
    """Return `work` of each item, in order."""
    # Threads suffice: Pillow releases the interpreter's lock while it decodes.
    with ThreadPoolExecutor(available_cores()) as pool:
        return list(pool.map(work, items, chunksize=1))


def _with_image(file: Path, work: "Callable[[Image], R]") -> R | BrokenImage:
    """Open an image and return `work` of it, or BrokenImage if the decoder raises anything."""
    from PIL import Image

    try:
        # Only two of Pillow's many decoders: each one is a risk with files from elsewhere.
        with Image.open(file, formats=IMAGE_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return BrokenImage(f"it claims {image.width:,} x {image.height:,} pixels")
            return work(image)
    except Exception as error:  # Pillow does not document what its decoders raise for damaged bytes
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return BrokenImage(reason.replace(str(file), "the file"))


def _read_header(image: "Image") -> ImageHeader:
    turned = image.getexif().get(EXIF_ORIENTATION) in ROTATED_ORIENTATIONS
    height, width = (image.width, image.height) if turned else (image.height, image.width)
    return ImageHeader(height, width, image.mode in GRAY_MODES)


def _decode_into(row: Array, image: "Image") -> bool:
    """Decode an image into its row, upright."""
    from PIL import Image, ImageOps

    height, width, channels = row.shape
    upright = ImageOps.exif_transpose(image)
    # Pillow converts mode I to 8 bits by clipping, which would turn most 16-bit images white.
    if upright.mode.startswith("I"):  # 16-bit gray: keep the upper 8 bits
        upright = Image.fromarray((np.asarray(upright).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    plain = upright.convert("L" if channels == 1 else "RGB")
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    row[...] = np.asarray(plain).reshape(row.shape)
    return True


def _digest(value: object) -> str:
    # File names need not be valid UTF-8.
    return hashlib.sha256(json.dumps(value).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _read_cache(cache: Path, listing: str, files: int) -> tuple[Array, Array] | None:
    """Return the cached images if they come from the same files, else None."""
    try:
        arrays = npz.read_npz(cache.read_bytes(), str(cache))
        x, is_readable = arrays["x"], arrays["whole"]
        if str(arrays["listing"]) != listing or is_readable.shape != (files,) or is_readable.dtype != bool:
            return None
        if x.dtype != np.uint8 or x.ndim != 4 or len(x) != np.count_nonzero(is_readable) or x.shape[-1] not in (1, 3):
            return None
        return x, is_readable
    except (OSError, KeyError, DataError, MemoryError):
        return None


def _write_cache(cache: Path, listing: str, x: Array, is_readable: Array) -> None:
    """Cache the images for the next run, if there is room."""
    with suppress(OSError, MemoryError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with open_replacement(cache) as file:
            file.write(npz.write_npz(x=x, whole=is_readable, listing=np.array(listing)))


def _broken_notice(names: list[str], count: int) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    verb = "is" if len(names) == 1 else "are"
    return f"{len(names)} of {counted(count, 'image')} cannot be read and {verb} left out: {shown}."
