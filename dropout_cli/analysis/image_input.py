"""Read image files that a run is to predict, prepared as the images of its training."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.readers.image_listing import find_images, kinds_text, left_out_notices
from dropout_cli.data.readers.images import (
    DEPTH_FACTOR,
    BrokenImage,
    ImageHeader,
    decode_image,
    in_parallel,
    is_image_name,
    read_image_header,
    with_image,
)
from dropout_cli.data.sources.image_folder import ImageFolder
from dropout_cli.training.restore import LoadedWithoutData

INPUT_BLOCK_BYTES = 64 << 20
"""Memory for the examples of one block, as float32."""

InputChunk: TypeAlias = tuple[Sequence[str], list[list[Any]], Array, list[str]]
"""Names and cells of the file, x of shape (N, ...), and notices."""


class _Decoded(NamedTuple):
    """Properties of an image that is in its row now."""

    header: ImageHeader
    transparent: bool


def is_image_input(path: Path) -> bool:
    """Return True for an image file and for a folder."""
    return is_image_name(path.name) or path.is_dir()


def check_takes_images(model: LoadedWithoutData, path: Path) -> None:
    """Raise DataError if a run was not trained on images like those in image files.

    Args:
        model: The restored model.
        path: An image or a folder.
    """
    kind = "folder" if path.is_dir() else "image"
    article = "a folder" if kind == "folder" else "an image"
    if model.fitted.columns or model.fitted.encoding is not None:
        fact = f"is {article}, but this run was trained on a table"
        raise DataError(str(path), fact, "Give a table with the columns of the training")
    source = model.experiment.dataset
    if not source.takes_pictures:
        name = DATASETS.name_of(type(source))
        fact = f"is {article}, but this run was trained on {name}, whose values are not those of image files"
        raise DataError(str(path), fact, "Give an array (.npy) with the values of the training")


def read_images(model: LoadedWithoutData, paths: Sequence[Path]) -> Iterator[InputChunk]:
    """Yield images in chunks, with the name of the file as the only column.

    Args:
        model: The restored model.
        paths: Images, and folders that are searched for images.

    Raises:
        DataError: The run was not trained on images, or an image cannot be read or does not fit.
    """
    for path in paths:
        check_takes_images(model, path)
    files, notices = _list_files(paths)
    # 4: bytes of a float32.
    step = max(1, INPUT_BLOCK_BYTES // (4 * int(np.prod(model.fitted.shape))))
    any_read = False
    for start in range(0, len(files), step):
        names, x, more = _decode_chunk(model, files[start : start + step])
        notices += more
        # Without any readable image a chunk has no rows; its notices come with the next one.
        if names:
            any_read = True
            yield ["file"], [[name] for name in names], x, notices
    if not any_read:
        raise DataError(str(paths[0]), f"none of {counted(len(files), 'image')} can be read", "Give other images")


def _list_files(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the images of files and folders, and notices about files that are left out."""
    files: list[Path] = []
    notices: list[str] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        names, others = find_images(path, ".")
        if not names:
            only = f", only {kinds_text(others)}" if others else ""
            raise DataError(str(path), f"has no image{only}", "Give a folder with images")
        files += [path / name for name in names]
        notices += left_out_notices({str(path): others})
    return files, notices


def _decode_chunk(model: LoadedWithoutData, files: list[Path]) -> tuple[list[str], Array, list[str]]:
    """Return names, images (n, height, width, channels) and notices."""
    fitted, source = model.fitted, model.experiment.dataset
    resizes = isinstance(source, ImageFolder) and source.size is not None
    x = np.empty((len(files), *fitted.shape), np.uint8 if fitted.pixel_bits == 8 else np.float32)

    def decode(index: int) -> _Decoded | ImageHeader | BrokenImage:
        def work(image: Any) -> _Decoded | ImageHeader:
            header = read_image_header(image)
            if not resizes and header[:2] != fitted.shape[:2]:
                return header
            return _Decoded(header, decode_image(x[index], image, fitted.pixel_bits))

        return with_image(files[index], work)

    kept: list[int] = []
    decoded: list[_Decoded] = []
    notices: list[str] = []
    for index, result in enumerate(in_parallel(decode, range(len(files)))):
        if isinstance(result, _Decoded):
            kept.append(index)
            decoded.append(result)
        elif isinstance(result, ImageHeader):
            height, width, _ = fitted.shape
            fact = f"has {result.height} x {result.width} pixels, but the network needs {height} x {width}"
            train = ", or train with dataset.size, which resizes all images" * isinstance(source, ImageFolder)
            raise DataError(str(files[index]), fact, f"Resize it{train}")
        elif isinstance(source, ImageFolder) and source.skip_broken:
            notices.append(f"{files[index]} cannot be read and is left out: {result.reason}.")
        else:
            raise DataError(str(files[index]), f"cannot be read as an image: {result.reason}", "Replace or remove it")
    return [str(files[index]) for index in kept], x[kept], [*notices, *_conversion_notices(fitted, decoded)]


def _conversion_notices(fitted: Preprocessing, decoded: list[_Decoded]) -> Iterator[str]:
    """Yield notices about pixels that are not taken as they are in the file."""
    headers = [item.header for item in decoded]
    if any(item.transparent for item in decoded):
        yield "Some images have transparent pixels; their background is white."
    if any(header.frames for header in headers):
        yield "Some images have several frames or pages; their first one is used."
    if fitted.shape[2] == 1 and not all(header.gray for header in headers):
        yield "Some images have color; they are converted to gray, as in training."
    if any(header.cut_bits or header.bits > fitted.pixel_bits for header in headers):
        yield "Some images have 16 bits; their upper 8 bits are used."
    if any(header.bits < fitted.pixel_bits for header in headers):
        yield f"Some images have 8 bits; their values are multiplied by {DEPTH_FACTOR}, as the training had 16 bits."
