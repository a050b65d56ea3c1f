"""Every loader of the package, for tests with hostile bytes and texts.

A loader may return a value or raise an error of this package; anything else is a fault. To test a new loader, add a
line to `loaders`.
"""

import gzip
import io
import json
import pickle
import shutil
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dropout_cli import config
from dropout_cli.analysis import predict, run_table, verify
from dropout_cli.cli import time_limit
from dropout_cli.core import npz
from dropout_cli.data.base import Examples
from dropout_cli.data.readers import idx
from dropout_cli.data.sources.arrays import Arrays
from dropout_cli.data.sources.cifar import Cifar10
from dropout_cli.data.sources.image_folder import ImageFolder
from dropout_cli.data.sources.mnist import FashionMnist
from dropout_cli.data.sources.table import TableSource
from dropout_cli.runs import Run, manifest
from dropout_cli.sweeps import collect, plan, stored_plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs
from dropout_cli.sweeps.sweep_file import load_sweep
from dropout_cli.training import checkpoint, restore
from tests.small_run import train

SWEEP = b"""base: digits
grid: {dropout.rate: {from: 0.1, to: 0.3, step: 0.1}, dropout: [none, {variant: inverted}]}
zip: {seed: [1, 2], training.epochs: [3, 4]}
random: {count: 2, draw: {training.optimizer.learning_rate: {log_uniform: [1e-3, 1e-2]}}}
"""

TABLE = b"""5.1,red,1,a
4.9,blue,0,b
6.0,red,?,a
5.5,"blue, dark",0,b
"""

Loader = Callable[[bytes], object]


