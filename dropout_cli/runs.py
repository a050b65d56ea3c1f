"""Run folders: their files, how they are written, and what state a run is in.

Every file is built as bytes, written beside its target, synced and moved over it, by `write`. The
logs (`metrics.csv`, `timings.csv`, `log.txt`) are appended to by `append`, and a torn last line is
dropped on reading. The manifest comes last: its presence means that the run is complete.
"""

import csv
import errno
import hashlib
import io
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from dropout_cli import locks
from dropout_cli.errors import RunFailed, UsageError

FORMAT = 1
MANIFEST = "MANIFEST.sha256"
Status: TypeAlias = Literal["completed", "running", "interrupted", "failed", "crashed"]


def write(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all. Raises RunFailed."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    with _faults(path):
        try:
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def append(path: Path, line: str) -> None:
    """Add a line to a log. Raises RunFailed."""
    with _faults(path), path.open("a", encoding="utf-8", newline="") as file:
        file.write(line + "\n")


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        way_out = (
            "Free some space there." if full else "Choose another folder with --runs-dir, or mend its permissions."
        )
        raise RunFailed(str(path), f"cannot be written ({reason})", way_out) from error


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_json(value: Any) -> bytes:
    """Readable JSON, with a newline at the end; NaN and infinity are refused."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def manifest(folder: Path) -> bytes:
    """Lines as `sha256sum` prints them, for every file of the folder but logs of state, locks and what came after."""
    lines = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in ("state.json", ".lock", MANIFEST) and not name.startswith("after/"):
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n")
    return "".join(lines).encode()


class Run:
    """One run folder."""

    def __init__(self, path: Path) -> None:
        """`path`: an existing run folder; see `create` and `find`."""
        self.path = path

    @classmethod
    def create(cls, root: Path, label: str) -> "Run":
        """Make a new, empty run folder under `root`: UTC time, label, six random hex digits. Raises RunFailed."""
        label = re.sub(r"[^A-Za-z0-9._+-]+", "_", label).strip("._") or "run"
        with _faults(root):
            root.mkdir(parents=True, exist_ok=True)
            while True:
                stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
                path = root / f"{stamp}_{label[:120]}_{secrets.token_hex(3)}"
                try:
                    path.mkdir()
                except FileExistsError:
                    continue
                break
            (path / "checkpoints").mkdir()
        run = cls(path)
        run.write("log.txt", b"")
        return run

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for as long as the block lasts. Raises UsageError when somebody else holds it."""
        try:
            with locks.held(self.path / ".lock"):
                yield
        except locks.Busy:
            raise UsageError(str(self.path), "another process is working on this run", "Wait for it to end.") from None

    def write(self, name: str, data: bytes) -> None:
        """Put a file into the folder, whole or not at all."""
        write(self.path / name, data)

    def write_all(self, files: Mapping[str, bytes]) -> None:
        """Put several files into the folder, each whole."""
        for name, data in files.items():
            self.write(name, data)

    def move(self, name: str, other: str) -> None:
        """Give a file another name, in place of what stood there; nothing where there is no such file."""
        source = self.path / name
        with _faults(source):
            if source.exists():
                source.replace(self.path / other)

    def read(self, name: str) -> bytes:
        """The bytes of a file in the folder. Raises UsageError where it is missing or unreadable."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(str(self.path / name), f"cannot be read ({reason})", "Is this a run folder?") from None

    def read_unchanged(self, name: str) -> bytes:
        """The bytes of a file that is as it was when the run was completed. Raises RunFailed or UsageError."""
        data = self.read(name)
        if (self.path / MANIFEST).exists():
            line = f"{hashlib.sha256(data).hexdigest()}  {name}"
            if line not in self.read(MANIFEST).decode(errors="replace").splitlines():
                fact = f"differs from what {MANIFEST} says of it: it was changed or damaged after training"
                raise RunFailed(str(self.path / name), fact, "Train again.")
        return data

    def log(self, line: str) -> None:
        """Add a line to `log.txt`."""
        append(self.path / "log.txt", line)

    def append_row(self, name: str, row: Mapping[str, Any]) -> None:
        """Add a row to a CSV file of the folder; the first row also writes the header and so fixes the columns."""
        path = self.path / name
        if not path.exists():
            self.write(name, (_csv_line(list(row)) + "\n").encode())
        append(path, _csv_line([_cell(value) for value in row.values()]))

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of a CSV file of the folder, a torn last line dropped."""
        text = self.read(name).decode("utf-8", errors="replace")
        return list(csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1])))

    def cut_back(self, name: str, epochs: int) -> None:
        """Keep only the rows of a CSV file up to that epoch."""
        if not (self.path / name).exists():
            return
        rows = [row for row in self.rows(name) if int(row["epoch"]) <= epochs]
        if rows:
            lines = [_csv_line(list(rows[0])), *(_csv_line(list(row.values())) for row in rows)]
            self.write(name, ("\n".join(lines) + "\n").encode())
        else:
            (self.path / name).unlink()

    def mark(self, status: Status, reason: str | None = None, **facts: Any) -> None:
        """Record in `state.json` how a session on this run began or ended."""
        path = self.path / "state.json"
        state: dict[str, Any] = self.state() if path.exists() else {"format": FORMAT, "sessions": []}
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if status == "running" or not state["sessions"]:
            state["sessions"].append({"began": now})
        if status != "running":
            state["sessions"][-1]["ended"] = now
        state |= {"status": status, "reason": reason} | facts
        self.write("state.json", as_json(state))

    def state(self) -> dict[str, Any]:
        """The contents of `state.json`. Raises UsageError where it is missing, damaged or of a newer format."""
        return self._json("state.json")

    def summary(self) -> dict[str, Any]:
        """The contents of `summary.json`. Raises UsageError where it is missing, damaged or of a newer format."""
        return self._json("summary.json")

    def _json(self, name: str) -> dict[str, Any]:
        place = str(self.path / name)
        try:
            content = json.loads(self.read(name))
        except ValueError:
            raise UsageError(place, "is not JSON", "The file is damaged.") from None
        if not isinstance(content, dict) or not isinstance(content.get("format"), int):
            raise UsageError(place, "is not a file of a run", "The file is damaged.")
        if content["format"] > FORMAT:
            raise UsageError(place, f"has format {content['format']}, newer than {FORMAT}", "Update dropout-cli.")
        return content

    def finish(self) -> None:
        """Write the manifest: the run is complete."""
        self.write(MANIFEST, manifest(self.path))

    @property
    def status(self) -> Status:
        """What is the case, whatever `state.json` says."""
        if (self.path / MANIFEST).exists():
            return "completed"
        if locks.is_held(self.path / ".lock"):
            return "running"
        noted = self.state().get("status")
        return noted if noted in ("interrupted", "failed") else "crashed"

    def write_after(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Put what a later command found into `after/<name>/`, with a manifest, in place of an older one."""
        final = self.path / "after" / name
        beside = final.with_name(f".{name}.{secrets.token_hex(4)}.partial")
        try:
            with _faults(beside):
                beside.mkdir(parents=True)
            for file, data in files.items():
                write(beside / file, data)
            write(beside / MANIFEST, manifest(beside))
            with _faults(final):
                old = final.with_name(f".{name}.{secrets.token_hex(4)}.old")
                if final.exists():
                    final.replace(old)
                beside.replace(final)
                _remove(old)
        finally:
            _remove(beside)
        return final


def _remove(folder: Path) -> None:
    if folder.exists():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _csv_line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    """The shortest text that reads back as the same number; nothing for NaN."""
    if isinstance(value, float):
        return "" if value != value else repr(float(value))
    return str(value)


def all_runs(root: Path) -> list[Run]:
    """The run folders directly under `root`, oldest name first; none where `root` does not exist."""
    if not root.is_dir():
        return []
    return [Run(path) for path in sorted(root.iterdir()) if (path / "state.json").is_file()]


def find(reference: str, root: Path) -> Run:
    """The run that `reference` means: a path, a unique prefix of a run's name, or `latest`. Raises UsageError."""
    path = Path(reference)
    if (path / "state.json").is_file():
        return Run(path)
    runs = all_runs(root)
    if reference == "latest" and runs:
        return runs[-1]
    matching = [run for run in runs if run.path.name.startswith(reference)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(run.path.name for run in matching[:4])
        raise UsageError(reference, f"{len(matching)} runs in {root} begin so ({names})", "Give more of the name.")
    raise UsageError(reference, f"no such run in {root}", "`dropout runs` lists them.")
