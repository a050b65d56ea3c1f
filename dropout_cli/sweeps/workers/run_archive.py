"""A complete run folder as an archive, which a worker sends to the machine of the sweep.

`checkpoints/last*` is left out, because it is only needed to resume a run. The manifest in the
archive does not list it, so that it matches the files that are unpacked; its other lines are unchanged.

The archive is not compressed: float32 weights hardly compress, and what an archive unpacks to is then never larger than
the archive itself. A compressed one of .8 MB can unpack to 800 MB.
"""

import io
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.runs import MANIFEST, Run, manifest
from dropout_cli.runs.atomic_io import batch_fsync
from dropout_cli.runs.safe_read import read_regular_file
from dropout_cli.runs.state import STATE
from dropout_cli.training.checkpoint import LAST, PREVIOUS

LEFT = (LAST, PREVIOUS)
"""Files that are not archived."""
MAX_FILES = 1_000
MEMBER_NAME = re.compile(r"(checkpoints/)?[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)
"""Names of the files of a run; names from elsewhere may hold `..`, line ends or 300 characters."""


def pack_run(run: Run) -> bytes:
    """Return the files of a complete run as a tar archive, the manifest last.

    Raises:
        RunFailed: A file cannot be read.
        UsageError: A file is missing or damaged.
    """
    listed = {name: digest for name, digest in manifest.parse_manifest(run.read(MANIFEST)).items() if name not in LEFT}
    # Not `run.read`: metrics.csv may be larger than a file that is read as a whole elsewhere.
    contents = {name: read_regular_file(run.path_of(name)) for name in dict.fromkeys((STATE, *listed))}
    contents[MANIFEST] = manifest.format_manifest(listed)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:") as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def unpack_run(data: bytes, path: Path) -> None:
    """Write the files of an archive into a new run folder, the manifest last.

    Args:
        data: The archive.
        path: The folder; it does not exist yet.

    Raises:
        RunFailed: The archive is damaged, or the folder cannot be written. No folder is left.
    """
    try:
        # "r:" refuses compressed archives.
        with batch_fsync(), tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            run = Run.create_at(path)
            for name, content in _members(archive, len(data)):
                # The manifest marks the run as complete: it is written only if all files match it.
                if name == MANIFEST and content != manifest.make_manifest(path):
                    raise tarfile.TarError("its files do not match its manifest")
                run.write(name, content)
    except (tarfile.TarError, EOFError, OSError, ValueError, UsageError) as error:
        _remove(path)
        fact = f"the archive of this run is damaged ({error})"
        raise RunFailed(str(path), fact, "Run the same command again to train it again.") from None
    except BaseException:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    """Delete the unpacked files."""
    # A folder without its manifest would look like a run that can be resumed.
    shutil.rmtree(path, ignore_errors=True)


def _members(archive: tarfile.TarFile, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each file of an archive; nothing may follow the manifest.

    Args:
        archive: The open archive.
        size: Its bytes, which all files together cannot exceed.

    Raises:
        TarError: The archive holds anything else than regular files of a run, or claims more bytes than it has.
    """
    seen, total = set[str](), 0
    for member in archive:
        shown = repr(member.name[:100])
        total += member.size
        if MANIFEST in seen:
            raise tarfile.TarError(f"{shown} follows the manifest")
        # A sparse file claims bytes that are not in the archive.
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
            raise tarfile.TarError(f"{shown} is not a regular file")
        if not MEMBER_NAME.fullmatch(member.name) or member.name in seen or len(seen) == MAX_FILES:
            raise tarfile.TarError(f"{shown} is not the name of a file of a run, or is there twice")
        if member.size > size - member.offset_data or total > size:
            raise tarfile.TarError(f"{shown} claims more bytes than the archive has")
        seen.add(member.name)
        content = archive.extractfile(member)
        assert content is not None  # since it is a regular file
        yield member.name, content.read()
