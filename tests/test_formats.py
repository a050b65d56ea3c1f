"""Every command reads the folders of every format that any version wrote; `tests/formats/make.py` created them."""

import json
import re
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from dropout_cli.analysis.verify import FORMAT_RULES
from dropout_cli.runs import FORMAT, MANIFEST, manifest
from dropout_cli.sweeps.folder import SWEEP_FORMAT
from dropout_cli.sweeps.verify import RULES as SWEEP_RULES
from tests.commands import dropout
from tests.formats.make import HERE
from tests.formats.moving import at_home, copied

EVERY = pytest.mark.parametrize("number", range(1, FORMAT + 1))
EVERY_SWEEP = pytest.mark.parametrize("number", range(1, SWEEP_FORMAT + 1))
RUNS = ("table", "regression", "pictures", "averaged")
"""Those that are complete."""
SWEEPS = ("sweep-finished", "sweep-interrupted", "tune-small")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded pictures are kept in the user's folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))


def ends(*command: str, cwd: Path, code: int = 0) -> CompletedProcess[str]:
    """Run the command, which ends with that code."""
    done = dropout(*command, cwd=cwd)
    assert done.returncode == code, (command, done.stdout, done.stderr)
    return done


def read(path: Path) -> "dict[str, object]":
    """A JSON file."""
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_there_are_folders_of_every_format() -> None:
    """The present one is the last, and nothing in them leads to the machine that made them."""
    assert sorted(int(path.name) for path in HERE.iterdir() if path.name.isdigit()) == list(range(1, SWEEP_FORMAT + 1))
    for number in range(1, SWEEP_FORMAT + 1):
        assert {*SWEEPS} <= {path.name for path in (HERE / str(number)).iterdir()}
    for number in range(1, FORMAT + 1):
        assert {*RUNS, "interrupted", "diverged"} <= {path.name for path in (HERE / str(number)).iterdir()}
    assert sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file()) < 3_000_000


def test_every_format_has_rules() -> None:
    """For runs and for sweeps: a number that was right once is right for ever."""
    assert set(FORMAT_RULES) == set(range(1, FORMAT + 1))
    assert set(SWEEP_RULES) == set(range(1, SWEEP_FORMAT + 1))


@EVERY_SWEEP
def test_a_folder_is_right_by_the_rules_of_the_format_that_it_states(number: int, tmp_path: Path) -> None:
    """Byte for byte as it was written, far from its data."""
    runs = copied(number, tmp_path)
    for run in sorted(path.parent for path in runs.glob(f"*/{MANIFEST}")):
        ends("verify", str(run), cwd=tmp_path)
    for sweep in SWEEPS:
        ends("verify", str(runs / sweep), cwd=tmp_path)
    ends("verify", str(runs / "tune-small/finals"), cwd=tmp_path)
    if number <= FORMAT:
        assert "interrupted" in ends("verify", str(runs / "interrupted"), cwd=tmp_path, code=4).stdout


@EVERY
def test_a_changed_number_is_wrong_by_the_rules_of_every_format(number: int, tmp_path: Path) -> None:
    """In a summary whose manifest was made to fit."""
    runs = copied(number, tmp_path)
    for name, key in (("averaged", "nll"), ("table", "brier"), ("regression", "rmse")):
        path = runs / name / "summary.json"
        summary = json.loads(path.read_text())
        summary["test"][key] += 1e-6
        path.write_text(json.dumps(summary))
        (runs / name / MANIFEST).write_bytes(manifest.make_manifest(runs / name))
        assert key in ends("verify", str(runs / name), cwd=tmp_path, code=4).stdout


@EVERY_SWEEP
def test_a_changed_number_in_a_table_is_wrong_by_the_rules_of_every_format(number: int, tmp_path: Path) -> None:
    """In each table of a sweep."""
    runs = copied(number, tmp_path)
    for name in ("results.csv", "summary.csv", "comparisons.csv"):
        path = runs / "sweep-finished" / name
        kept = path.read_bytes()
        path.write_bytes(kept.replace(b"0.", b"0.1", 1))
        said = ends("verify", str(runs / "sweep-finished"), cwd=tmp_path, code=4)
        assert f"the first: {name}" in said.stderr
        path.write_bytes(kept)


@EVERY
def test_what_needs_no_data_works_without_them(number: int, tmp_path: Path) -> None:
    """Runs can be shown, reported, compared and used for predictions; other commands name the missing files."""
    runs = copied(number, tmp_path)
    told = ends("runs", cwd=tmp_path).stdout
    for name in (*RUNS, "interrupted", "diverged"):
        assert name in told
        ends("show", str(runs / name), cwd=tmp_path)
        ends("show", str(runs / name), "--json", cwd=tmp_path)
    for name in RUNS:
        page = ends("report", str(runs / name), cwd=tmp_path).stdout.strip()
        assert Path(page).stat().st_size > 10_000
        ends("verify", str(runs / name), cwd=tmp_path)
    for metric in ("test.accuracy", "val.nll"):
        ends("compare", str(runs / "table"), str(runs / "averaged"), "--metric", metric, cwd=tmp_path)
    rows = str(tmp_path / "data/new_rows.csv")
    ends("predict", str(runs / "table"), rows, "--output", str(tmp_path / "plain.csv"), cwd=tmp_path)
    ends("predict", str(runs / "table"), rows, "--mc", "2", "--output", str(tmp_path / "mc.csv"), cwd=tmp_path)
    assert len((tmp_path / "plain.csv").read_text().splitlines()) == 3
    for name in ("table", "pictures"):
        (line,) = ends("eval", str(runs / name), cwd=tmp_path, code=3).stderr.splitlines()
        assert "/data/" in line


