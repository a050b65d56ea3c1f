"""Starter config for a folder of images: size, parts, and a convolutional network."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from dropout_cli.config.starter.class_sizes import unequal_classes
from dropout_cli.config.starter.lines import ConfigLine, split_lines
from dropout_cli.config.starter.recipe import image_layers, recipe_text
from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.text import counted
from dropout_cli.data.readers.image_listing import list_images
from dropout_cli.data.readers.images import ImageHeader, in_parallel, read_image_header, with_image
from dropout_cli.data.sources.image_folder import ImageFolder

LARGEST_SIDE = 64
"""Larger images are resized, because a first run should take minutes."""


def pictures_config(folder: Path, target: str | None = None) -> tuple[str, str]:
    """Return the text of a config for a folder of images, and a message about it.

    Args:
        folder: the folder that contains one folder per class, or folders for parts.
        target: must be None, because the folders are the classes.

    Raises:
        DataError: if the images cannot be read.
        UsageError: if a target is given.
    """
    if target is not None:
        raise UsageError("--target", f"{folder} has no columns; its folders are the classes", "Leave out --target.")
    files = list_images(folder).files
    headers = in_parallel(lambda name: with_image(folder / name, read_image_header), files)
    known = [header for header in headers if isinstance(header, ImageHeader)]
    if not known:
        raise DataError(str(folder), "has no readable image", "Add images")
    size = _common_size(known)
    source = ImageFolder(path=str(folder), size=size, skip_broken=len(known) < len(files))
    try:
        examples = source.read()
    except DataError:
        # An image may be damaged behind its header, which only decoding shows. Other errors come again.
        source = replace(source, skip_broken=True)
        examples = source.read()
    lines = [ConfigLine("path", str(folder))]
    if size is not None:
        sizes = len({header[:2] for header in known})
        reason = f"the images have {sizes:,} sizes" if sizes > 1 else "the images are larger"
        lines.append(ConfigLine("size", list(size), f"height, width: {reason}; more pixels are slower", is_guess=True))
    if source.skip_broken:
        lines.append(ConfigLine("skip_broken", True, "leave out images that cannot be read"))
    drawn, recipe = split_lines(source, examples)
    height, width, channels = examples.x.shape[1:]
    layers = image_layers(height, width)
    summary = (
        f"{counted(len(examples.labels), 'image')} of {height} x {width} pixels, {counted(channels, 'channel')}; "
        f"{len(examples.classes)} classes."
    )
    text = _PICTURES.format(summary=summary, lines="".join(line.text() for line in [*lines, *drawn]))
    weights, class_message = unequal_classes(examples)
    text += recipe_text(recipe, weights, layers)
    shown = ", ".join(examples.classes[:5]) + (", ..." if len(examples.classes) > 5 else "")
    messages = [f"{folder}: {counted(len(examples.labels), 'image')} of {len(examples.classes)} classes: {shown}."]
    if size is not None:
        messages.append(f"Images are resized to {size[0]} x {size[1]} pixels. Change dataset.size for more detail.")
    return text, "\n".join([*messages, *filter(None, [class_message]), *examples.notices])


def _common_size(headers: list[ImageHeader]) -> tuple[int, int] | None:
    """Return the size to resize to; None if the images share a size that is not too large."""
    height, width = (float(np.median([header[axis] for header in headers])) for axis in (0, 1))
    if len({header[:2] for header in headers}) == 1 and max(height, width) <= LARGEST_SIDE:
        return None
    # Usual proportions are kept; in extreme ones the shorter side keeps some pixels.
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    least = min(LARGEST_SIDE // 4, round(min(height, width)))
    return max(least, round(scale * height)), max(least, round(scale * width))


_PICTURES = """\
# {summary}
# To see what was read: dropout config check THIS_FILE --data
dataset:
  name: image_folder
{lines}"""
