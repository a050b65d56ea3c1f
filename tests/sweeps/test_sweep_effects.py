"""Hidden layers of the runs of a sweep: means over seeds, files in the manifest, a section of the report."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.report import sweep_report
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.inspections import read_sweep_inspections, write_sweep_inspection
from dropout_cli.sweeps.sweep_effects import inspect_sweep
from dropout_cli.sweeps.verify import verify_sweep
from tests.commands import dropout
from tests.small_sweep import BASE

QUICK = ("--seeds", "2", "--jobs", "1", "--no-plots", "--quiet")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep of rates, and one of variants."""
    here = tmp_path_factory.mktemp("sweeps")
    (here / "base.yaml").write_text(BASE)
    for values, out in (("dropout.rate=0,0.2,0.6", "rates"), ("dropout.variant=none,inverted", "variants")):
        done = dropout("sweep", "base.yaml", values, *QUICK, "--out", out, cwd=here)
        assert done.returncode == 0, done.stderr
    return here


def test_settings_have_mean_and_deviation_of_their_runs(home: Path) -> None:
    """settings.csv agrees with runs.csv, and the figure with both."""
    folder = SweepFolder(home / "rates")
    found = inspect_sweep(folder)
    write_sweep_inspection(folder, found, images=False)
    runs, settings = (
        list(csv.DictReader((home / f"rates/effects/{name}.csv").read_text().splitlines()))
        for name in ("runs", "settings")
    )
    assert len(runs) == 6 and {row["seed"] for row in runs} == {"0", "1"}
    for row in settings:
        key = "dead_units" if row["statistic"] == "share_of_dead_units" else row["statistic"]
        values = [float(one[key]) for one in runs if one["dropout.rate"] == row["dropout.rate"]]
        values = [value / 8 if key == "dead_units" else value for value in values]
        assert float(row["mean"]) == pytest.approx(np.mean(values))
        assert float(row["sd"]) == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    (figure,) = found.figures
    assert figure.drawing == "effects_rates" and set(figure.columns["dropout.rate"]) == {0.0, 0.2, 0.6}
    means = [float(row["mean"]) for row in settings if row["statistic"] == "mean"]
    assert list(figure.columns["value"][:3]) == pytest.approx(means)


def test_a_number_of_examples_has_a_folder_of_its_own(home: Path, tmp_path: Path) -> None:
    """The sweep stays clean with both studies."""
    shutil.copytree(home / "variants", tmp_path / "variants")
    for words in ((), ("--examples", "40")):
        assert dropout("effects", "variants", *words, "--no-plots", cwd=tmp_path).returncode == 0
    assert (tmp_path / "variants/effects/runs.csv").is_file() and (tmp_path / "variants/effects-n40/runs.csv").is_file()
    assert dropout("verify", "variants", cwd=tmp_path).returncode == 0


def test_a_swept_key_that_is_no_rate_gives_the_values_of_each_setting(home: Path) -> None:
    """One marker per setting and layer, with a bar of one standard deviation."""
    (figure,) = inspect_sweep(SweepFolder(home / "variants")).figures
    assert figure.drawing == "effects_statistics"
    assert list(dict.fromkeys(figure.columns["setting"])) == ["none", "inverted"]
    rows = list(zip(*(figure.columns[name] for name in ("low", "value", "high")), strict=True))
    assert all(low <= value <= high for low, value, high in rows) and any(low < high for low, _, high in rows)
    assert figure.draw().startswith(b"\x89PNG")


def test_the_manifest_covers_the_results_and_the_report_shows_them(home: Path) -> None:
    """`dropout verify` finds nothing wrong, and notices a later change of a file."""
    done = dropout("effects", "rates", cwd=home)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "rates/effects"
    folder = SweepFolder(home / "rates")
    assert all(check.right for check in verify_sweep(folder))
    (stored,) = read_sweep_inspections(folder)
    assert stored is not None
    page = sweep_report(folder).decode()
    assert "Effects on hidden layers</h2>" in page and stored.figures[0].finding in page
    before = {path.name: path.read_bytes() for path in (home / "rates/effects").iterdir()}
    printed = json.loads(dropout("effects", "rates", "--json", cwd=home).stdout)["effects"]
    assert printed["keys"] == ["dropout.rate"] and [one["runs"] for one in printed["settings"]] == [2, 2, 2]
    assert {path.name: path.read_bytes() for path in (home / "rates/effects").iterdir()} == before
    again = dropout("sweep", "base.yaml", "dropout.rate=0,0.2,0.6", *QUICK, "--out", "rates", cwd=home)
    assert again.returncode == 0 and all(check.right for check in verify_sweep(folder))
    changed = home / "rates/effects/settings.csv"
    kept = changed.read_bytes()
    changed.write_bytes(kept + b"1")
    assert [check.what for check in verify_sweep(folder) if not check.right] == ["effects/settings.csv"]
    changed.write_bytes(kept)


def test_a_sweep_without_the_study_has_no_section(home: Path) -> None:
    """Its report is as before."""
    folder = SweepFolder(home / "variants")
    assert not read_sweep_inspections(folder) and "Effects on hidden layers" not in sweep_report(folder).decode()


def test_a_damaged_study_does_not_hide_the_rest_of_the_report(home: Path) -> None:
    """The page names the damaged file and has all its other sections; `verify` fails."""
    done = dropout("effects", "variants", cwd=home)
    assert done.returncode == 0
    for file, damages in {
        "results.json": (b"{", b'{"format": 1}', b"[]", b"null", b"\xff\x00"),
        "statistics.csv": (b"\xff\x00", b"", b"a,b\n1\n", b"nothing\n1\n"),
    }.items():
        path = home / "variants/effects" / file
        kept = path.read_bytes()
        for damage in damages:
            path.write_bytes(damage)
            page = sweep_report(SweepFolder(home / "variants")).decode()
            assert "This study cannot be shown" in page and "Settings</h2>" in page, (file, damage)
        path.write_bytes(kept)
    assert "This study cannot be shown" not in sweep_report(SweepFolder(home / "variants")).decode()


def test_a_link_in_place_of_a_study_is_not_followed(home: Path, tmp_path: Path) -> None:
    """The report says that the study cannot be shown."""
    assert dropout("effects", "variants", cwd=home).returncode == 0
    (tmp_path / "secret.json").write_text("{}")
    results = home / "variants/effects/results.json"
    kept = results.read_bytes()
    results.unlink()
    results.symlink_to(tmp_path / "secret.json")
    page = sweep_report(SweepFolder(home / "variants")).decode()
    assert "This study cannot be shown" in page
    results.unlink()
    results.write_bytes(kept)
