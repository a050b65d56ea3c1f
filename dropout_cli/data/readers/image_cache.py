"""Cache of decoded images in the user's data directory.

A cache belongs to one folder and one set of keys. It is valid as long as names, lengths and modification times of all
files stay the same.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.cache import data_directories, open_replacement

IMAGE_CACHE_FORMAT = 2
TRANSPARENT, FRAMES, CUT_BITS, FEWER_BITS = 1, 2, 4, 8
"""Flags of an image: transparent somewhere; further frames in the file; colors of 16 bits of which 8 are read; 8 bits
in a dataset of 16 bits."""


class DecodedImages(NamedTuple):
    """The images of a folder as arrays."""

    x: Array
    """(N, height, width, 1 or 3): uint8, or float32 if `bits` is not 8."""
    readable: Array
    """(files,) bool: False for files that could not be read and have no row in x."""
    flags: Array
    """(N,) uint8."""
    first: Array
    """(N,) intp: the first row with the same pixels, which is the row itself if no earlier one has them."""
    bits: int
    """8, 16 or 32 (floating-point pixels)."""


def image_cache_path(root: Path, settings: list[object]) -> Path:
    """Return the file that caches the images of a folder.

    Args:
        root: the folder.
        settings: the keys that decide how images are decoded.
    """
    return data_directories()[-1] / "cache" / f"pictures-{_digest([str(root.absolute()), *settings])}.npz"


def listing_digest(root: Path, files: list[str]) -> str:
    """Return a digest of names, lengths and modification times of the files."""
    return _digest([IMAGE_CACHE_FORMAT, [[name, *_size_and_time(root / name)] for name in files]])


def read_image_cache(cache: Path, listing: str, files: int) -> DecodedImages | None:
    """Return the cached images if they come from the same files, else None.

    Args:
        cache: the file of the cache.
        listing: the digest of the files.
        files: number of files.
    """
    try:
        arrays = npz.read_npz(cache.read_bytes(), str(cache))
        x, readable, flags, first = (arrays[name] for name in ("x", "whole", "flags", "first"))
        if str(arrays["listing"]) != listing or readable.shape != (files,) or readable.dtype != bool:
            return None
        if x.ndim != 4 or len(x) != np.count_nonzero(readable) or x.shape[-1] not in (1, 3):
            return None
        bits = int(arrays["bits"])
        if x.dtype != (np.uint8 if bits == 8 else np.float32) or not flags.shape == first.shape == x.shape[:1]:
            return None
        if flags.dtype != np.uint8 or first.dtype != np.int64 or (first > np.arange(len(x))).any() or (first < 0).any():
            return None
        return DecodedImages(x, readable, flags, first.astype(np.intp), bits)
    except (OSError, KeyError, ValueError, TypeError, DataError, MemoryError):
        return None


def write_image_cache(cache: Path, listing: str, images: DecodedImages) -> None:
    """Cache the images for the next run, if there is room."""
    with suppress(OSError, MemoryError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with open_replacement(cache) as file:
            file.write(
                npz.write_npz(
                    x=images.x,
                    whole=images.readable,
                    flags=images.flags,
                    first=images.first.astype(np.int64),
                    bits=np.array(images.bits),
                    listing=np.array(listing),
                )
            )


def _size_and_time(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _digest(value: object) -> str:
    # File names need not be valid UTF-8.
    return hashlib.sha256(json.dumps(value).encode("utf-8", "surrogateescape")).hexdigest()[:32]
