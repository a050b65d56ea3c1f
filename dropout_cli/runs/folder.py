"""One run folder."""

import calendar
import hashlib
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias

from dropout_cli.core import locks
from dropout_cli.core.errors import NewerFormat, RunFailed, UsageError
from dropout_cli.core.text import visible
from dropout_cli.runs import atomic_io, manifest, safe_read
from dropout_cli.runs.csv_log import Table
from dropout_cli.runs.manifest import MANIFEST

FORMAT = 2
"""The format that is written now. Older ones stay readable, each by its own rules: see `analysis.verify.RULES`."""
RESOLVED, STATE = "resolved.yaml", "state.json"
LISTS: dict[str, type] = {"sessions": dict, "resolved": str, "lengthened": dict, "environment": str}
"""The lists in `state.json`, and what they are of; only `sessions` is always there."""
MARK = {"after_epoch", "epochs", "schedule_changed", "patience_anew"}
"""What a mark in `lengthened` says."""
CLOCK = "%Y-%m-%dT%H:%M:%SZ"
"""How `state.json` writes the time at which a session began or ended."""
LAST_TIME = 1 << 62
"""Nanoseconds since 1970: no run is created after the year 2116, whatever a stranger's folder says."""
TEXTS = (".csv", ".json", ".sha256", ".txt", ".yaml")
Status: TypeAlias = Literal["completed", "running", "interrupted", "failed", "crashed"]


