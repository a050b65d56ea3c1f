"""The numbers of the simple models that the runs of a sweep keep for each other."""

from pathlib import Path

import pytest

from dropout_cli.training import yardstick
from tests.training.test_yardstick import prepared

DUMMY = b'{"test": {"accuracy": 0.1}, "val": null}'


@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"{}", b"[1]", b'{"dummy": 1', b"\xff", b'{"dummy": 5, "linear": null}'),
        b'{"dummy": %s, "linear": {"kind": ["x"], "test": {}}}' % DUMMY,
        b'{"dummy": {"test": {"accuracy": "0.1"}, "val": null}, "linear": null}',
        b'{"dummy": {"test": {"accuracy": 0.1}, "val": 3}, "linear": null}',
    ],
)
def test_a_damaged_file_of_shared_numbers_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    """It is worth no more than the time that it saves."""
    given, folder = prepared(tmp_path), tmp_path / "shared"
    found = yardstick.measure_yardsticks(given, 100_000, folder)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert yardstick.measure_yardsticks(given, 100_000, folder) == found
    assert file.read_bytes() == whole
