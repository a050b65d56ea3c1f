"""Dataset `image_folder`: your own images, one folder per class.

    flowers/rose/1.png   flowers/rose/garden/7.jpg   flowers/tulip/1.webp      classes: rose, tulip

Folders inside a class folder count for the class too. Folders `train`, `val` and `test` above the classes are the
parts. Images are decoded on all cores and cached in the user's data directory; files that changed are read again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import MaxLen, MinLen

from dropout_cli.core.environment import available_bytes
from dropout_cli.core.errors import DataError
from dropout_cli.core.field_types import Count, PathField
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, TEST, TRAIN, VAL, DatasetInfo, Examples, ImageFiles, Source
from dropout_cli.data.image_copies import copies_in_classes, first_copies
from dropout_cli.data.readers.image_cache import (
    CUT_BITS,
    FEWER_BITS,
    FRAMES,
    TRANSPARENT,
    DecodedImages,
    image_cache_path,
    listing_digest,
    read_image_cache,
    write_image_cache,
)
from dropout_cli.data.readers.image_listing import PART_NAMES, ImageListing, kinds_text, list_images
from dropout_cli.data.readers.images import (
    DEPTH_FACTOR,
    BrokenImage,
    ImageHeader,
    decode_image,
    in_parallel,
    read_image_header,
    with_image,
)

ImageSize = Count | Annotated[tuple[Count, ...], MinLen(2), MaxLen(2)]


@DATASETS.register("image_folder")
@dataclass(frozen=True, kw_only=True)
class ImageFolder(Source):
    """Your own images, such as PNG, JPEG, GIF, WebP, BMP or TIFF: one folder for each class."""

    info = DatasetInfo(None, None, None, "your own folder")
    takes_pictures = True
    draws_test_from_train = True

    path: Annotated[str, PathField()]
    """The folder that contains one folder for each class, or folders train, val and test that contain them."""
    size: ImageSize | None = None
    """Size in pixels to which all images are resized: one number, or [height, width]. null: all images must have the
    same size."""
    color: Literal["auto", "gray", "rgb"] = "auto"
    """gray: 1 channel. rgb: 3 channels. auto: 1 channel if no image has color, otherwise 3."""
    skip_broken: bool = False
    """true: skip unreadable images and report how many. false: stop at the first one."""

    def read(self) -> Examples:
        """Read the images, (N, height, width, 1 or 3), sorted by part, class and name.

        Raises:
            DataError: if a folder or an image cannot be read, or sizes differ.
        """
        root = Path(self.path)
        listing = list_images(root)
        self._check_fractions(listing)
        images = self._load_images(root, listing.files)
        examples = _to_examples(root, listing, images)
        notices = (
            *_part_notice(listing, examples.assigned_parts, examples.labels),
            *listing.notices,
            *_broken_notice(listing.files, images),
            *_pixel_notices(images),
        )
        assert examples.images is not None
        return replace(examples, notices=(*notices, *copies_in_classes(examples.images, examples.labels)))

    def read_former(self) -> Examples | None:
        """Read the images as older versions did; None if they read the same.

        Older versions read PNG and JPEG only, knew no parts, ignored alpha channels, and kept the upper 8 bits of 16.
        """
        root = Path(self.path)
        try:
            listing, former = list_images(root), list_images(root, former=True)
            images = self._load_images(root, listing.files)
            if listing.files == former.files and images.bits == 8 and not (images.flags & TRANSPARENT).any():
                return None
            return _to_examples(root, former, self._load_images(root, former.files, former=True))
        except DataError:  # older versions could not read this folder
            return None

    def draws_test_part(self, examples: Examples) -> bool:
        """Return True unless a folder gives the test part."""
        # `test_fraction` has a number by default, which must not replace a given part.
        return not examples.has_part(TEST)

    def _check_fractions(self, listing: ImageListing) -> None:
        """Raise DataError if a fraction is set for a part that a folder gives."""
        for key, part in (("test_fraction", TEST), ("val_fraction", VAL)):
            folders = [name for name, code in listing.part_folders if code == part]
            value = getattr(self, key)
            # The default may simply not have been set, so it is no contradiction.
            if folders and value not in (None, getattr(type(self), key)):
                fact = f"cannot be {value:g}, because the folder '{folders[0]}' gives the {PART_NAMES[part]} part"
                raise DataError(f"dataset.{key}", fact, "Remove the key, or rename the folder")

    def _load_images(self, root: Path, files: list[str], *, former: bool = False) -> DecodedImages:
        """Return the images from the cache, or decode and cache them."""
        sides = [self.size, self.size] if isinstance(self.size, int) else self.size and list(self.size)
        cache = image_cache_path(root, [sides, self.color, self.skip_broken, *["former"][: int(former)]])
        digest = listing_digest(root, files)
        images = read_image_cache(cache, digest, len(files))
        if images is None:
            images = self._decode_images(root, files, former=former)
            write_image_cache(cache, digest, images)
        return images

    def _decode_images(self, root: Path, files: list[str], *, former: bool = False) -> DecodedImages:
        headers = in_parallel(lambda name: with_image(root / name, read_image_header), files)
        self._stop_at_broken(root, files, headers)
        known = [(name, result) for name, result in zip(files, headers, strict=True) if isinstance(result, ImageHeader)]
        if not known:
            raise DataError("dataset.path", f"{self.path!r} has no readable image", "Add images")
        height, width = self._common_size(root, known)
        gray = self.color == "gray" or (self.color == "auto" and all(header.gray for _, header in known))
        bits = 8 if former else max(header.bits for _, header in known)
        shape, dtype = (height, width, 1 if gray else 3), np.dtype(np.uint8 if bits == 8 else np.float32)
        needed, free = len(known) * int(np.prod(shape)) * dtype.itemsize, available_bytes()
        if free is not None and 3 * needed > free:  # the images as read, as split, and as batches
            number = counted(len(known), "image")
            fact = f"{number} of {height} x {width} pixels need {3 * needed / 1e9:.1f} GB of memory"
            way_out = "Set a smaller dataset.size"
            raise DataError("dataset.path", f"{fact}, but only {free / 1e9:.1f} GB are free", way_out)
        x, index = np.empty((len(known), *shape), dtype), {name: row for row, (name, _) in enumerate(known)}

        def decode(name: str) -> bool | BrokenImage:
            if name not in index:
                return BrokenImage("")
            return with_image(root / name, lambda image: decode_image(x[index[name]], image, bits, former=former))

        results = in_parallel(decode, files)
        self._stop_at_broken(root, files, results)
        readable = np.array([not isinstance(result, BrokenImage) for result in results])
        kept = [index[name] for name, was_decoded in zip(files, readable.tolist(), strict=True) if was_decoded]
        flags = [
            TRANSPARENT * (result is True)
            + FRAMES * header.frames
            + CUT_BITS * header.cut_bits
            + FEWER_BITS * (header.bits < bits)
            for result, header in zip(results, headers, strict=True)
            if not isinstance(result, BrokenImage) and isinstance(header, ImageHeader)
        ]
        x = x if len(kept) == len(x) else x[kept]
        return DecodedImages(x, readable, np.array(flags, np.uint8), first_copies(x), bits)

    def _stop_at_broken(self, root: Path, files: list[str], results: Iterable[object]) -> None:
        for name, result in zip(files, results, strict=True):
            if isinstance(result, BrokenImage) and not self.skip_broken:
                way_out = "Replace it, or set dataset.skip_broken: true"
                raise DataError(str(root / name), f"cannot be read as an image: {result.reason}", way_out)

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


def _to_examples(root: Path, listing: ImageListing, images: DecodedImages) -> Examples:
    """Return the readable images with labels and parts.

    Raises:
        DataError: if a class has no image to train on.
    """
    labels, names = listing.labels[images.readable], np.array(listing.files, object)[images.readable]
    parts = None if listing.parts is None else listing.parts[images.readable]
    for label, name in enumerate(listing.classes):
        if not np.any((labels == label) & (True if parts is None else parts == TRAIN)):
            folder = "/".join([*(folder for folder, _ in listing.part_folders[:1]), name])
            kinds = listing.left_out.get(folder)
            others = f", only {kinds_text(kinds)}" if kinds else ""
            raise DataError(str(root / folder), f"has no readable image{others}", "Add images, or remove the folder")
    return Examples(
        images.x,
        labels,
        listing.classes,
        assigned_parts=parts,
        images=ImageFiles(tuple(names.tolist()), images.first),
        pixel_bits=images.bits,
    )


def _part_notice(listing: ImageListing, parts: Array | None, labels: Array) -> Iterator[str]:
    """Yield notices about parts that folders give."""
    if parts is None:
        return
    given = dict.fromkeys(part for _, part in listing.part_folders)
    counts = [f"{int((parts == part).sum()):,} in {PART_NAMES[part]}" for part in given]
    drawn = "" if VAL in given else " The validation part is drawn from train."
    drawn += "" if TEST in given else " The test part is drawn from train."
    unused = " and ".join(f"{PART_NAMES[part]}_fraction" for part in given if part != TRAIN)
    verb = "do" if " and " in unused else "does"
    folders = ", ".join(name for name, _ in listing.part_folders)
    yield (
        f"The folders {folders} are parts, not classes. Images: {', '.join(counts)}.{drawn} "
        f"dataset.{unused} {verb} not apply."
    )
    for part in given:
        absent = [name for label, name in enumerate(listing.classes) if not ((labels == label) & (parts == part)).any()]
        if absent:
            shown = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
            classes = counted(len(absent), "class").split()[1]
            yield f"The {PART_NAMES[part]} part has no image of the {classes} {shown}."


def _broken_notice(files: list[str], images: DecodedImages) -> Iterator[str]:
    names = [name for name, is_readable in zip(files, images.readable.tolist(), strict=True) if not is_readable]
    if names:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        verb = "is" if len(names) == 1 else "are"
        yield f"{len(names)} of {counted(len(files), 'image')} cannot be read and {verb} left out: {shown}."


def _pixel_notices(images: DecodedImages) -> Iterator[str]:
    """Yield notices about images whose pixels are not taken as they are in the file."""
    total = counted(len(images.x), "image")
    for flag, property_, consequence in (
        (TRANSPARENT, "transparent pixels", "background is white"),
        (FRAMES, "several frames or pages", "first one is used"),
        (CUT_BITS, "colors of 16 bits", "upper 8 bits are used"),
        (
            FEWER_BITS,
            "8 bits per channel",
            f"values are multiplied by {DEPTH_FACTOR}, because other images have 16 bits",
        ),
    ):
        count = int(np.count_nonzero(images.flags & flag))
        if count:
            verb, whose = ("has", "its") if count == 1 else ("have", "their")
            yield f"{count:,} of {total} {verb} {property_}; {whose} {consequence}."
