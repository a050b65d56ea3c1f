"""Finding the images of a folder: classes, parts, and files that are left out.

flowers/rose/1.png   flowers/tulip/1.png                                    classes rose, tulip
flowers/train/rose/1.png   flowers/test/rose/9.png   ...                    the same classes in given parts
"""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.registry import did_you_mean
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import TEST, TRAIN, VAL
from dropout_cli.data.readers.images import FORMER_SUFFIXES, IMAGE_SUFFIXES

PART_FOLDERS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation"), VAL),
    **dict.fromkeys(("test", "testing"), TEST),
}
"""Names of folders that stand for a part, in lower case."""
PART_NAMES = {TRAIN: "train", VAL: "val", TEST: "test"}
SYSTEM_NAMES = {"@eadir", "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "lost+found"}
"""Files and folders that systems put beside images, in lower case."""
MAX_NAMED_KINDS = 5


@dataclass(frozen=True)
class ImageListing:
    """The images of a folder, sorted by part, class and name."""

    classes: tuple[str, ...]
    files: list[str]
    """Paths relative to the folder."""
    labels: Array
    """(N,) intp."""
    parts: Array | None
    """(N,) int8: TRAIN, VAL or TEST, if folders above the classes give the parts."""
    part_folders: tuple[tuple[str, int], ...]
    """Name and part of each of these folders; empty without them."""
    left_out: dict[str, Counter[str]]
    """Folder of a class, or of classes -> number of files that are left out, by suffix."""
    notices: tuple[str, ...]


def is_system_name(name: str, *, former: bool = False) -> bool:
    """Return True for hidden files, and for files that systems put beside images."""
    return name.startswith(".") or (not former and name.lower() in SYSTEM_NAMES)


def list_images(root: Path, *, former: bool = False) -> ImageListing:
    """List the images of a folder.

    Args:
        root: the folder.
        former: True to list them as older versions did: each folder is a class, and only PNG and JPEG count.

    Raises:
        DataError: if the folder cannot be read, or has no classes.
    """
    try:
        folders = _folders(root, former=former)
        parts = [] if former else _part_folders(root, folders)
        if parts:
            return _list_parts(root, parts, [name for name in folders if name not in dict(parts)])
        if len(folders) < 2:
            raise _too_few_classes(root, folders)
        files: list[str] = []
        labels: list[int] = []
        left_out: dict[str, Counter[str]] = {}
        for label, folder in enumerate(folders):
            names, left_out[folder] = find_images(root, folder, former=former)
            files += names
            labels += [label] * len(names)
        notices = (*_beside(root, root), *_inner_parts(root, folders), *left_out_notices(left_out))
        return ImageListing(tuple(folders), files, np.array(labels, np.intp), None, (), left_out, notices)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError("dataset.path", f"{str(root)!r} cannot be opened: {reason}", "Give a folder") from None


def _folders(folder: Path, *, former: bool = False) -> list[str]:
    # Sorted, because the order of a folder's entries differs between file systems.
    return sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and not is_system_name(entry.name, former=former)
    )


def find_images(root: Path, folder: str, *, former: bool = False) -> tuple[list[str], Counter[str]]:
    """Return the images below a folder, and the number of other files by suffix.

    Hidden files are left out and not counted, and links to folders are not followed.

    Args:
        root: the folder that the returned paths are relative to.
        folder: the folder to search, relative to `root`.
        former: True to search as older versions did.
    """
    suffixes = FORMER_SUFFIXES if former else IMAGE_SUFFIXES
    images: list[str] = []
    others: Counter[str] = Counter()
    for here, inner, names in os.walk(root / folder):
        # In place, which makes os.walk skip these folders.
        inner[:] = [name for name in inner if not is_system_name(name, former=former)]
        place = Path(here).relative_to(root)
        for name in names:
            if is_system_name(name, former=former) or not (Path(here) / name).is_file():
                continue
            if name.lower().endswith(suffixes):
                images.append((place / name).as_posix())
            else:
                others[Path(name).suffix.lower()] += 1
    return sorted(images), others


