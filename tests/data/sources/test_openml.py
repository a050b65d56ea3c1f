"""Tables of openml.org, from answers that are kept; nothing here goes online."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.core.errors import DataError
from dropout_cli.data import load_dataset
from dropout_cli.data.sources.openml import OpenML

ARFF = """@RELATION pets
@ATTRIBUTE weight REAL
@ATTRIBUTE color {red,blue}
@ATTRIBUTE kind {cat,dog}
@DATA
""" + "".join(f"{n}.5,{'red' if n % 3 else 'blue'},{'cat' if n % 2 else 'dog'}\n" for n in range(40))


def answers(home: Path) -> None:
    """Write the answers of the server for dataset 7, as scikit-learn caches them."""
    features = [
        {"index": str(place), "name": name, "data_type": kind, "is_ignore": "false", "is_row_identifier": "false"}
        | {"is_target": str(name == "kind").lower(), "number_of_missing_values": "0"}
        for place, (name, kind) in enumerate((("weight", "numeric"), ("color", "nominal"), ("kind", "nominal")))
    ]
    described = {
        "id": "7",
        "name": "pets",
        "version": "1",
        "description": "made up for this test",
        "status": "active",
        "format": "ARFF",
        "file_id": "1",
        "md5_checksum": hashlib.md5(ARFF.encode()).hexdigest(),
        "url": "https://api.openml.org/data/v1/download/1/pets.arff",
        "default_target_attribute": "kind",
    }
    said = {
        "api/v1/json/data/7.gz": {"data_set_description": described},
        "api/v1/json/data/features/7.gz": {"data_features": {"feature": features}},
        "api/v1/json/data/qualities/7.gz": {"data_qualities": {"quality": []}},
    }
    for name, answer in said.items():
        file = home / "openml/openml/openml.org" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(json.dumps(answer).encode()))
    file = home / "openml/openml/openml.org/data/v1/download/1/pets.arff.gz"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(ARFF.encode()))


def test_a_kept_answer_is_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers, words, and the target that the server names."""
    answers(tmp_path)
    monkeypatch.setenv("DROPOUT_DATA", str(tmp_path))
    found = OpenML(id=7).read()
    assert found.classes == ("cat", "dog") and found.columns[1].categories == ("blue", "red")
    np.testing.assert_array_equal(found.x[:3, 0], [0.5, 1.5, 2.5])
    assert len(load_dataset(OpenML(id=7)).test) == 8


def test_offline_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With where the data would have been looked for."""
    import socket

    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    monkeypatch.setenv("DROPOUT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"openml 9.*cannot be downloaded"):
        OpenML(id=9).read()