@EVERY
@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_asked_again(number: int, name: str, tmp_path: Path) -> None:
    """Evaluated, drawn and shown; its numbers are those of its summary, and it stays right."""
    run = at_home(copied(number, tmp_path) / name)
    before = json.loads((run / "summary.json").read_text())
    ends("eval", str(run), "--no-plots", cwd=tmp_path)
    evaluated = json.loads((run / f"after/eval-test-{before['checkpoint']}/metrics.json").read_text())
    for key, value in before["test"].items():
        if isinstance(value, float):
            assert evaluated[key] == pytest.approx(value, rel=1e-5), key
    ends("eval", str(run), "--split", "val", "--checkpoint", "last", "--mc", "2", "--thinned", "1", cwd=tmp_path)
    ends("effects", str(run), "--examples", "3", cwd=tmp_path)
    ends("ensemble", str(run), "--networks", "3", "--no-plots", cwd=tmp_path)
    ends("show", str(run), "--figures", cwd=tmp_path)
    ends("verify", str(run), cwd=tmp_path)


@EVERY
@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_replayed_or_it_is_said_what_differs(number: int, name: str, tmp_path: Path) -> None:
    """The bytes may be others on another machine, which is then named; elsewhere they are the same."""
    run = at_home(copied(number, tmp_path) / name)
    done = dropout("verify", str(run), "--replay", "--quiet", cwd=tmp_path)
    assert done.returncode in (0, 4), done.stderr
    assert len(done.stderr.splitlines()) == (done.returncode == 4)
    assert "is the same as far as is known" not in done.stdout, done.stdout


@EVERY
def test_runs_go_on(number: int, tmp_path: Path) -> None:
    """One that was interrupted comes to its end, one that is complete becomes longer, one that failed is refused."""
    runs = copied(number, tmp_path)
    for path in (runs / "interrupted", *runs.glob("*_interrupted_*")):
        ends("eval", str(path), "--no-plots", cwd=tmp_path)
        ends("resume", str(path), "--no-plots", cwd=tmp_path)
        ends("verify", str(path), cwd=tmp_path)
    for path in (at_home(runs / "table"), runs / "averaged", runs / "regression", *runs.glob("*_completed_*")):
        ends("resume", str(path), "--epochs", "6", "--no-plots", cwd=tmp_path)
        ends("verify", str(path), cwd=tmp_path)
    (line,) = ends("resume", str(runs / "diverged"), cwd=tmp_path, code=2).stderr.splitlines()
    assert "this run failed" in line


@EVERY
def test_new_runs_take_from_it(number: int, tmp_path: Path) -> None:
    """Weights to start from, and soft targets."""
    runs = copied(number, tmp_path)
    for path in (runs / "averaged", at_home(runs / "table")):
        for taken in ([f"training.init_from={path}"], ["objective.name=distillation", f"objective.teacher={path}"]):
            ends("train", str(path / "resolved.yaml"), *taken, "--no-plots", cwd=tmp_path)


@EVERY_SWEEP
def test_a_finished_sweep_trains_nothing_again(number: int, tmp_path: Path) -> None:
    """Its cells keep their bytes, and its tables are right afterwards."""
    sweep = copied(number, tmp_path) / "sweep-finished"
    for command in (["compare"], ["report"], ["verify"]):
        ends(*command, str(sweep), cwd=tmp_path)
    cells = {path: path.read_bytes() for path in sweep.glob("cells/*/MANIFEST.sha256")}
    assert len(cells) == 4
    asked = ("sweep", str(tmp_path / "configs/sweep.yaml"), "--out", str(sweep), "--no-plots")
    for older in (number < SWEEP_FORMAT, False):
        said = ends(*asked, cwd=tmp_path).stderr
        same = (
            f"{sweep}: continues with one split for all runs, as it began. For a split per run, use --splits each"
            in said
        )
        assert same == (number < SWEEP_FORMAT)
        assert (f"its tables have the old format {number} and are rewritten in format {SWEEP_FORMAT}" in said) == older
    assert read(sweep / "plan.json")["format"] == SWEEP_FORMAT
    assert {path: path.read_bytes() for path in sweep.glob("cells/*/MANIFEST.sha256")} == cells
    assert len(read(sweep / "plan.json")["generations"]) == 1  # type: ignore[arg-type]
    ends("verify", str(sweep), cwd=tmp_path)
    ends(*asked, "--seeds", "3", cwd=tmp_path)
    planned = read(sweep / "plan.json")
    assert planned["splits"] == ("same" if number < SWEEP_FORMAT else "each")
    splits = {cell["split_seed"] for cell in planned["cells"]}  # type: ignore[attr-defined]
    assert splits == ({0} if number < SWEEP_FORMAT else {0, 1, 2})
    assert cells.items() <= {path: path.read_bytes() for path in sweep.glob("cells/*/MANIFEST.sha256")}.items()
    cell = next(sweep.glob("cells/*"))
    ends("show", str(cell), "--figures", cwd=tmp_path)


