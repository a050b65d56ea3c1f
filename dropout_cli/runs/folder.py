"""The folder of one run: files, state, lock, manifest, and the results of later commands."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from dropout_cli.core import locks
from dropout_cli.core.errors import NewerFormat, RunFailed, UsageError
from dropout_cli.core.text import escape_control_chars
from dropout_cli.runs import atomic_io, manifest, safe_read
from dropout_cli.runs.csv_log import CsvLog
from dropout_cli.runs.manifest import MANIFEST
from dropout_cli.runs.new_folder import make_run_folder, update_folder
from dropout_cli.runs.state import FORMAT, MAX_TIME_NS, STATE, Status, check_state, creation_time, record_session

RESOLVED = "resolved.yaml"
PARSED_SUFFIXES = (".json", ".sha256", ".yaml")


class Run:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        """Name an existing run folder; see `create`, `create_at` and `find_run`.

        Args:
            path: The folder.
        """
        self.path = path
        self._created: int | None = None

    @property
    def name(self) -> str:
        """The last part of the path; for a link, the name of the link."""
        return self.path.name if self.path.name not in ("", "..") else self.path.resolve().name

    @property
    def created(self) -> int:
        """The time of creation, in nanoseconds since 1970.

        `state.json` holds it. A run of a former version counts from the beginning of its first session, and a run whose
        `state.json` cannot be read from the last change of its folder.
        """
        try:
            return creation_time(self.state())
        except (UsageError, LookupError, TypeError, ValueError):
            with suppress(OSError):
                return min(self.path.stat().st_mtime_ns, MAX_TIME_NS)
            return 0

    @classmethod
    def create(cls, root: Path, label: str) -> "Run":
        """Make a new, empty run folder under `root`.

        Its time of creation is later than those of all runs under `root`, even if the clock was set back.

        Args:
            root: The folder of all runs; made if it does not exist.
            label: The middle part of the name, between the UTC time and six random hex digits.

        Raises:
            RunFailed: the folder cannot be made.
        """
        path = make_run_folder(root, label)
        with atomic_io.os_errors(root):
            others = [other.created for other in cls.all_in(root)]
        run = cls._initialize(path)
        run._created = max([time.time_ns(), *(1 + created for created in others)])
        return run

    @classmethod
    def all_in(cls, root: Path) -> "list[Run]":
        """Return the run folders directly under `root`, sorted by name.

        Raises:
            OSError: `root` cannot be read.
        """
        return [cls(path) for path in sorted(root.iterdir()) if safe_read.file_exists(path / STATE)]

    @classmethod
    def create_at(cls, path: Path) -> "Run":
        """Make a new, empty run folder at `path`.

        Raises:
            RunFailed: the path exists, or the folder cannot be made.
        """
        with atomic_io.os_errors(path):
            path.mkdir(parents=True)
        return cls._initialize(path)

    @classmethod
    def _initialize(cls, path: Path) -> "Run":
        with atomic_io.os_errors(path):
            (path / "checkpoints").mkdir()
        (run := cls(path)).write("log.txt", b"")
        return run

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the run until the block ends.

        Raises:
            UsageError: another process has locked the run.
            RunFailed: the lock file cannot be written.
        """
        path = self.path_of(".lock")
        with ExitStack() as stack:
            try:
                with atomic_io.os_errors(path):
                    stack.enter_context(locks.locked(path))
            except locks.Locked:
                raise self._busy() from None
            yield

    def require_unlocked(self) -> None:
        """Raise UsageError if a process works on the run."""
        if locks.is_locked(self.path_of(".lock")):
            raise self._busy()

    def _busy(self) -> UsageError:
        return UsageError(str(self.path), "another process is working on this run", "Wait until it ends.")

    def path_of(self, name: str) -> Path:
        """Return the path of a file in the folder.

        Raises:
            UsageError: the path would lead out of the folder.
        """
        return safe_read.path_inside(self.path, name)

    def has_file(self, name: str) -> bool:
        """Return True if the folder has a file of that name."""
        return self.path_of(name).is_file()

    def write(self, name: str, data: bytes | bytearray, *, former: str | None = None) -> None:
        """Write a file of the folder atomically.

        Args:
            name: The path of the file in the folder.
            data: All bytes of the file.
            former: A name to which an existing file is moved instead of being replaced.

        Raises:
            RunFailed: the file cannot be written.
        """
        atomic_io.write_atomic(self.path_of(name), data, former=self.path_of(former) if former else None)

    def write_files(self, files: Mapping[str, bytes]) -> None:
        """Write several files of the folder, each atomically."""
        for name, data in files.items():
            self.write(name, data)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file in the folder.

        Raises:
            UsageError: the file is missing or unreadable.
        """
        limit = safe_read.MAX_TEXT_BYTES if name.endswith(PARSED_SUFFIXES) else None
        return safe_read.read_regular_file(self.path_of(name), limit)

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file in hex; raise UsageError if it cannot be read."""
        return safe_read.file_digest(self.path_of(name))

    def read_unchanged(self, name: str) -> bytes:
        """Return the bytes of a file after checking its digest, if one is stored.

        Digests are in the manifest and, for `resolved.yaml`, in `state.json`.

        Raises:
            RunFailed: the file has changed since training wrote it.
            UsageError: the file is missing or unreadable.
        """
        data = self.read(name)
        digest = hashlib.sha256(data).hexdigest()
        if self.has_file(MANIFEST):
            source, right = MANIFEST, f"{digest}  {name}" in self.read(MANIFEST).decode(errors="replace").splitlines()
        elif name == RESOLVED:
            source, right = STATE, digest in self.state().get("resolved", ())
        else:
            return data
        if not right:
            fact = f"does not match {source}: it was changed or damaged"
            raise RunFailed(str(self.path / name), fact, "Restore the original file, or train again.")
        return data

    def append_log(self, line: str) -> None:
        """Append a line to `log.txt`."""
        atomic_io.append_line(self.path_of("log.txt"), escape_control_chars(line))

    def table(self, name: str) -> CsvLog:
        """Return a CSV file of the folder with one row per epoch."""
        return CsvLog(self.path, name)

    def record_status(self, status: Status, reason: str | None = None, **facts: Any) -> None:
        """Record in `state.json` that a session on this run has begun or ended.

        Args:
            status: `running` at the beginning of a session, else how it ended.
            reason: Why it ended so; None if it completed.
            facts: More keys of `state.json` to set.
        """
        new = {"format": FORMAT, "created": self._created or time.time_ns(), "sessions": []}
        state: dict[str, Any] = self.state() if self.has_file(STATE) else new
        record_session(state, status)
        state |= {"status": status, "reason": reason} | facts
        self.write(STATE, atomic_io.json_bytes(state))

    def register_resolved(self, data: bytes, **facts: Any) -> None:
        """Record in `state.json` that `resolved.yaml` may have these bytes, before writing it.

        Args:
            data: The bytes that are going to be written.
            facts: More keys of `state.json` to set.
        """
        state = self.state()
        digests = [*state.get("resolved", []), hashlib.sha256(data).hexdigest()]
        self.write(STATE, atomic_io.json_bytes(state | {"resolved": list(dict.fromkeys(digests))} | facts))

    def state(self) -> dict[str, Any]:
        """Return the contents of `state.json`.

        Raises:
            UsageError: the file is missing, damaged or of a newer format.
        """
        state = self._json(STATE)
        check_state(state, str(self.path / STATE))
        return state

    def summary(self) -> dict[str, Any]:
        """Return the contents of `summary.json`; raises as `state`."""
        return self._json("summary.json")

    def require_known_format(self) -> None:
        """Raise NewerFormat if state or summary have a format newer than this version knows.

        Missing and damaged files are ignored here; the code that needs them reports them.
        """
        for read in (self.state, self.summary):
            try:
                read()
            except NewerFormat:
                raise
            except UsageError:
                continue

    def _json(self, name: str) -> dict[str, Any]:
        return safe_read.parse_json_file(self.read(name), str(self.path / name), FORMAT)

    def write_manifest(self) -> None:
        """Write the manifest, which marks the run as complete."""
        self.write(MANIFEST, manifest.make_manifest(self.path))

    def reopen(self) -> None:
        """Delete the manifest, and partial files of killed processes; the run is then open again."""
        atomic_io.remove_file(self.path_of(MANIFEST))
        for folder in (self.path, self.path_of("checkpoints")):
            for partial in folder.glob(f".*{atomic_io.PARTIAL_SUFFIX}"):
                atomic_io.remove_file(partial)

    @property
    def status(self) -> Status:
        """The status, derived from manifest, lock and `state.json`."""
        ended = self.final_status
        return "running" if ended != "completed" and locks.is_locked(self.path_of(".lock")) else ended

    @property
    def final_status(self) -> Status:
        """The status if no process works on the run."""
        if self.has_file(MANIFEST):
            return "completed"
        recorded = self.state().get("status")
        # A process that was killed left "running", and one killed just before the manifest "completed".
        return recorded if recorded in ("interrupted", "failed") else "crashed"

    def write_result(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Write the results of a later command to `after/<name>/`, replacing older ones.

        The folder gets a manifest of its own.

        Args:
            name: The folder under `after/`.
            files: File name -> bytes.

        Returns:
            The folder.

        Raises:
            RunFailed: the folder cannot be written; older results stay.
        """
        final = self.path_of(f"after/{name}")
        update_folder(final, lambda: files, owner=self.path)
        return final