class Marker:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        """Store the path of the file."""
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the call that unpickling makes."""
        return (open, (str(self.path), "w"))


def pickles(marker: Path) -> list[bytes]:
    """Return pickles, plain ones and ones in the form of NumPy arrays."""
    plain = [pickle.dumps(Marker(marker), protocol) for protocol in (0, 2, 5)]
    array, archive = io.BytesIO(), io.BytesIO()
    objects = np.array([Marker(marker)], dtype=object)
    np.save(array, objects, allow_pickle=True)
    np.savez(archive, labels=objects, probabilities=objects, rows=objects)
    header = json.dumps({"__metadata__": {"dropout": plain[0].decode("latin1")}}).encode()
    return [*plain, array.getvalue(), archive.getvalue(), struct.pack("<Q", len(header)) + header + plain[2]]


class Loaders:
    """Every loader, with a valid input to start from."""

    def __init__(self, folder: Path) -> None:
        """Train a tiny run in `folder`; its files are the valid inputs."""
        self.folder = folder
        self._tabular: Run | None = None
        self.run = train(folder, "architecture.hidden=[2]", "training.steps_per_epoch=2")
        self._pristine = {name: self.run.read(name) for name in manifest.covered_files(self.run.path)}
        self._pristine |= {name: self.run.read(name) for name in ("state.json", "MANIFEST.sha256")}
        pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
        idx.write_idx(folder / "a.idx", pixels)
        idx.write_idx(folder / "a.idx.gz", pixels)
        (folder / "checksums.json").write_text(json.dumps({name: "0" * 32 for name in "abcd"}))
        digits = config.find_config("digits").read_bytes()
        self.table: dict[str, tuple[bytes, Loader]] = {
            "config": (digits, self._config),
            "override": (b"training.optimizer={name: sgd, momentum: 0.9}", self._override),
            "idx": ((folder / "a.idx").read_bytes(), self._idx),
            "idx.gz": ((folder / "a.idx.gz").read_bytes(), self._idx),
            "npz": (npz.write_npz(a=np.arange(3.0), b=np.array(["x", "yz"])), lambda data: npz.read_npz(data, "a.npz")),
            "cifar": (self._small_tar(), self._cifar),
            "picture": (self._small_png(), self._picture),
            "table": (TABLE, self._table),
            "table.gz": (gzip.compress(TABLE, 1), self._table),
            "npy": (self._small_npy(), self._npy),
            "arrays": (npz.write_npz(x=np.eye(6), y=np.arange(6) % 2), self._arrays),
            "array in its file": (self._small_npy(), self._npy_rows),
            "predicted": (TABLE, self._predicted),
            "sweep": (SWEEP, self._sweep),
            "plan.json": (self._small_plan(), self._plan),
            "checkpoint": (self.run.read(checkpoint.LAST), lambda data: checkpoint.unpack_checkpoint(data, "last")),
            "checksums": ((folder / "checksums.json").read_bytes(), self._checksums),
            "condition": (b"test.accuracy >= 0.9", self._condition),
            "time": (b"1.5h", lambda data: time_limit.parse_duration(data.decode("utf-8", "replace"))),
        }
        for name in (
            "state.json",
            "summary.json",
            "MANIFEST.sha256",
            "metrics.csv",
            "predictions.npz",
            "resolved.yaml",
            "preprocessing.safetensors",
        ):
            self.table[name] = (self._pristine[name], self._in_run(name))

    def _config(self, data: bytes) -> object:
        (self.folder / "hostile.yaml").write_bytes(data)
        return config.load_config(self.folder / "hostile.yaml")

    def _override(self, data: bytes) -> object:
        return config.load_config(config.find_config("digits"), [data.decode("utf-8", "surrogateescape")])

    def _small_png(self) -> bytes:
        made = io.BytesIO()
        Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(made, "PNG")
        return made.getvalue()

    def _picture(self, data: bytes) -> object:
        """Decode a picture as one of a folder, without the cache."""
        (self.folder / "hostile.png").write_bytes(data)
        return ImageFolder(path=str(self.folder))._decode_images(self.folder, ["hostile.png"])

    def _table(self, data: bytes) -> object:
        (self.folder / "hostile.csv").write_bytes(data)
        return TableSource(path=str(self.folder / "hostile.csv")).read()

    def _small_npy(self) -> bytes:
        made = io.BytesIO()
        np.save(made, np.arange(24, dtype=np.float32).reshape(6, 4))
        np.save(self.folder / "y.npy", np.arange(6) % 2)
        return made.getvalue()

    def _npy(self, data: bytes, memory: float = 1.0) -> Examples:
        (self.folder / "hostile.npy").write_bytes(data)
        labels = str(self.folder / "y.npy")
        return Arrays(path=str(self.folder / "hostile.npy"), labels=labels, memory=memory).read()

    def _npy_rows(self, data: bytes) -> object:
        found = self._npy(data, 1e-8)
        return found.x[np.arange(len(found.labels))]

    def _arrays(self, data: bytes) -> object:
        (self.folder / "hostile.npz").write_bytes(data)
        return Arrays(path=str(self.folder / "hostile.npz")).read()

    def _predicted(self, data: bytes) -> object:
        """Predict a table with a network that was trained on a table."""
        if self._tabular is None:
            (self.folder / "whole.csv").write_bytes(TABLE * 8)
            source = f"dataset={{name: table, path: {self.folder}/whole.csv, header: false}}"
            self._tabular = train(self.folder / "tabular", source, "training.epochs=1", "training.batch_size=4")
        (self.folder / "hostile.csv").write_bytes(data)
        return list(predict.predict_file(self._tabular, self.folder / "hostile.csv", passes=2))

    def _sweep(self, data: bytes) -> object:
        """Load and plan a sweep file, so that its values reach the config."""
        (self.folder / "sweep.yaml").write_bytes(data)
        return plan.make_plan(load_sweep(self.folder / "sweep.yaml"))

    def _small_plan(self) -> bytes:
        """Create a sweep folder with a copy of the run; return the plan of that sweep."""
        name = "0123456789ab"
        shutil.copytree(self.run.path, self.folder / "sweep" / "cells" / name)
        cell = {"id": name, "group": 0, "seed": 0, "split_seed": 0, "fingerprint": None}
        content = {"format": 1, "metric": "test.accuracy", "baseline": None, "margin": None, "keys": ["dropout.rate"]}
        content |= {"generations": [], "groups": [{"values": {"dropout.rate": 0.3}, "config": {}}], "cells": [cell]}
        return json.dumps(content).encode()

    def _plan(self, data: bytes) -> object:
        (self.folder / "sweep" / "plan.json").write_bytes(data)
        records, keys, _ = collect.collect_runs([str(self.folder / "sweep")], self.folder)
        return list(comparison_notes(compare_runs(records, keys, ComparisonSettings()))), stored_plan.read_plan(
            SweepFolder(self.folder / "sweep")
        )

    def _idx(self, data: bytes) -> object:
        (self.folder / "hostile.idx").write_bytes(data)
        return idx.read_idx(self.folder / "hostile.idx")

    def _small_tar(self) -> bytes:
        """Return the beginning of an archive of CIFAR: two files with other lengths."""
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as archive:
            for name, data in (("batches.meta.txt", b"a b c d e f g h i j"), ("data_batch_1.bin", bytes(100))):
                info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return made.getvalue()

    def _cifar(self, data: bytes) -> object:
        """Read a hostile archive, compressed here so that it passes the checksum of gzip."""
        (self.folder / "hostile.tar.gz").write_bytes(gzip.compress(data, 1))
        return Cifar10(path=str(self.folder / "hostile.tar.gz")).read()

    def _checksums(self, data: bytes) -> object:
        """Read hostile checksums beside four tiny files in place of the pictures."""
        (self.folder / "checksums.json").write_bytes(data)
        return FashionMnist._check([self.folder / name for name in "abcd"], [np.zeros(1, np.uint8)] * 4)

    def _condition(self, data: bytes) -> object:
        facts: list[dict[str, Any]] = [{"name": "a", "test": {"accuracy": 0.5}}, {"name": "b"}]
        text = data.decode("utf-8", "replace")
        return run_table.select_runs(facts, [text], text[:20] or "name")

    def _in_run(self, name: str) -> Loader:
        """Return a loader that puts the file of that name into the run and reads the run.

        The checksum in the manifest is right for some inputs, and wrong for others.
        """

        def read(data: bytes) -> object:
            for known, pristine in self._pristine.items():
                (self.run.path / known).write_bytes(pristine)
            (self.run.path / name).write_bytes(data)
            if name in ("state.json", "resolved.yaml") and len(data) % 3 == 0:  # a run that is not complete
                (self.run.path / "MANIFEST.sha256").unlink()
            elif name != "MANIFEST.sha256" and len(data) % 2:
                (self.run.path / "MANIFEST.sha256").write_bytes(manifest.make_manifest(self.run.path))
            run = Run(self.run.path)
            seen = run_table.run_overview(run_table.read_facts([self.run])[0]), verify.verify_run(run)
            return seen, restore.load_model(run)

        return read