@EVERY_SWEEP
def test_an_interrupted_sweep_goes_on(number: int, tmp_path: Path) -> None:
    """From the cells that are complete, and from the epoch that its last one had reached."""
    sweep = copied(number, tmp_path) / "sweep-interrupted"
    for command in (["compare"], ["report"], ["verify"]):
        ends(*command, str(sweep), cwd=tmp_path)
    cells = {path: path.read_bytes() for path in sweep.glob("cells/*/MANIFEST.sha256")}
    (partial,) = sweep.glob("cells/*.partial")
    ends("sweep", str(tmp_path / "configs/sweep.yaml"), "--out", str(sweep), "--no-plots", cwd=tmp_path)
    assert len(list(sweep.glob("cells/*/MANIFEST.sha256"))) == 4
    assert cells.items() <= {path: path.read_bytes() for path in sweep.glob("cells/*/MANIFEST.sha256")}.items()
    sessions = read(partial.with_suffix("") / "state.json")["sessions"]
    assert len(sessions) == 2  # type: ignore[arg-type]
    ends("verify", str(sweep), cwd=tmp_path)


@EVERY_SWEEP
def test_a_finished_search_trains_nothing_again(number: int, tmp_path: Path) -> None:
    """Trials, finals and fresh runs keep their bytes."""
    search = copied(number, tmp_path) / "tune-small"
    for command in (["compare"], ["report"]):
        ends(*command, str(search), cwd=tmp_path)
    cells = {path: path.read_bytes() for path in search.rglob("cells/*/MANIFEST.sha256")}
    done = ends("tune", str(tmp_path / "configs/tune.yaml"), "--out", str(search), "--no-plots", cwd=tmp_path)
    assert done.stderr.count("continues with one split for all runs, as it began") == (number < SWEEP_FORMAT)
    assert {path: path.read_bytes() for path in search.rglob("cells/*/MANIFEST.sha256")} == cells
    ends("verify", str(search), cwd=tmp_path)


NEWER = max(FORMAT, SWEEP_FORMAT) + 1
READING = [
    ["show", "{averaged}"],
    ["verify", "{averaged}"],
    ["verify", "{averaged}", "--replay"],
    ["eval", "{averaged}"],
    ["eval", "{averaged}", "--checkpoint", "last"],
    ["eval", "{averaged}", "--mc", "2"],
    ["effects", "{averaged}"],
    ["ensemble", "{averaged}"],
    ["ensemble", "{averaged}", "--exact"],
    ["predict", "{averaged}", "{rows}"],
    ["report", "{averaged}"],
    ["compare", "{averaged}"],
    ["resume", "{averaged}", "--epochs", "9"],
    ["resume", "{interrupted}"],
    ["eval", "{interrupted}"],
    ["verify", "{interrupted}"],
    ["runs", "{averaged}"],
    ["train", "{config}", "training.init_from={averaged}"],
    ["train", "{config}", "objective.name=distillation", "objective.teacher={averaged}"],
    ["compare", "{sweep}"],
    ["ensemble", "{sweep}"],
    ["report", "{sweep}"],
    ["verify", "{sweep}"],
    ["sweep", "{config}", "dropout.rate=0,0.4", "--out", "{sweep}"],
    ["tune", "{search_config}", "--out", "{search}"],
]


def test_a_newer_format_is_refused_by_every_command_that_reads_it(tmp_path: Path) -> None:
    """One line with place, fact and way out; exit code 2, and nothing is written."""
    runs = copied(FORMAT, tmp_path)
    for path in [*runs.glob("*/state.json"), *runs.glob("*/summary.json"), *runs.glob("*/plan.json")]:
        path.write_text(re.sub(r'"format": \d,', f'"format": {NEWER},', path.read_text()))
        if (path.parent / MANIFEST).is_file():
            (path.parent / MANIFEST).write_bytes(manifest.make_manifest(path.parent))
    places = {name: str(runs / name) for name in ("averaged", "interrupted")}
    places |= {"sweep": str(runs / "sweep-finished"), "search": str(runs / "tune-small")}
    places |= {"config": str(tmp_path / "configs/small.yaml"), "rows": str(tmp_path / "data/new_rows.csv")}
    places |= {"search_config": str(tmp_path / "configs/tune.yaml")}
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for command in READING:
        done = ends(*(word.format(**places) for word in command), cwd=tmp_path, code=2)
        (line,) = done.stderr.splitlines()
        newest = (FORMAT, SWEEP_FORMAT)["plan.json" in line]
        assert f"has format {NEWER}, newer than {newest}. Update dropout-cli." in line, command
        assert done.stdout == "", command
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == before
