"""Whole commands are measured in turn, and no file remains."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropout_cli.bench import commands, processes
from dropout_cli.bench.processes import Program, ScriptFailed
from dropout_cli.core.errors import RunFailed


def ignore(text: str) -> None:
    """Watch nothing."""


def python(code: str, *, is_ours: bool) -> Program:
    """A program of one line."""
    return Program((sys.executable, "-c", code, "{folder}"), is_ours)


def test_contenders_take_turns_and_medians_are_compared() -> None:
    """Another one goes first in each round; the ratio is theirs / ours."""
    order: list[str] = []

    def turn(name: str, times: list[float]) -> commands.Turn:
        left: Iterator[float] = iter(times)

        def take() -> float:
            order.append(name)
            return next(left)

        return take

    turns = {"ours": turn("ours", [3.0, 1.0, 2.0]), "torch": turn("torch", [9.0, 5.0, 7.0])}
    row = commands.compare_in_turns("name", "command", turns, 3, ignore)
    assert order == ["ours", "torch", "torch", "ours", "ours", "torch"]
    assert (row.low, row.seconds, row.high) == (1.0, 2.0, 3.0)
    assert row.others == {"torch": 7.0} and row.ratios == {"torch": 3.5}


def test_a_contender_that_cannot_do_it_is_left_out_and_it_is_said() -> None:
    """Our own numbers stay."""

    def fail() -> float:
        raise ScriptFailed("it has no such thing")

    said: list[str] = []
    row = commands.compare_in_turns("name", "command", {"torch": fail, "ours": lambda: 1.0}, 2, said.append)
    assert row.seconds == 1.0 and not row.others and not row.ratios
    assert said == ["'name' is measured without torch: it has no such thing"]


def test_a_program_is_told_its_places_and_run_to_its_end(tmp_path: Path) -> None:
    """A word in braces is a path; a failure of `dropout` ends the measurement, another program is left out."""
    made = tmp_path / "made"
    assert processes.run_program(python("import sys; open(sys.argv[1], 'w')", is_ours=True), {"folder": made}) > 0
    assert made.is_file()
    broken = "import sys; sys.exit('it is broken')"
    with pytest.raises(ScriptFailed, match="it is broken"):
        processes.run_program(python(broken, is_ours=False), {"folder": made})
    with pytest.raises(RunFailed, match="it is broken"):
        processes.run_program(python(broken, is_ours=True), {"folder": made})


def test_what_nobody_wrote_commands_for_is_left_out_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is everything where there is no source tree."""
    said: list[str] = []
    assert processes.available_frameworks(["jax"], said.append) == []
    assert said == ["jax is left out: it has no scripts for whole commands"]
    monkeypatch.setattr(processes, "ROOT", tmp_path)
    assert processes.available_frameworks(["torch"], said.append) == []
    assert "of the source tree only" in said[1]


def test_saving_and_reading_are_measured_and_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If MNIST is missing, it is left out with a line that says so."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("DROPOUT_DATA", "XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    said: list[str] = []
    rows = commands.measure_commands("io", (), 1, said.append)
    assert [row.name for row in rows] == ["save", "read"] and all(row.seconds > 0 for row in rows)
    assert any("MNIST is not on this machine" in line for line in said)
    assert list(tmp_path.iterdir()) == []
