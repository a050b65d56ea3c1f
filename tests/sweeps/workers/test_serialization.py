"""The inputs of a run as bytes, and its folder as an archive."""

import io
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config, data
from dropout_cli.core.environment import INSTALLATION_KEYS, describe_environment
from dropout_cli.core.errors import RunFailed
from dropout_cli.runs import MANIFEST, Run, manifest
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.workers import dask_client, dask_task, run_archive, serialization
from dropout_cli.sweeps.workers.dask_task import JobResult, pack_result, run_packed, unpack_result
from dropout_cli.sweeps.workers.job import train_in_process as train_here
from dropout_cli.training.setup import DistillationTargets
from dropout_cli.training.warm_start import InheritedArrays, load_inherited
from tests.commands import TINY, dropout
from tests.small_run import train
from tests.small_sweep import planned


def test_a_cell_needs_neither_data_nor_teachers_where_it_is_trained(tmp_path: Path) -> None:
    """Without local files, a worker computes the same bytes from what was sent."""
    rows = "".join(f"{n % 7},{'red' if n % 3 else ''},{'yes' if n % 2 else 'no'}\n" for n in range(200))
    (tmp_path / "t.csv").write_text("number,word,kind\n" + rows)
    table = f"dataset={{name: table, path: {tmp_path}/t.csv}}"
    teacher = train(tmp_path, table, "training.batch_size=16").path
    (tmp_path / "c.yaml").write_text(TINY)
    taught = f"objective={{name: distillation, teacher: {teacher}}}"
    wanted = config.load_config(tmp_path / "c.yaml", [table, taught, f"training.init_from={teacher}"]).experiment
    here = SweepFolder(tmp_path / "sweep")
    with here.hold_lock():
        train_here(here, "0", wanted)
    resolved = config.load_config(here.cell("0") / "resolved.yaml").experiment
    (tmp_path / "errand").mkdir()
    (tmp_path / "errand" / dask_task.WANTED).write_text(config.to_yaml(resolved))
    parts = {
        dask_task.EXAMPLES: serialization.pack_examples(resolved.dataset.read()),
        dask_task.INHERITED: serialization.pack_inherited(
            load_inherited(resolved, data.load_dataset(resolved.dataset))
        ),
    }
    for name, parcel in parts.items():
        assert parcel is not None
        (tmp_path / "errand" / name).write_bytes(parcel)
    (tmp_path / "t.csv").unlink()
    teacher.rename(tmp_path / "gone")
    dask_task._train(tmp_path / "errand")
    run_archive.unpack_run((tmp_path / "errand" / dask_task.ARCHIVE).read_bytes(), here.partial("1"))
    assert here.is_complete("1")
    for name in ("resolved.yaml", "metrics.csv", "predictions.npz", "checkpoints/best.safetensors"):
        assert (here.cell("1") / name).read_bytes() == (here.cell("0") / name).read_bytes(), name


def test_parcels_hold_what_was_put_in(tmp_path: Path) -> None:
    """Every field of examples and inherited arrays survives; a wrong bit is reported."""
    examples = config.load_config(config.find_config("digits")).experiment.dataset.read()
    parcel = serialization.pack_examples(examples)
    assert parcel is not None
    back = serialization.unpack_examples(parcel)
    for name, value in vars(examples).items():
        assert (
            np.array_equal(getattr(back, name), value)
            if isinstance(value, np.ndarray)
            else (getattr(back, name) == value)
        ), name
    inherited = InheritedArrays(
        {"a/W": np.ones((2, 3), np.float32)}, DistillationTargets(np.ones((4, 2), np.float32), np.ones((1, 2)), "f")
    )
    packed = serialization.pack_inherited(inherited)
    assert packed is not None and serialization.pack_inherited(InheritedArrays()) is None
    again = serialization.unpack_inherited(packed)
    assert again.weights is not None and again.distillation is not None and again.distillation.fingerprint == "f"
    assert again.weights["a/W"].tobytes() == np.ones((2, 3), np.float32).tobytes()
    with pytest.raises(RunFailed, match="damaged"):
        serialization.unpack_examples(parcel[:-1] + bytes([parcel[-1] ^ 1]))


def test_an_archive_comes_without_last_and_says_nothing_of_it(tmp_path: Path) -> None:
    """The manifest matches the archive; changed or outside files are refused."""
    run = train(tmp_path)
    packed = run_archive.pack_run(run)
    run_archive.unpack_run(packed, tmp_path / "there")
    there = Run(tmp_path / "there")
    assert there.final_status == "completed" and not there.has_file("checkpoints/last.safetensors")
    assert "last" not in there.read(MANIFEST).decode()
    assert dropout("verify", str(there.path), "--replay", "--quiet", cwd=tmp_path).returncode == 0
    for command in (("eval", "--checkpoint", "last"), ("resume", "--epochs", "9")):
        done = dropout(command[0], str(there.path), *command[1:], cwd=tmp_path)
        assert done.returncode in (1, 2), command
        assert "is only on the machine that trained the run" in done.stderr, done.stderr
    for name, kind in (("../out", tarfile.REGTYPE), ("link", tarfile.SYMTYPE), ("folder", tarfile.DIRTYPE)):
        hostile = io.BytesIO()
        with tarfile.open(fileobj=hostile, mode="w") as made:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            made.addfile(member)
        with pytest.raises(RunFailed, match="the archive of this run is damaged"):
            run_archive.unpack_run(hostile.getvalue(), tmp_path / "hostile" / kind.hex())
    assert not (tmp_path / "hostile" / "out").exists()
    (run.path / "metrics.csv").write_text("changed")
    with pytest.raises(RunFailed, match="its files do not match its manifest"):
        run_archive.unpack_run(run_archive.pack_run(run), tmp_path / "changed")


