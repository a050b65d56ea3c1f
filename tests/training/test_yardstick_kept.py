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
    assert found is not None
    (file,) = folder.glob("*.json")
    whole = file.read_bytes()
    file.write_bytes(damage)
    again = yardstick.measure_yardsticks(given, 100_000, folder)
    assert again is not None and again.numbers == found.numbers
    assert file.read_bytes() == whole


@pytest.mark.parametrize("damage", [b"", b"PK", None])
def test_numbers_without_their_predictions_are_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    """A folder of an older version, or a damaged one, gives the same numbers and the predictions, too."""
    given, folder = prepared(tmp_path), tmp_path / "shared"
    found = yardstick.measure_yardsticks(given, 100_000, folder)
    (file,) = folder.glob("*.npz")
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    again = yardstick.measure_yardsticks(given, 100_000, folder)
    assert found is not None and again is not None and again.numbers == found.numbers
    assert {name: array.tolist() for name, array in again.predicted.items()} == {
        name: array.tolist() for name, array in found.predicted.items()
    }
    assert file.is_file()
