"""A copy of a folder, made true where its data are: `make` trained it elsewhere, and a config holds whole paths."""

import hashlib
import json
import shutil
from pathlib import Path

from dropout_cli import config
from dropout_cli.runs import MANIFEST, RESOLVED, manifest
from dropout_cli.training.checkpoint import BEST, LAST, PREVIOUS, identity, pack, unpack
from tests.formats.make import HERE, PLACE


def copied(number: int, folder: Path) -> Path:
    """The folders of a format, byte for byte, as `runs/` beside `configs/` and `data/`; return that folder."""
    for name in ("configs", "data"):
        shutil.copytree(HERE / name, folder / name)
    return Path(shutil.copytree(HERE / str(number), folder / "runs"))


def at_home(run: Path) -> Path:
    """Let a copied run's paths lead to the data beside it, and everything that depends on them agree; return it."""
    for name in (RESOLVED, "summary.json"):
        if (run / name).is_file():
            text = (run / name).read_text().replace(str(PLACE), str(run.parent.parent.resolve()))
            (run / name).write_text(text)
    state = json.loads((run / "state.json").read_text())
    state["resolved"] = [hashlib.sha256((run / RESOLVED).read_bytes()).hexdigest()]
    (run / "state.json").write_text(json.dumps(state))
    known = identity(config.load(run / RESOLVED).experiment)
    for file in (LAST, PREVIOUS, BEST):
        if (run / file).is_file():
            arrays, meta = unpack((run / file).read_bytes(), file)
            (run / file).write_bytes(pack(arrays, meta | {"config": known}))
    if (run / MANIFEST).is_file():
        (run / MANIFEST).write_bytes(manifest.of(run))
    return run
