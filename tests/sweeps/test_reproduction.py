"""Published and measured values stand side by side, and the test labels decide nothing."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from dropout_cli.statistics import Interval
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.reproduction.catalog import bundled_papers
from dropout_cli.sweeps.reproduction.load import load_reproduction
from dropout_cli.sweeps.reproduction.measure import MeasuredRow, measure_folder
from dropout_cli.sweeps.reproduction.row import choices_direction
from dropout_cli.sweeps.reproduction.sentences import table_notes
from tests.commands import dropout
from tests.small_paper import DISTILLED, LINE, PAPER, write_paper


def reproduce(folder: Path, *words: str, code: int = 0, text: str = PAPER, shuffled: bool = False) -> SweepFolder:
    """Reproduce a small paper, and return its folder."""
    folder.mkdir(exist_ok=True)
    paper = write_paper(folder, text, shuffled=shuffled)
    out = folder / "out"
    found = dropout(
        "reproduce", str(paper), "--out", str(out), "--quiet", "--no-plots", "--jobs", "1", *words, cwd=folder
    )
    assert found.returncode == code, found.stderr
    return SweepFolder(out)


def test_test_labels_decide_nothing(tmp_path: Path) -> None:
    """With other test labels, the choice and the weights are the same; only test scores differ."""
    first = reproduce(tmp_path / "a", "--scale", "smoke")
    second = reproduce(tmp_path / "b", "--scale", "smoke", shuffled=True)
    one, other = measure_folder(first), measure_folder(second)
    assert {row: [c.values for c in its] for row, its in one.stored.chosen.items()} == {
        row: [c.values for c in its] for row, its in other.stored.chosen.items()
    }
    assert one.stored.chosen["drop"][0].score == other.stored.chosen["drop"][0].score
    for row, ids in one.stored.runs.items():
        for id, other_id in zip(ids, other.stored.runs[row], strict=True):
            ours, theirs = (
                load_file(folder.cell(one_id) / "checkpoints" / "last.safetensors")
                for folder, one_id in ((first, id), (second, other_id))
            )
            assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert [row.mean for row in one.rows if row.n] != [row.mean for row in other.rows if row.n]


def test_a_reproduction_is_a_sweep(tmp_path: Path) -> None:
    """It is extended by seeds, verified and reported; at the scale full, a value that fails gives exit code 4."""
    folder = reproduce(tmp_path / "a", "--scale", "full", code=4)
    table = measure_folder(folder)
    assert [row.n for row in table.rows] == [3, 3, 0]
    assert table.rows[2].verdict == "not run"
    reproduce(tmp_path / "a", "--scale", "full", "--seeds", "4", code=4)
    assert [row.n for row in measure_folder(folder).rows] == [4, 4, 0]
    verified = dropout("verify", str(folder.path), cwd=tmp_path)
    assert verified.returncode == 0, verified.stdout
    assert "published.json" in verified.stdout
    assert dropout("report", str(folder.path), cwd=tmp_path).returncode == 0
    assert b"Published and measured" in folder.read("report.html")
    content = json.loads(folder.read("published.json"))
    content["rows"][0]["published"] = 1.0
    (folder.path / "published.json").write_text(json.dumps(content))
    assert dropout("verify", str(folder.path), cwd=tmp_path).returncode == 4


def test_rows_share_runs_teachers_and_choices_of_a_seed(tmp_path: Path) -> None:
    """All students learn from the first teacher; a second metric reads the same runs; each seed has its choice."""
    folder = reproduce(tmp_path / "a", "--scale", "smoke", text=DISTILLED)
    table = measure_folder(folder)
    rows = {row.row.name: row for row in table.rows}
    teacher, *_ = table.stored.runs["teacher"]
    students = table.stored.runs["student"]
    assert table.stored.runs["student_nll"] == table.stored.runs["student"]
    assert rows["student_nll"].n == len(students) == 2
    summaries = [json.loads((folder.cell(id) / "summary.json").read_bytes()) for id in students]
    assert math.isclose(rows["student_nll"].mean, np.mean([one["test"]["nll"] for one in summaries]))
    for id in students:
        assert f"cells/{teacher}" in (folder.cell(id) / "resolved.yaml").read_text()
    assert [one.replicate for one in table.stored.chosen["drop"]] == [(0, 0, 0), (1, 0, 0)]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_after_sigkill_the_same_command_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """Killed while it chooses, and while it trains the teacher, the students or the rest."""
    place = tmp_path / "a"
    whole = reproduce(place, "--scale", "smoke", text=DISTILLED).path.rename(tmp_path / "whole")
    command = [sys.executable, "-m", "dropout_cli", "reproduce", "paper.yaml", "--out", "out", "--scale", "smoke"]
    kills = 0
    for wanted in (("out/choices/cells/*/summary.json", 1), *(("out/cells/*/summary.json", n) for n in (1, 3, 5))):
        process = subprocess.Popen(
            [*command, "--quiet", "--no-plots", "--jobs", "1"], cwd=place, start_new_session=True
        )
        while process.poll() is None and len(list(place.glob(wanted[0]))) < wanted[1]:
            time.sleep(0.01)
        kills += process.poll() is None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert kills >= 2
    again = reproduce(place, "--scale", "smoke", text=DISTILLED).path
    for name in ("published.json", "published.csv", "reproduction.json", "results.csv", "choices/results.csv"):
        assert (again / name).read_bytes() == (whole / name).read_bytes(), name


def test_some_rows_are_trained_alone_and_the_others_later(tmp_path: Path) -> None:
    """`--rows` leaves the rest untrained; an unknown row is refused."""
    folder = reproduce(tmp_path / "a", "--scale", "smoke", "--rows", "none")
    assert [row.n for row in measure_folder(folder).rows] == [3, 0, 0]
    first = {path: path.stat().st_mtime_ns for path in folder.path.glob("cells/*/summary.json")}
    reproduce(tmp_path / "a", "--scale", "smoke")
    assert [row.n for row in measure_folder(folder).rows] == [3, 3, 0]
    assert all(path.stat().st_mtime_ns == then for path, then in first.items()) and len(first) == 3
    paper = write_paper(tmp_path)
    refused = dropout("reproduce", str(paper), "--rows", "nonne", cwd=tmp_path)
    assert refused.returncode == 2 and "nonne" in refused.stderr


def measured(published: float, mean: float, band: float, gain: float | None, tmp_path: Path) -> str:
    """Return the verdict on a row."""
    row = load_reproduction(write_paper(tmp_path)).rows["none"]
    given = row.given.__class__(label="x", published=published)
    row = row.__class__(**{**vars(row), "given": given})
    return MeasuredRow(row, 3, mean, 0.1, Interval(mean - 1, mean + 1), band, gain, 100, 3, 3).verdict


def test_a_verdict_follows_from_the_band(tmp_path: Path) -> None:
    """Inside the band: consistent, or underpowered if the band exceeds the gain. Outside: better or worse."""
    assert measured(1.0, 1.1, 0.2, 0.3, tmp_path) == "consistent"
    assert measured(1.0, 1.1, 0.2, None, tmp_path) == "consistent"
    assert measured(1.0, 1.1, 0.4, 0.3, tmp_path) == "underpowered"
    assert measured(1.0, 2.0, 1.5, None, tmp_path) == "underpowered"
    assert measured(1.0, 1.5, 0.2, 0.3, tmp_path) == "worse"
    assert measured(1.0, 0.5, 0.2, 0.3, tmp_path) == "better"
    assert measured(1.0, 1.5, math.nan, 0.3, tmp_path) == "one run"


def test_the_band_has_the_test_part_and_the_seeds(tmp_path: Path) -> None:
    """band = 2 sqrt(2 p (1 - p) / N + s^2 / n), in percent."""
    table = measure_folder(reproduce(tmp_path / "a", "--scale", "smoke"))
    row = table.rows[0]
    p = row.mean / 100
    expected = 2 * math.sqrt(2 * 100**2 * p * (1 - p) / 60 + row.sd**2 / 3)
    assert math.isclose(row.band, expected, rel_tol=1e-12)


def test_the_band_of_an_rmse_has_the_test_part_and_the_seeds(tmp_path: Path) -> None:
    """The standard error of a root mean squared error of N normal errors is RMSE / sqrt(2 N)."""
    row = measure_folder(reproduce(tmp_path / "a", "--scale", "smoke", text=LINE)).rows[0]
    assert math.isclose(row.band, 2 * math.sqrt(2 * row.mean**2 / (2 * 100) + row.sd**2 / 3), rel_tol=1e-12)


def test_show_prints_the_table_of_a_reproduction(tmp_path: Path) -> None:
    """Also as JSON; one seed is named as one."""
    folder = reproduce(tmp_path / "a", "--scale", "smoke", "--seeds", "1")
    shown = dropout("show", str(folder.path), cwd=tmp_path)
    assert shown.returncode == 0 and "published" in shown.stdout and "a kernel machine" in shown.stdout
    assert "1 seed (0) per row" in " ".join(shown.stdout.split())
    content = json.loads(dropout("show", str(folder.path), "--json", cwd=tmp_path).stdout)
    assert [row["row"] for row in content["reproduction"]["rows"]] == ["none", "drop", "other"]


@pytest.mark.parametrize("name", sorted(bundled_papers()))
def test_every_bundled_file_is_valid(name: str) -> None:
    """Every bundled reproduction has a row to train at each scale."""
    found = load_reproduction(bundled_papers()[name])
    assert all(found.trained_rows(scale) for scale in found.scales)


def test_a_later_call_does_not_shrink_the_table(tmp_path: Path) -> None:
    """Some rows or fewer words keep the other rows and the seeds; a changed file is said."""
    place = tmp_path / "a"
    reproduce(place, "--scale", "smoke", "--seeds", "2")
    folder = reproduce(place, "--scale", "smoke", "--rows", "drop")
    assert [row.n for row in measure_folder(folder).rows] == [2, 2, 0]
    folder = reproduce(place, "--scale", "smoke", "--rows", "drop", "--seeds", "4")
    table = measure_folder(folder)
    assert [row.n for row in table.rows] == [0, 4, 0]
    assert "Not run: no dropout. --rows left it out." in list(table_notes(table))
    again = dropout(
        "reproduce", "paper.yaml", "--out", "out", "--scale", "smoke", "--quiet", "--no-plots", "--jobs", "1", cwd=place
    )
    assert again.returncode == 0 and again.stderr == ""
    assert [row.n for row in measure_folder(folder).rows] == [4, 4, 0]
    (place / "paper.yaml").write_text(PAPER.replace("published: 18.0", "published: 17.0"))
    again = dropout(
        "reproduce", "paper.yaml", "--out", "out", "--scale", "smoke", "--quiet", "--no-plots", "--jobs", "1", cwd=place
    )
    assert again.returncode == 0 and "paper.yaml: has changed since the results in out" in again.stderr


def test_the_notes_name_chosen_values_as_other_tables_do(tmp_path: Path) -> None:
    """A chosen block is written like a setting, and several choices with their numbers."""
    paper = DISTILLED.replace(
        "choose: {dropout.rate: [0.1, 0.5]}",
        "choose: {dropout: [{variant: inverted, rate: 0.1, input_rate: 0.1}, {variant: gaussian, rate: 0.1}]}",
    )
    table = measure_folder(reproduce(tmp_path / "a", "--scale", "smoke", text=paper))
    (note,) = [line for line in table_notes(table) if line.startswith("Chosen")]
    choice = r"(inverted, rate 0.1, input_rate 0.1|gaussian, rate 0.1) \([12] of 2\)"
    assert re.fullmatch(rf"Chosen by val.error for dropout: {choice}(; {choice})?\.", note)


def test_likelihoods_of_monte_carlo_passes_can_be_rows_and_decide_choices() -> None:
    """A smaller negative log likelihood is better, also that of a mixture, which is no metric of its own."""
    found = load_reproduction(bundled_papers()["gal2016-uci"])
    assert found.document.choices is not None and found.document.choices.by.endswith("val.nll_log_mean_exp")
    assert choices_direction(found.document.choices) == "lower"
    assert {row.better for row in found.rows.values()} == {"lower"}


@pytest.mark.parametrize("name", sorted(bundled_papers()))
def test_changes_and_protocol_are_whole_sentences(name: str) -> None:
    """A comma in a YAML list without quotation marks would cut a sentence in two."""
    found = load_reproduction(bundled_papers()[name])
    changed = [text for row in found.rows.values() for text in row.given.changed]
    changed += [text for scale in found.scales.values() for text in scale.changed]
    assert all(text.endswith(".") and not text[0].islower() for text in (*changed, *found.document.protocol))
