"""A complete run folder as an archive, which a worker sends to the machine of the sweep.

`checkpoints/last*` is left out, because it is only needed to resume a run. The manifest in the
archive does not list it, so that it matches the files that are unpacked; its other lines are unchanged.
"""

import io
import tarfile
import zlib
from pathlib import Path

from dropout_cli.core.errors import RunFailed
from dropout_cli.runs import MANIFEST, Run, manifest
from dropout_cli.runs.atomic_io import batch_fsync
from dropout_cli.training.checkpoint import LAST, PREVIOUS

LEFT = (LAST, PREVIOUS)
"""Files that are not archived."""


def pack_run(run: Run) -> bytes:
    """Return the files of a complete run as a tar archive, the manifest last.

    Raises:
        RunFailed: A file cannot be read.
        UsageError: A file is missing or damaged.
    """
    listed = {name: digest for name, digest in manifest.parse_manifest(run.read(MANIFEST)).items() if name not in LEFT}
    contents = {name: run.read(name) for name in ("state.json", *listed)}
    contents[MANIFEST] = "".join(f"{digest}  {name}\n" for name, digest in listed.items()).encode()
    packed = io.BytesIO()
    # Level 1 is fast, and float32 weights hardly compress at any level.
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
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
        RunFailed: The archive is damaged, or the folder cannot be written.
    """
    try:
        with batch_fsync(), tarfile.open(fileobj=io.BytesIO(data)) as archive:
            run = Run.create_at(path)
            for packed in archive:
                # The filter refuses members outside of the folder.
                member = tarfile.data_filter(packed, str(path))
                content = archive.extractfile(member)
                if content is None:
                    raise tarfile.TarError(f"{member.name} is not a regular file")
                unpacked = content.read()
                # The manifest marks the run as complete: it is written only if all files match it.
                if member.name == MANIFEST and unpacked != manifest.make_manifest(path):
                    raise tarfile.TarError("its files do not match its manifest")
                run.write(member.name, unpacked)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        fact = f"the archive of this run is damaged ({error})"
        raise RunFailed(str(path), fact, "Run the same command again to train it again.") from None
