"""A complete run folder as one archive, to send it from the machine that trained it to that of the sweep.

`checkpoints/last*` is not sent: it is only needed to resume a run, and this one is complete. The manifest in the
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
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def unpack_run(data: bytes, path: Path) -> None:
    """Write the files of an archive into a new run folder, the manifest, which marks it as complete, last.

    The data filter of `tarfile` refuses members outside of the folder.

    Args:
        data: The archive.
        path: The folder; it does not exist yet.

    Raises:
        RunFailed: The archive is damaged, or the folder cannot be written.
    """
    try:
        with batch_fsync(), tarfile.open(fileobj=io.BytesIO(data)) as archive:
            run = Run.create_at(path)
            for found in archive:
                member = tarfile.data_filter(found, str(path))
                content = archive.extractfile(member)
                if content is None:
                    raise tarfile.TarError(f"{member.name} is no plain file")
                unpacked = content.read()
                if member.name == MANIFEST and unpacked != manifest.make_manifest(path):
                    raise tarfile.TarError("its files are not those that its manifest names")
                run.write(member.name, unpacked)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        fact = f"the archive of this run is damaged ({error})"
        raise RunFailed(str(path), fact, "The same command trains it again.") from None
