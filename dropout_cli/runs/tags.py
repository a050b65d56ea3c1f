"""What people do with runs that are there: tag them, note something, see their size, delete them."""

import json
import shutil
import stat
from collections.abc import Sequence
from typing import Any

from dropout_cli.core.errors import UsageError
from dropout_cli.runs.atomic_io import as_json, faults
from dropout_cli.runs.folder import FORMAT, Run
from dropout_cli.runs.manifest import MANIFEST
from dropout_cli.runs.safe_read import parse

NOTES = "after/notes/notes.json"
"""Under `after/`, so that the manifest of the run stays true."""


def annotations(run: Run) -> dict[str, Any]:
    """The run's `tags`, as one text, and its `note`; nothing where it has none. Raises UsageError where damaged."""
    if not run.has(NOTES):
        return {}
    kept = parse(run.read(NOTES), str(run.path / NOTES), FORMAT)
    tags, note = kept.get("tags"), kept.get("note")
    if not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) and isinstance(note, str | None)):
        raise UsageError(str(run.path / NOTES), "is not what `dropout runs --tag` writes", "Delete its folder.")
    return {name: value for name, value in (("tags", " ".join(tags)), ("note", note)) if value}


def annotate(run: Run, tags: Sequence[str], note: str | None) -> None:
    """Add tags, and put a note in the place of an older one. Raises UsageError or RunFailed."""
    for tag in tags:
        if not tag or tag.split() != [tag]:
            raise UsageError("--tag", f"{json.dumps(tag)} is not one word", "Use --note for a sentence.")
    known = annotations(run)
    kept = dict.fromkeys([*known.get("tags", "").split(), *tags])
    content = {"format": FORMAT, "tags": list(kept), "note": known.get("note") if note is None else note}
    run.write_after("notes", {"notes.json": as_json(content)})


def size(run: Run) -> int:
    """The bytes of the plain files in the run's folder."""
    found = (path.lstat() for path in run.path.rglob("*"))
    return sum(one.st_size for one in found if stat.S_ISREG(one.st_mode))


def must_be_deletable(run: Run) -> None:
    """Raise UsageError for a link, for a folder of something else, and while a process works on the run."""
    if run.path.is_symlink():
        raise UsageError(str(run.path), "is a link to a run folder", "Delete the link itself, or name the folder.")
    if not (run.has("log.txt") and (run.has(MANIFEST) or run.inside("checkpoints").is_dir())):
        fact = "is not a folder that training made, though it has a state.json"
        raise UsageError(str(run.path), fact, "Delete it by other means.")
    run.must_be_free()


def delete(run: Run) -> None:
    """Delete the whole folder. Raises UsageError as `must_be_deletable`, RunFailed where it cannot be deleted."""
    must_be_deletable(run)
    with run.lock(), faults(run.path):
        shutil.rmtree(run.path)