def tar(*members: tuple[str, bytes, bytes], mode: str = "w:") -> bytes:
    """Return a tar archive with members of name, content and type."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content, kind in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, len(content), "/etc/passwd"
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def sparse(claimed: int) -> bytes:
    """Return an archive with a sparse file of a few bytes that claims to be larger."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("big.bin")
        content = b"1\n0\n1\n".ljust(512, b"\0") + b"x" * 512
        member.size = len(content)
        member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(claimed)}
        archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def claiming(size: int) -> bytes:
    """Return an archive whose only member claims more bytes than follow."""
    member = tarfile.TarInfo("big.bin")
    member.size = size
    return member.tobuf() + b"x" * 2048


FILE = tarfile.REGTYPE
HOSTILE = {
    "compressed": tar(("big.bin", bytes(10_000_000), FILE), mode="w:gz"),
    "compressed with bzip2": tar(("big.bin", bytes(10_000_000), FILE), mode="w:bz2"),
    "compressed with xz": tar(("big.bin", bytes(10_000_000), FILE), mode="w:xz"),
    "sparse": sparse(1 << 40),
    "claims more": claiming(1 << 33),
    "twice": tar(("a.txt", b"1", FILE), ("a.txt", b"2", FILE)),
    "many files": tar(*((f"{number}.txt", b"", FILE) for number in range(run_archive.MAX_FILES + 1))),
    "after the manifest": tar((MANIFEST, manifest.format_manifest({}), FILE), ("evil.sh", b"x", FILE)),
    "absolute": tar(("/evil", b"x", FILE)),
    "outside": tar(("checkpoints/../../evil", b"x", FILE)),
    "long": tar(("x" * 300, b"x", FILE)),
    "line end": tar(("a\nb", b"x", FILE)),
    "hidden": tar((".lock", b"x", FILE)),
    "hard link": tar(("h", b"", tarfile.LNKTYPE)),
    "device": tar(("d", b"", tarfile.CHRTYPE)),
    "named pipe": tar(("f", b"", tarfile.FIFOTYPE)),
    "empty": b"",
    "no archive": b"x" * 10_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(kind: str, tmp_path: Path) -> None:
    """One line names the folder; no file is unpacked, inside or outside of it."""
    tracemalloc.start()
    try:
        with pytest.raises(RunFailed, match="the archive of this run is damaged") as refused:
            run_archive.unpack_run(HOSTILE[kind], tmp_path / "run")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(str(refused.value).splitlines()) == 1 and not list(tmp_path.iterdir())
    assert peak < 2 * len(HOSTILE[kind]) + 5_000_000


def test_a_result_is_bytes(tmp_path: Path) -> None:
    """The result of a worker is checked as bytes, and no object of its making is built."""
    for result in (JobResult(b"archive\nof bytes", 0, ""), JobResult(None, 3, "why"), JobResult(b"", 0, "")):
        assert unpack_result(pack_result(result)) == result
    for sent in (
        b"",
        b"x",
        b"{}\n",
        b'{"code": 0, "output": 1, "complete": true}\n',
        b"[" * 100_000,
        {"code": 0},
        None,
    ):
        assert unpack_result(sent) == JobResult(None, 1, "the worker sent no result of a run")
    packed = run_packed(b"", {}, None, None)
    assert isinstance(packed, bytes) and "has a different version" in unpack_result(packed).output
    here = {name: describe_environment()[name] for name in INSTALLATION_KEYS}
    packed = run_packed(b"", here, None, None)  # without a worker
    assert isinstance(packed, bytes) and "the worker: ValueError: " in unpack_result(packed).output


def test_any_result_of_a_worker_becomes_one_line(tmp_path: Path) -> None:
    """Signals without a name and halves of characters are no error here."""
    folder, cell = SweepFolder(tmp_path), planned(tmp_path, "seeds: 1\n").cells[0]
    with folder.hold_lock():  # makes the folders
        pass
    for code in (-35, -9, -9999, 0, 1, 10**30, -(10**30)):
        outcome = dask_client._store_result(folder, cell, JobResult(None, code, "why \ud800"))
        assert outcome.failure and len(outcome.failure.splitlines()) == 1