def _part_folders(root: Path, folders: list[str]) -> list[tuple[str, int]]:
    """Return the folders for parts, in the order train, val, test; empty without them.

    Raises:
        DataError: if there is no train folder, or a part has no folders of classes.
    """
    found = [(name, PART_FOLDERS[name.lower()]) for name in folders if name.lower() in PART_FOLDERS]
    # A single one, such as `train` beside `bus` and `car`, is a class.
    if len({part for _, part in found}) < 2:
        return []
    if TRAIN not in {part for _, part in found}:
        names = " and ".join(name for name, _ in found)
        raise DataError("dataset.path", f"{str(root)!r} has {names}, but no folder train", "Add the folder train")
    for name, part in found:
        if not _folders(root / name):
            way_out = "Sort its images into folders named after the classes"
            if part == TEST:
                way_out += ", or move it away and use: dropout predict RUN FOLDER"
            raise DataError(str(root / name), "has no folders of classes", way_out)
    return sorted(found, key=lambda item: (item[1], item[0]))


def _list_parts(root: Path, parts: list[tuple[str, int]], others: list[str]) -> ImageListing:
    """List the images of folders for parts that contain the folders of classes."""
    classes = sorted({name for folder, part in parts if part == TRAIN for name in _folders(root / folder)})
    if len(classes) < 2:
        raise _too_few_classes(root / parts[0][0], classes)
    files: list[str] = []
    labels: list[int] = []
    assigned: list[int] = []
    left_out: dict[str, Counter[str]] = {}
    notices = list(_beside(root, root))
    for folder, part in parts:
        notices += _beside(root, root / folder)
        for name in _folders(root / folder):
            if name not in classes:
                fact = f"is a class without images in {parts[0][0]}, so the network cannot learn it"
                way_out = f"{did_you_mean(name, classes)} Rename the folder, or remove it".strip()
                raise DataError(str(root / folder / name), fact, way_out)
            names, left_out[f"{folder}/{name}"] = find_images(root, f"{folder}/{name}")
            files += names
            labels += [classes.index(name)] * len(names)
            assigned += [part] * len(names)
    if others:
        shown = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        verb = "is" if len(others) == 1 else "are"
        beside = " and ".join(folder for folder, _ in parts)
        notices.append(f"{counted(len(others), 'folder')} beside {beside} {verb} left out: {shown}.")
    return ImageListing(
        tuple(classes),
        files,
        np.array(labels, np.intp),
        np.array(assigned, np.int8),
        tuple(parts),
        left_out,
        (*notices, *left_out_notices(left_out)),
    )


def _too_few_classes(root: Path, folders: list[str]) -> DataError:
    fact = f"{str(root)!r} has {counted(len(folders), 'folder')}, but each class needs its own folder"
    way_out = "Sort the images into at least two folders, named after the classes"
    # An unpacked archive often has one folder around its content.
    if len(folders) == 1 and len(_folders(root / folders[0])) > 1:
        way_out = f"Set dataset.path to {root / folders[0]}, if its folders are the classes"
    return DataError("dataset.path", fact, way_out)


def _beside(root: Path, folder: Path) -> Iterable[str]:
    """Yield a notice about images beside the folders of classes, whose class is unknown."""
    names = [entry.name for entry in folder.iterdir() if not is_system_name(entry.name) and not entry.is_dir()]
    count = sum(name.lower().endswith(IMAGE_SUFFIXES) for name in names)
    if count:
        place = "" if folder == root else f" in {folder.name}"
        verb = "is" if count == 1 else "are"
        yield f"{counted(count, 'image')}{place} beside the folders of classes {verb} left out."


def _inner_parts(root: Path, classes: list[str]) -> Iterable[str]:
    """Yield a notice if folders for parts are inside the classes, where they have no effect."""
    inner = [{name for name in _folders(root / folder) if name.lower() in PART_FOLDERS} for folder in classes]
    shared = sorted(set.intersection(*inner))
    if len({PART_FOLDERS[name.lower()] for name in shared}) > 1:
        yield (
            f"The folders {', '.join(shared)} inside the classes are not used as parts. "
            f"For parts, put them above the classes: {shared[-1]}/{classes[0]}."
        )


def left_out_notices(left_out: dict[str, Counter[str]]) -> Iterable[str]:
    """Yield a notice for each folder about its files that are no images.

    Args:
        left_out: folder -> number of such files by suffix.
    """
    for folder, kinds in left_out.items():
        if kinds:
            count = sum(kinds.values())
            verb = "is" if count == 1 else "are"
            yield f"{counted(count, 'file')} of {folder} {verb} left out: {kinds_text(kinds)}."


def kinds_text(kinds: Counter[str]) -> str:
    """Return numbers of files by suffix in words, the most frequent first."""
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{count:,} {suffix or 'without a suffix'}" for suffix, count in ordered[:MAX_NAMED_KINDS]]
    rest = sum(count for _, count in ordered[MAX_NAMED_KINDS:])
    return ", ".join([*shown, *([f"{rest:,} others"] if rest else [])])
