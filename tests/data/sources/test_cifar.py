"""CIFAR's binary archives, written here in their layout: read whole, or refused with one line."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.core.errors import DataError
from dropout_cli.data.sources import cifar
from dropout_cli.data.sources.cifar import Cifar, Cifar10, Cifar100

KINDS = [Cifar10, Cifar100]


def contents(cls: type[Cifar], classes: int) -> dict[str, bytes]:
    """The files of an archive: rows of labels and random pixels."""
    rng = np.random.default_rng(0)
    files = {cls.names_file: "\n".join(f"thing_{number}" for number in range(classes)).encode() + b"\n\n"}
    each = cifar.CIFAR_TRAIN_COUNT // (len(cls.files) - 1)
    pixels = rng.integers(0, 256, (cifar.CIFAR_COUNT - cifar.CIFAR_TRAIN_COUNT, cifar.IMAGE_BYTES), dtype=np.uint8)
    for number, name in enumerate(cls.files):
        count = each if name != cls.files[-1] else len(pixels)
        rows = np.zeros((count, cls.label_bytes + cifar.IMAGE_BYTES), np.uint8)
        rows[:, cls.label_bytes - 1] = (np.arange(count) + number) % classes
        rows[: len(pixels), cls.label_bytes :] = pixels[:count]
        files[name] = rows.tobytes()
    return files


def pack(path: Path, files: dict[str, bytes]) -> Path:
    """A gzipped tar file of them, in a folder."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"cifar/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("cls", KINDS)
def test_archive_and_folder_give_the_same_pictures(
    cls: type[Cifar], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planes of red, green and blue become pixels of three; the last label byte is the class."""
    files = contents(cls, cls.info.classes or 0)
    folder = tmp_path / cls.folder
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    monkeypatch.setenv("DROPOUT_DATA", str(tmp_path))
    unpacked = cls().read()
    assert unpacked.x.shape == (60_000, 32, 32, 3) and unpacked.train_count == 50_000
    row = np.frombuffer(files[cls.files[0]], np.uint8)[: cls.label_bytes + cifar.IMAGE_BYTES]
    red, green, blue = row[cls.label_bytes :].reshape(3, 32, 32)
    np.testing.assert_array_equal(unpacked.x[0], np.stack([red, green, blue], axis=-1))
    assert unpacked.labels[1] == 1 and unpacked.classes[1] == "thing_1"
    packed = cls(path=str(pack(tmp_path / cls.archive, files))).read()
    np.testing.assert_array_equal(packed.x, unpacked.x)
    np.testing.assert_array_equal(packed.labels, unpacked.labels)


@pytest.mark.parametrize("cls", KINDS)
def test_the_python_version_is_refused_by_name(cls: type[Cifar], tmp_path: Path) -> None:
    """Packed or not, without reading a pickle."""
    name = sorted(cls.python_files)[0]
    (tmp_path / name).write_bytes(b"\x80\x04.")
    with pytest.raises(DataError, match=rf"Python version.*{cls.archive}"):
        cls(path=str(tmp_path)).read()
    with pytest.raises(DataError, match=rf"Python version.*{cls.archive}"):
        cls(path=str(pack(tmp_path / "python.tar.gz", {name: b"\x80\x04."}))).read()


def test_what_is_not_whole_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, short and long files, other labels, other names, no archive at all."""
    names = "\n".join("abcdefghij").encode()
    short = {"batches.meta.txt": names, "data_batch_1.bin": bytes(3073)}
    for files, fact in (
        (short, r"data_batch_1.bin has 3,073 bytes"),
        ({"data_batch_1.bin": b""}, r"names 0 classes"),
        ({"batches.meta.txt": bytes(20_000)}, r"longer than 10,000"),
    ):
        with pytest.raises(DataError, match=fact):
            Cifar10(path=str(pack(tmp_path / "a.tar.gz", files))).read()
    (tmp_path / "b.tar.gz").write_bytes(b"\x1f\x8b" + bytes(50))
    for path in (tmp_path / "b.tar.gz", tmp_path / "none", tmp_path):
        with pytest.raises(DataError, match=r"cifar-10-binary"):
            Cifar10(path=str(path)).read()
    monkeypatch.setenv("DROPOUT_DATA", str(tmp_path / "empty"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "empty"))
    with pytest.raises(DataError, match=r"is not in .*DROPOUT_DATA is set.*cifar-10-binary"):
        Cifar10().read()


def test_a_label_beyond_the_classes_is_refused(tmp_path: Path) -> None:
    """It would be an index past the last name."""
    files = contents(Cifar10, 10)
    files["data_batch_1.bin"] = b"\x0a" + files["data_batch_1.bin"][1:]
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match="has the label 10, but there are 10 classes"):
        Cifar10(path=str(tmp_path)).read()


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds for any names of its members."""
    monkeypatch.setattr(cifar, "MAX_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(DataError, match="unpacks to more than 1,000,000"):
        Cifar10(path=str(pack(tmp_path / "bomb.tar.gz", {"other": bytes(3_000_000)}))).read()