class Run:
    """One run folder."""

    def __init__(self, path: Path) -> None:
        """`path`: an existing run folder; see `create` and `find`."""
        self.path = path
        self._created: int | None = None

    @property
    def name(self) -> str:
        """The last part of its path, that of the link where the folder is a link."""
        return self.path.name if self.path.name not in ("", "..") else self.path.resolve().name

    @property
    def created(self) -> int:
        """The time at which the run was created, in nanoseconds since 1970.

        The time stands in `state.json`. A run of a former version was created when its first session began, and one
        whose `state.json` cannot be read when its folder was last changed.
        """
        try:
            state = self.state()
            noted = state.get("created")
            if type(noted) is int and 0 <= noted < LAST_TIME:
                return noted
            return calendar.timegm(time.strptime(state["sessions"][0]["began"], CLOCK)) * 10**9
        except (UsageError, LookupError, TypeError, ValueError):
            with suppress(OSError):
                return min(self.path.stat().st_mtime_ns, LAST_TIME)
            return 0

    @classmethod
    def create(cls, root: Path, label: str) -> "Run":
        """Make a new, empty run folder under `root`: UTC time, label, six random hex digits. Raises RunFailed.

        Its time of creation is later than that of all runs there, though the clock may have gone back.
        """
        label = re.sub(r"[^A-Za-z0-9._+-]+", "_", label).strip("._") or "run"
        with atomic_io.faults(root):
            root.mkdir(parents=True, exist_ok=True)
            while True:
                stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
                path = root / f"{stamp}_{label[:120]}_{secrets.token_hex(3)}"
                try:
                    path.mkdir()
                except FileExistsError:
                    continue
                break
            others = [other.created for other in cls.all_in(root)]
        run = cls._furnished(path)
        run._created = max([time.time_ns(), *(1 + created for created in others)])
        return run

    @classmethod
    def all_in(cls, root: Path) -> "list[Run]":
        """The run folders directly under `root`, in the order of their names. Raises OSError."""
        return [cls(path) for path in sorted(root.iterdir()) if safe_read.is_file(path / STATE)]

    @classmethod
    def create_at(cls, path: Path) -> "Run":
        """Make a new, empty run folder of that path, which must not be there yet. Raises RunFailed."""
        with atomic_io.faults(path):
            path.mkdir(parents=True)
        return cls._furnished(path)

    @classmethod
    def _furnished(cls, path: Path) -> "Run":
        with atomic_io.faults(path):
            (path / "checkpoints").mkdir()
        run = cls(path)
        run.write("log.txt", b"")
        return run

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for as long as the block lasts. Raises UsageError when somebody else holds it, or RunFailed."""
        path = self.inside(".lock")
        with ExitStack() as stack:
            try:
                with atomic_io.faults(path):
                    stack.enter_context(locks.held(path))
            except locks.Busy:
                raise self._busy() from None
            yield

    def must_be_free(self) -> None:
        """Raise UsageError while a process works on the run."""
        if locks.is_held(self.inside(".lock")):
            raise self._busy()

    def _busy(self) -> UsageError:
        return UsageError(str(self.path), "another process is working on this run", "Wait for it to end.")

    def inside(self, name: str) -> Path:
        """The path of a file of the folder. Raises UsageError where that would lead out of it."""
        return safe_read.inside(self.path, name)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return self.inside(name).is_file()

    def write(self, name: str, data: bytes | bytearray, *, former: str | None = None) -> None:
        """Put a file into the folder, whole or not at all; `former`: a name for the one before it. Raises RunFailed."""
        atomic_io.write(self.inside(name), data, former=self.inside(former) if former else None)

    def write_all(self, files: Mapping[str, bytes]) -> None:
        """Put several files into the folder, each whole."""
        for name, data in files.items():
            self.write(name, data)

    def read(self, name: str) -> bytes:
        """The bytes of a file in the folder. Raises UsageError where it is missing or unreadable."""
        return safe_read.read_plain(self.inside(name), safe_read.MOST_TEXT if name.endswith(TEXTS) else None)

    def read_unchanged(self, name: str) -> bytes:
        """The bytes of a file that is as training left it, as far as that is known. Raises RunFailed or UsageError."""
        data = self.read(name)
        digest = hashlib.sha256(data).hexdigest()
        if self.has(MANIFEST):
            source, right = MANIFEST, f"{digest}  {name}" in self.read(MANIFEST).decode(errors="replace").splitlines()
        elif name == RESOLVED:
            source, right = STATE, digest in self.state().get("resolved", ())
        else:
            return data
        if not right:
            fact = f"differs from what {source} says of it: it was changed or damaged"
            raise RunFailed(str(self.path / name), fact, "Bring the former file back, or train again.")
        return data

    def log(self, line: str) -> None:
        """Add a line to `log.txt`."""
        atomic_io.append(self.inside("log.txt"), visible(line))

    def table(self, name: str) -> Table:
        """A CSV file of the folder with a row per epoch."""
        return Table(self.path, name)

    def mark(self, status: Status, reason: str | None = None, **facts: Any) -> None:
        """Record in `state.json` how a session on this run began or ended."""
        new = {"format": FORMAT, "created": self._created or time.time_ns(), "sessions": []}
        state: dict[str, Any] = self.state() if self.has(STATE) else new
        now = time.strftime(CLOCK, time.gmtime())
        if status == "running" or not state["sessions"]:
            state["sessions"].append({"began": now})
        if status != "running":
            state["sessions"][-1]["ended"] = now
        state |= {"status": status, "reason": reason} | facts
        self.write(STATE, atomic_io.as_json(state))

    def allow_resolved(self, data: bytes, **facts: Any) -> None:
        """Note in `state.json`, before it is done, that `resolved.yaml` may also be these bytes."""
        state = self.state()
        digests = [*state.get("resolved", []), hashlib.sha256(data).hexdigest()]
        self.write(STATE, atomic_io.as_json(state | {"resolved": list(dict.fromkeys(digests))} | facts))

    def state(self) -> dict[str, Any]:
        """The contents of `state.json`. Raises UsageError where it is missing, damaged or of a newer format."""
        state = self._json(STATE)
        if not all(
            isinstance(found := state.get(name, [] if name != "sessions" else None), list)
            and all(isinstance(one, kind) for one in found)
            for name, kind in LISTS.items()
        ) or not (
            all(mark.keys() >= MARK for mark in state.get("lengthened", []))
            and type(state.get("arithmetic", 1)) is int
            and state.get("arithmetic", 1) > 0
        ):
            raise UsageError(str(self.path / STATE), "is not the state of a run", "The file is damaged.")
        return state

    def summary(self) -> dict[str, Any]:
        """The contents of `summary.json`. Raises UsageError where it is missing, damaged or of a newer format."""
        return self._json("summary.json")

    def must_be_known(self) -> None:
        """Raise NewerFormat where state or summary are of a format that this version does not know.

        Files that are missing or damaged are for those who need them.
        """
        for read in (self.state, self.summary):
            try:
                read()
            except NewerFormat:
                raise
            except UsageError:
                continue

    def _json(self, name: str) -> dict[str, Any]:
        return safe_read.parse(self.read(name), str(self.path / name), FORMAT)

    def finish(self) -> None:
        """Write the manifest: the run is complete."""
        with atomic_io.faults(self.path):
            made = manifest.of(self.path)
        self.write(MANIFEST, made)

    def reopen(self) -> None:
        """Take the manifest away, the run is not complete any more; and what a kill left half written."""
        atomic_io.remove(self.inside(MANIFEST))
        for folder in (self.path, self.inside("checkpoints")):
            for litter in folder.glob(f".*{atomic_io.PARTIAL}"):
                atomic_io.remove(litter)

    @property
    def status(self) -> Status:
        """What is the case, whatever `state.json` says."""
        ended = self.ended
        return "running" if ended != "completed" and locks.is_held(self.inside(".lock")) else ended

    @property
    def ended(self) -> Status:
        """How it ended, where nobody is working on it."""
        if self.has(MANIFEST):
            return "completed"
        noted = self.state().get("status")
        return noted if noted in ("interrupted", "failed") else "crashed"

    def write_after(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Put what a later command found into `after/<name>/`, with a manifest, in place of an older one."""
        final = self.inside(f"after/{name}")
        beside = final.with_name(f".{name}.{secrets.token_hex(4)}{atomic_io.PARTIAL}")
        try:
            with atomic_io.faults(beside):
                beside.mkdir(parents=True)
            for file, data in files.items():
                atomic_io.write(beside / file, data)
            atomic_io.write(beside / MANIFEST, manifest.of(beside))
            with atomic_io.faults(final):
                _exchange(beside, final)
        finally:
            _remove(beside)
        return final


def _exchange(new: Path, final: Path) -> None:
    """Move a folder to where another may be, which is then deleted; or is back in its place if that fails."""
    old = new.with_suffix(".old")
    if final.exists():
        final.replace(old)
    try:
        new.replace(final)
    except OSError:
        if old.exists():
            old.replace(final)
        raise
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
