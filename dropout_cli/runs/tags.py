"""Tags and notes of runs, the size of their folders, and deletion."""

import json
import shutil
import stat
from collections.abc import Sequence
from typing import Any

from dropout_cli.core.errors import UsageError
from dropout_cli.runs.atomic_io import json_bytes, os_errors
from dropout_cli.runs.folder import Run
from dropout_cli.runs.manifest import MANIFEST
from dropout_cli.runs.new_folder import update_folder
from dropout_cli.runs.safe_read import parse_json_file
from dropout_cli.runs.state import FORMAT

NOTES = "after/notes/notes.json"
"""Path in the run folder. It is under `after/`, which the manifest of the run does not cover."""


def read_tags(run: Run) -> dict[str, Any]:
    """Return the tags and the note of a run.

    Returns:
        `tags` (one text, separated by spaces) and `note`; a key is absent if it has no value.

    Raises:
        UsageError: the notes are damaged.
    """
    if not run.has_file(NOTES):
        return {}
    kept = parse_json_file(run.read(NOTES), str(run.path / NOTES), FORMAT)
    tags, note = kept.get("tags"), kept.get("note")
    if not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) and isinstance(note, str | None)):
        way_out = f"Delete the folder {run.path_of(NOTES).parent}. The tags and the note of the run are lost."
        raise UsageError(str(run.path / NOTES), "is damaged", way_out)
    return {name: value for name, value in (("tags", " ".join(tags)), ("note", note)) if value}


def add_tags(run: Run, tags: Sequence[str], note: str | None) -> None:
    """Add tags to a run and set its note.

    Args:
        run: The run.
        tags: One word each; existing tags stay.
        note: Replaces an older note; None keeps it.

    Raises:
        UsageError: a tag is not one word, or the existing notes are damaged.
        RunFailed: the notes cannot be written.
    """
    for tag in tags:
        if not tag or tag.split() != [tag]:
            raise UsageError("--tag", f"{json.dumps(tag)} is not one word", "Write sentences with --note.")

    def add_to_known() -> dict[str, bytes]:
        known = read_tags(run)
        kept = dict.fromkeys([*known.get("tags", "").split(), *tags])
        content = {"format": FORMAT, "tags": list(kept), "note": known.get("note") if note is None else note}
        return {"notes.json": json_bytes(content)}

    # Reading and writing under one lock: two processes that tag the same run must not lose a tag.
    update_folder(run.path_of(NOTES).parent, add_to_known, owner=run.path)


def folder_bytes(run: Run) -> int:
    """Return the total bytes of the regular files in the run's folder."""
    statuses = (path.lstat() for path in run.path.rglob("*"))  # lstat: a link's target is not part of the folder
    return sum(status.st_size for status in statuses if stat.S_ISREG(status.st_mode))


def require_deletable(run: Run) -> None:
    """Raise UsageError for a link, a folder that training did not make, or a run in work."""
    if run.path.is_symlink():
        raise UsageError(str(run.path), "is a link to a run folder", "Delete the link, or name the folder.")
    if not (run.has_file("log.txt") and (run.has_file(MANIFEST) or run.path_of("checkpoints").is_dir())):
        fact = "has a state.json but was not made by training"
        raise UsageError(str(run.path), fact, "Delete the folder yourself.")
    run.require_unlocked()


def delete_run(run: Run) -> None:
    """Delete the whole folder of a run.

    Raises:
        UsageError: see `require_deletable`.
        RunFailed: the folder cannot be deleted.
    """
    require_deletable(run)
    with run.lock(), os_errors(run.path):
        shutil.rmtree(run.path)
