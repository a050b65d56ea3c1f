"""Decoding of one image file into an array, with Pillow.

A network needs the same size, channels and range for all images:

    8 bits per channel      uint8, 0 to 255
    16 bits (gray)          float32, the values of the file; images of 8 bits beside them are multiplied by 257
    floating-point (gray)   float32, the values of the file

The bits are those of the whole dataset, so the range of an image never depends on that image alone. Scaling maps the
range of the training images to the range of the network.
"""

import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from dropout_cli.core.environment import available_cores
from dropout_cli.core.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")
R = TypeVar("R")

FORMER_SUFFIXES = (".png", ".jpg", ".jpeg")
"""Suffixes that older versions read."""
IMAGE_SUFFIXES = (
    *FORMER_SUFFIXES,
    *(".jpe", ".jfif", ".gif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
)
IMAGE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "PPM")
GRAY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")
"""Pillow's modes without color."""
EXIF_ORIENTATION, ROTATED_ORIENTATIONS = 0x0112, (5, 6, 7, 8)
"""The EXIF tag, and its values that swap height and width."""
MAX_PIXELS = 50_000_000
"""Most pixels of one image; a small file may claim any size."""
DEPTH_FACTOR = 257
"""White is 255 in 8 bits and 65,535 in 16 bits."""
BITS = {8: "8 bits per channel", 16: "16 bits per pixel", 32: "floating-point pixels"}


class ImageHeader(NamedTuple):
    """Properties of an image that are known before its pixels are decoded."""

    height: int
    width: int
    gray: bool
    bits: int
    """8, 16 or 32; 32 stands for floating-point pixels."""
    frames: bool
    """True if the file has further frames or pages, which are not read."""
    cut_bits: bool
    """True for colors of 16 bits, of which Pillow reads the upper 8 bits."""


class BrokenImage(NamedTuple):
    """Reason why an image cannot be read."""

    reason: str


def is_image_name(name: str) -> bool:
    """Return True if a file has a suffix of an image that can be read."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def in_parallel(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return `work` of each item, in order, computed on all cores."""
    # Threads suffice: Pillow and hashlib release the interpreter's lock while they work. Pillow warns about damaged
    # metadata of images that it reads all the same; the filter is that of all threads, so it is set once.
    with warnings.catch_warnings(), ThreadPoolExecutor(available_cores()) as pool:
        warnings.simplefilter("ignore")
        return list(pool.map(work, items, chunksize=1))


def with_image(file: Path, work: "Callable[[Image], R]") -> R | BrokenImage:
    """Open an image and return `work` of it, or BrokenImage if the decoder raises anything."""
    from PIL import Image

    try:
        # A few of Pillow's many decoders: each one is a risk with files from elsewhere.
        with Image.open(file, formats=IMAGE_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return BrokenImage(f"it claims {image.width:,} x {image.height:,} pixels")
            return work(image)
    except Exception as error:  # Pillow does not document what its decoders raise for damaged bytes
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return BrokenImage(reason.replace(str(file), "the file"))


def read_image_header(image: "Image") -> ImageHeader:
    """Return the header of an opened image."""
    turned = image.getexif().get(EXIF_ORIENTATION) in ROTATED_ORIENTATIONS
    height, width = (image.width, image.height) if turned else (image.height, image.width)
    bits = _bits(image.mode)
    # MPO is a JPEG of a camera whose further frames are previews of the first one.
    frames = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
    # The layout of the file in Pillow's words, such as RGB;16B.
    cut_bits = bits == 8 and ";16" in str(getattr(image, "tile", ""))
    return ImageHeader(height, width, _is_gray(image), bits, frames, cut_bits)


def _bits(mode: str) -> int:
    return 16 if mode.startswith("I") else 32 if mode == "F" else 8


def _is_gray(image: "Image") -> bool:
    if image.format == "GIF" and image.mode == "P":
        # All GIF images have a palette, those without color as well.
        colors = np.asarray(image.getpalette() or [0, 0, 0], np.uint8).reshape(-1, 3)
        return bool((colors == colors[:, :1]).all())
    return image.mode in GRAY_MODES


def decode_image(row: Array, image: "Image", bits: int, *, former: bool = False) -> bool:
    """Decode the first frame of an image into its row, upright and resized to it.

    Args:
        row: (height, width, 1 or 3): uint8 if `bits` is 8, otherwise float32.
        image: the opened image.
        bits: 8, 16 or 32, for the dataset as a whole.
        former: True to ignore an alpha channel, as older versions did.

    Returns:
        True if the image is transparent somewhere; its background is white.

    Raises:
        ValueError: the values of the image cannot be converted to `bits`.
    """
    from PIL import Image, ImageOps

    height, width, channels = row.shape
    upright = ImageOps.exif_transpose(image)
    own_bits, transparent = _bits(image.mode), False
    if own_bits == 8:
        flat, transparent = (upright, False) if former else _on_white(upright)
        # The pixels of an opaque image do not depend on it, and Pillow warns about it in a palette.
        flat.info.pop("transparency", None)
        plain = flat.convert("L" if channels == 1 else "RGB")
    elif bits == 8 and own_bits == 16:
        # The upper 8 bits. Pillow converts mode I by clipping, which would turn most 16-bit images white.
        plain = Image.fromarray((np.asarray(upright).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
        plain = plain.convert("L" if channels == 1 else "RGB")
    else:
        # Mode F, because Pillow cannot resize all 16-bit modes.
        plain = Image.fromarray(np.asarray(upright).astype(np.float32))
    if 32 in (bits, own_bits) and bits != own_bits:
        raise ValueError(f"it has {BITS[own_bits]}, but other images have {BITS[bits]}")
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(plain).reshape(height, width, -1)
    if own_bits == 32 and not np.isfinite(pixels).all():
        raise ValueError("it has a pixel that is not a finite number")
    if own_bits == bits == 16:
        pixels = np.rint(pixels)  # a resized image has fractions
    row[...] = pixels * np.float32(DEPTH_FACTOR) if (own_bits, bits) == (8, 16) else pixels
    return transparent


def _on_white(image: "Image") -> "tuple[Image, bool]":
    """Return an image without transparency, and True if it had any."""
    from PIL import Image

    if not image.has_transparency_data:
        return image, False
    layers = image.convert("RGBA")
    lowest = layers.getchannel("A").getextrema()[0]
    # An opaque image keeps its pixels exactly.
    if lowest == 255:
        return image, False
    return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers), True
