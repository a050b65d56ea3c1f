"""Checks that the files of a sweep folder match its manifest, and that its runs are unchanged."""

from collections.abc import Collection, Iterator

from dropout_cli.analysis.verify import Check, verify_run
from dropout_cli.core.errors import DropoutError, NewerFormat, UsageError
from dropout_cli.core.text import counted
from dropout_cli.runs import MANIFEST, Run, manifest
from dropout_cli.runs.manifest import LOCK_FILE
from dropout_cli.runs.safe_read import file_digest, irregular_files
from dropout_cli.runs.state import STATE
from dropout_cli.sweeps.folder import SweepFolder, sweep_files

MAX_NAMES = 12
"""The most names of files that one line lists."""


def check_files(folder: SweepFolder) -> Iterator[Check]:
    """Yield a check for each file that is not as in the manifest of a sweep, else one check.

    Args:
        folder: The folder; a sweep that is not complete, and one of an older version, has no manifest.
    """
    for path, kind in irregular_files(folder.path):
        yield Check(path.relative_to(folder.path).as_posix(), False, f"is {kind}, not a regular file")
    for name in manifest.files_below(folder.path):
        if name.rpartition("/")[2] == LOCK_FILE and (folder.path / name).lstat().st_size:
            yield Check(name, False, "is not empty")
    present = set(sweep_files(folder.path))
    if not folder.has(MANIFEST):
        yield Check(MANIFEST, True, _without_checksum(present))
        return
    try:
        data = folder.read(MANIFEST)
        listed = manifest.parse_manifest(data)
        if not manifest.is_sealed(data):
            raise ValueError("its last line, with its own checksum, is missing")
    except (UsageError, ValueError) as error:
        yield Check(MANIFEST, False, f"is damaged ({error})")
        return
    wrong = [Check(name, False, f"is not listed in {MANIFEST}") for name in sorted(present - listed.keys())]
    wrong += [Check(name, False, "is missing") for name in sorted(listed.keys() - present)]
    for name in sorted(listed.keys() & present):
        try:
            same = file_digest(folder.path_of(name)) == listed[name]
        except UsageError as error:
            wrong.append(Check(name, False, error.problems[0].fact))
            continue
        if not same:
            wrong.append(Check(name, False, f"does not match its checksum in {MANIFEST}"))
    yield from wrong
    if not wrong:
        yield Check(MANIFEST, True, f"{counted(len(listed), 'file')} {'is' if len(listed) == 1 else 'are'} unchanged")


def _without_checksum(present: Collection[str]) -> str:
    """Return the fact about a folder without a manifest, with the names of its files."""
    names = sorted(name for name in present if not name.endswith(f"/{MANIFEST}"))
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return (
        "there is none: an older version wrote this folder, or the sweep has not ended. No checksum covers "
        f"{', '.join(names[:MAX_NAMES])}{more}"
    )


def check_run(what: str, run: Run) -> Check:
    """Return one check of all files of a complete run.

    Args:
        what: The subject of the check.
        run: The run.
    """
    wrong = [check for check in verify_run(run) if not check.right]
    fact = f"{wrong[0].what}: {wrong[0].fact}" if wrong else "is unchanged since training"
    return Check(what, not wrong, fact)


def check_other_runs(folder: SweepFolder, planned: Collection[str]) -> Iterator[Check]:
    """Yield a check of each complete run that is not planned, such as a trial of a search.

    Args:
        folder: The folder of the sweep.
        planned: The ids of the runs in its plan.
    """
    for name in sweep_files(folder.path):
        what = name.removesuffix(f"/{MANIFEST}")
        if what == name or what in {f"cells/{id}" for id in planned} or not folder.has(f"{what}/{STATE}"):
            continue
        try:
            yield check_run(what, Run(folder.path_of(what)))
        except NewerFormat:
            raise
        except DropoutError as error:
            yield Check(what, False, error.problems[0].fact)
