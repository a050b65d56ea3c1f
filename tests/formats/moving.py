"""Copy the folders of a format, and adapt their absolute paths to the place of the copy."""

import hashlib
import json
import shutil
from pathlib import Path

from dropout_cli import config
from dropout_cli.runs import MANIFEST, RESOLVED, manifest
from dropout_cli.training.checkpoint import BEST, LAST, PREVIOUS, config_digest, pack_checkpoint, unpack_checkpoint
from tests.formats.make import HERE, PLACE


def copied(number: int, folder: Path) -> Path:
    """Copy the folders of a format as `runs/` beside `configs/` and `data/`; return `runs/`."""
    for name in ("configs", "data"):
        shutil.copytree(HERE / name, folder / name)
    return Path(shutil.copytree(HERE / str(number), folder / "runs"))


def at_home(run: Path) -> Path:
    """Adapt the paths in a copied run, and the checksums that depend on them; return the run."""
    for name in (RESOLVED, "summary.json"):
        if (run / name).is_file():
            text = (run / name).read_text().replace(str(PLACE), str(run.parent.parent.resolve()))
            (run / name).write_text(text)
    state = json.loads((run / "state.json").read_text())
    state["resolved"] = [hashlib.sha256((run / RESOLVED).read_bytes()).hexdigest()]
    (run / "state.json").write_text(json.dumps(state))
    known = config_digest(config.load_config(run / RESOLVED).experiment)
    for file in (LAST, PREVIOUS, BEST):
        if (run / file).is_file():
            arrays, meta = unpack_checkpoint((run / file).read_bytes(), file)
            (run / file).write_bytes(pack_checkpoint(arrays, meta | {"config": known}))
    if (run / MANIFEST).is_file():
        (run / MANIFEST).write_bytes(manifest.make_manifest(run))
    return run
