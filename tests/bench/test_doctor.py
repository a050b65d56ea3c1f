"""`dropout doctor`: the facts that it reports about a machine, and those that it hides."""

import json
from pathlib import Path

import pytest

from dropout_cli.bench import doctor
from tests.commands import dropout


def test_a_machine_that_trains_is_fine(tmp_path: Path) -> None:
    """Exit 0, a row per thing looked at, nothing left behind."""
    done = dropout("doctor", "--seconds", "0", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    for what in (
        "numpy",
        "linear algebra",
        "memory",
        "disk",
        "runs",
        "locks",
        "determinism",
        "mnist",
        "variants",
        "optuna",
    ):
        assert any(line.strip().startswith(what) for line in done.stdout.splitlines()), what
    assert list(tmp_path.iterdir()) == []


def test_what_an_extra_would_bring_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version where it is installed, else how to install it; neither is wrong."""
    found = {one.what: one for one in doctor._versions()}
    assert not found["optuna"].wrong and not found["distributed"].wrong
    monkeypatch.setattr(doctor, "EXTRAS", {"no-such-package": "tune"})
    missing = {one.what: one for one in doctor._versions()}["no-such-package"]
    assert (missing.value, missing.wrong) == (
        "not installed; install it with `pip install '.[tune]'` in the source folder",
        "",
    )


def test_json_names_neither_user_nor_home(tmp_path: Path) -> None:
    """It is made for bug reports."""
    home = tmp_path / "somebody"
    home.mkdir()
    env = {"HOME": str(home), "DROPOUT_DATA": str(home / "data"), "USER": "somebody", "LOGNAME": "somebody"}
    done = dropout("doctor", "--seconds", "0", "--json", "--runs-dir", str(home / "runs"), cwd=tmp_path, env=env)
    found = json.loads(done.stdout)
    assert found["fine"] and "somebody" not in done.stdout and "~/runs" in done.stdout
    assert {"what", "value", "wrong"} == set(found["findings"][0])


@pytest.mark.parametrize("place", ["/dev/null/runs", "file"])
def test_a_place_that_cannot_hold_runs_is_named(place: str, tmp_path: Path) -> None:
    """Exit 1, one line on stderr, and the way out in the table."""
    (tmp_path / "file").touch()
    done = dropout("doctor", "--seconds", "0", "--runs-dir", place, cwd=tmp_path)
    assert done.returncode == 1 and "--runs-dir" in done.stdout
    assert len(done.stderr.splitlines()) == 1 and "found a problem" in done.stderr


def test_a_check_that_fails_is_a_finding_like_others(tmp_path: Path) -> None:
    """There is no traceback: the finding names the check, and the later checks are made."""
    done = dropout("doctor", "--seconds", "0", "--json", "--runs-dir", "x" * 300, cwd=tmp_path)
    found = {one["what"]: one["wrong"] for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "OSError" in found["runs"] and found["determinism"] == ""


def test_weights_that_differ_between_equal_trainings_are_noticed() -> None:
    """For each thread count on its own; different bytes with another thread count are only reported."""
    findings = list(doctor.determinism_findings({1: ["a", "a"], 2: ["b", "c"]}))
    assert [bool(one.wrong) for one in findings] == [True] and "2 threads" in findings[0].wrong
    fine = list(doctor.determinism_findings({1: ["a", "a"], 2: ["b", "b"]}))
    assert not any(one.wrong for one in fine) and "different bytes" in fine[1].value


def test_the_self_test_compares_real_trainings() -> None:
    """At least two for each thread count, within about the time that it was given."""
    found = {one.what: one for one in doctor.self_test(0)}
    assert int(found["determinism"].value.split()[0]) >= 2 and not found["determinism"].wrong
    assert doctor.small_run_digest(1) == doctor.small_run_digest(1)
