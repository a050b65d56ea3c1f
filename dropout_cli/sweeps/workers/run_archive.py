"""A complete run folder as one archive, for its way from the machine that trained it to the sweep's.

`checkpoints/last*` stays behind: it serves to go on with a run, and a complete cell does not go on. The manifest that
travels does not name it, so that it is true of what arrives; what it says of the other files is what training wrote.
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
    """The files of a complete run, the manifest last. Raises RunFailed or UsageError where they cannot be read."""
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
    """Write the run into the new folder `path`: the manifest, which makes it complete, comes last.

    `tarfile`'s data filter refuses what would leave the folder. Raises RunFailed where the archive is not what was
    packed, or the folder cannot be written.
    """
    try:
        with batch_fsync(), tarfile.open(fileobj=io.BytesIO(data)) as archive:
            run = Run.create_at(path)
            for found in archive:
                member = tarfile.data_filter(found, str(path))
                content = archive.extractfile(member)
                if content is None:
                    raise tarfile.TarError(f"{member.name} is no plain file")
                arrived = content.read()
                if member.name == MANIFEST and arrived != manifest.make_manifest(path):
                    raise tarfile.TarError("its files are not those that its manifest names")
                run.write(member.name, arrived)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        fact = f"the archive of this run is damaged ({error})"
        raise RunFailed(str(path), fact, "The same command trains it again.") from None
