"""`dropout compare` compares existing runs and sweeps."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from dropout_cli.core.errors import UsageError
from dropout_cli.sweeps import collect, options, two_runs
from dropout_cli.sweeps import export_tables as printed
from dropout_cli.sweeps.notes import REQUESTED
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs
from tests import small_run
from tests.commands import TINY, dropout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three seeds of two variants as single runs, and a sweep."""
    folder = tmp_path_factory.mktemp("compare")
    for variant in ("none", "inverted"):
        for seed in range(3):
            small_run.train(folder, f"dropout={{variant: {variant}}}", f"seed={seed}", "training.epochs=1")
    (folder / "tiny.yaml").write_text(TINY)
    done = dropout("sweep", "tiny.yaml", "dropout.rate=0,0.5", "--seeds", "2", "--no-plots", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def paths(folder: Path) -> list[str]:
    """Return the single runs, oldest first."""
    return [str(path) for path in sorted((folder / "runs").iterdir()) if not path.name.startswith("sweep")]


def test_runs_are_grouped_by_what_differs(folder: Path) -> None:
    """Runs are grouped by variant, not by seed or by keys that only one variant has."""
    records, keys, left_out = collect.collect_runs(paths(folder), folder)
    assert (keys, left_out) == (["dropout.variant"], 0)
    found = compare_runs(records, keys, ComparisonSettings())
    (one,) = found.comparisons
    assert found.groups[one.baseline].values == {"dropout.variant": "none"}
    assert one.n == 3


def test_a_sweep_and_runs_go_together(folder: Path) -> None:
    """Sweeps and runs are grouped by all keys that differ; a sweep alone by its own keys."""
    sweep = str(folder / "runs" / "sweep-tiny")
    assert collect.collect_runs([sweep], folder)[1] == ["dropout.rate"]
    records, keys, _ = collect.collect_runs([sweep, *paths(folder)], folder)
    assert len(records) == 10
    assert {"architecture.hidden", "dropout.variant", "dropout.rate"} <= set(keys)
    by = collect.collect_runs([sweep, *paths(folder)], folder, ["dropout.variant"])[1]
    assert by == ["dropout.variant"]
    with pytest.raises(UsageError, match=r"no run has 'dropout\.rte'"):
        collect.collect_runs([sweep], folder, ["dropout.rte"])


def test_a_sweep_alone_is_compared_by_its_own_metric_and_margin(folder: Path) -> None:
    """An option replaces them."""
    words = ("base.yaml", "dropout.rate=0,0.4", "--seeds", "3", "--metric", "test.nll", "--margin", "5", "--out", "own")
    (folder / "base.yaml").write_text(TINY)
    assert dropout("sweep", *words, "--quiet", "--no-plots", cwd=folder).returncode == 0
    said = dropout("compare", "own", cwd=folder).stdout
    assert "test.nll" in said and "equal within 5" in said and "test.accuracy " not in said
    said = dropout("compare", "own", "--metric", "test.error", cwd=folder).stdout
    assert "test.error   95 % interval" in said and "equal within 5" in said


def test_several_keys_to_group_by_are_joined_by_commas(folder: Path) -> None:
    """As names of columns and metrics are."""
    sweep = str(folder / "runs" / "sweep-tiny")
    done = dropout(
        "compare", sweep, *paths(folder), "--by", "dropout.variant,dropout.rate", "--format", "csv", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dropout.variant,dropout.rate,")


def test_two_single_runs_get_mcnemars_test(folder: Path) -> None:
    """Two runs on the same test examples get a test; two on different ones get none."""
    first, *_, last = paths(folder)
    records = collect.collect_runs([first, last], folder)[0]
    said = two_runs.test_two_runs(records)
    assert said is not None
    assert "359 test examples" in said
    assert two_runs.test_two_runs(collect.collect_runs(paths(folder), folder)[0]) is None


def test_paths_come_from_standard_input_and_every_format_says_the_same(folder: Path) -> None:
    """Paths are read from a pipe; CSV, Markdown, LaTeX and JSON have the same numbers."""

    def compared(form: str) -> str:
        done = dropout("compare", "--format", form, "--test", "t", cwd=folder, given="\n".join(paths(folder)))
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = json.loads(compared("json"))
    mean = f"{shown['groups'][1]['metrics']['test.accuracy']['mean']:.4f}"
    rows = list(csv.DictReader(io.StringIO(compared("csv"))))
    assert rows[1]["test.accuracy"] == mean
    for form in ("table", "md", "latex"):
        assert mean in compared(form)
    assert compared("latex").startswith(r"\begin{tabular}{l")
    assert r"95 \% interval" in compared("latex")


SPECIAL = "a|b\\c_d%e&f#g$h{i}j~k^l<m>n*o`p[q]r"


def test_a_cell_means_nothing_to_markdown() -> None:
    """Characters with a meaning in Markdown or its extensions have a backslash, in headers and values."""
    cell = "a\\|b\\\\c\\_d%e\\&f\\#g\\$h\\{i\\}j\\~k\\^l\\<m\\>n\\*o\\`p\\[q\\]r"
    assert printed.as_markdown([SPECIAL], [[SPECIAL]]) == f"| {cell} |\n| --- |\n| {cell} |\n"


def test_a_cell_means_nothing_to_latex() -> None:
    """A backslash and other marks are spelled by name; a bracket or star after the end of a row is no argument."""
    cell = (
        r"a\textbar{}b\textbackslash{}c\_d\%e\&f\#g\$h\{i\}j\textasciitilde{}k\textasciicircum{}l\textless{}m"
        r"\textgreater{}n{*}o\textasciigrave{}p{[}q{]}r"
    )
    lines = printed.as_latex([SPECIAL], [[SPECIAL], ["[8, 8]"], ["*"]]).splitlines()
    assert (lines[2], lines[4:7]) == (cell + r" \\", [cell + r" \\", r"{[}8, 8{]} \\", r"{*} \\"])


@pytest.mark.parametrize("form", [printed.as_csv, printed.as_markdown, printed.as_latex])
def test_no_control_character_reaches_a_table(form: Callable[[list[str], list[list[str]]], str]) -> None:
    """They are spelled out in headers and values; a line end does not end the row, and numbers stay."""
    for char in (*map(chr, range(32)), "\x7f", "\x9b", "\u202e", "\u2028"):
        text = form([f"a{char}b"], [[f"c{char}d"], ["-1.5"]])
        assert all(one.isprintable() for one in text.splitlines()) and char not in text.replace("\n", "")
        assert len(text.splitlines()) == len(form(["ab"], [["cd"], ["-1.5"]]).splitlines())
        assert "-1.5" in text and "'-1.5" not in text


def test_names_of_a_stranger_reach_no_terminal_as_they_are(folder: Path, tmp_path: Path) -> None:
    """Keys and values of a plan are spelled out in tables, notes, a report and every other output."""
    shutil.copytree(folder / "runs/sweep-tiny", tmp_path / "S")
    evil = "x\x1b]0;OWNED\x07\x9b31m\nfake line: all is well"
    plan = json.loads((tmp_path / "S/plan.json").read_text())
    plan["keys"] = [evil]
    for number, group in enumerate(plan["groups"]):
        group["values"] = {evil: f"{evil}{number}"}
    (tmp_path / "S/plan.json").write_text(json.dumps(plan))
    outputs = [dropout("compare", "S", "--format", form, cwd=tmp_path) for form in ("table", "csv", "md", "latex")]
    outputs += [dropout("compare", "S", "--format", "json", cwd=tmp_path), dropout("show", "S", cwd=tmp_path)]
    outputs.append(dropout("report", "S", "-o", "page.html", cwd=tmp_path))
    texts = [text for done in outputs for text in (done.stdout, done.stderr)]
    assert all(done.returncode == 0 for done in outputs), [done.stderr for done in outputs]
    assert not any("\nfake line" in text for text in texts)
    for text in [*texts, (tmp_path / "page.html").read_text()]:  # in HTML, a line end is a space
        assert not [char for char in text if not char.isprintable() and char != "\n"]


def test_nothing_to_compare_is_one_line(folder: Path) -> None:
    """No runs, an unknown metric and an unknown baseline are one-line errors."""
    for arguments, said in (
        (["--metric", "nine"], "--metric: unknown metric 'nine'"),
        (["nowhere"], "nowhere: no such run"),
        ([*paths(folder), "--baseline", "dropout.variant=alpha"], "baseline: no setting has dropout.variant=alpha"),
    ):
        done = dropout("compare", *arguments, cwd=folder)
        assert done.returncode == 2
        assert done.stderr.startswith(said)
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_a_sweep_is_verified_with_all_its_cells(folder: Path, tmp_path: Path) -> None:
    """A changed number in a table or a run is reported with exit code 4."""
    import shutil

    copy = tmp_path / "sweep"
    shutil.copytree(folder / "runs" / "sweep-tiny", copy)
    assert dropout("verify", str(copy), cwd=folder).returncode == 0
    gone = next((copy / "cells").iterdir())
    gone.rename(tmp_path / "gone")
    taken = dropout("verify", str(copy), cwd=folder)
    assert taken.returncode == 4 and "is no longer complete" in taken.stdout
    (tmp_path / "gone").rename(gone)
    table = copy / "summary.csv"
    table.write_text(table.read_text().replace("0.", "0.9", 1))
    (copy / "cells").joinpath(next((copy / "cells").iterdir()).name, "metrics.csv").write_text("epoch\n")
    done = dropout("verify", str(copy), cwd=folder)
    assert done.returncode == 4
    assert "does not match the runs" in done.stdout
    assert "metrics.csv" in done.stdout


def test_an_interrupted_sweep_is_verified_as_far_as_it_came(folder: Path, tmp_path: Path) -> None:
    """A run that is not trained yet is no damage; a wrong byte in a file is."""
    import shutil

    copy = tmp_path / "sweep"
    shutil.copytree(folder / "runs" / "sweep-tiny", copy)
    tables = ("results.csv", "summary.csv", "comparisons.csv")
    for name in (*tables, "MANIFEST.sha256"):
        (copy / name).unlink()
    first, second, *_ = (copy / "cells").iterdir()
    shutil.rmtree(first)
    second.rename(second.with_name(f"{second.name}.partial"))
    (second.with_name(f"{second.name}.partial") / "MANIFEST.sha256").unlink()
    done = dropout("verify", str(copy), cwd=folder)
    assert done.returncode == 0, done.stdout
    assert "2 of 4 runs are complete; run the same command again to continue" in done.stdout
    assert "FAILED" not in done.stdout and not any(name in done.stdout for name in tables)
    third = next(path for path in (copy / "cells").iterdir() if path.suffix != ".partial")
    (third / "metrics.csv").write_text("epoch\n")
    assert dropout("verify", str(copy), cwd=folder).returncode == 4


def test_a_folder_that_is_no_run_says_what_it_is(folder: Path, tmp_path: Path) -> None:
    """A sweep or a search in place of a run is named as such in the error."""
    (tmp_path / "runs/tune-x/search").mkdir(parents=True)
    (tmp_path / "runs/tune-x/search/study.db").touch()
    said = "is a sweep. Use show, compare, report, predict, effects, ensemble or verify, or name one of "
    said += "runs/sweep-tiny/cells/."
    for command, named, where, line in (
        ("eval", "runs/sweep-tiny", folder, said),
        ("resume", "sweep-tiny", folder, said),
        (
            "eval",
            "runs/tune-x",
            tmp_path,
            "is a search that has not ended. The same `dropout tune` command continues it.",
        ),
        (
            "report",
            "runs/tune-x",
            tmp_path,
            "is a search that has not ended. The same `dropout tune` command continues it.",
        ),
        ("show", "runs", tmp_path, "is a folder, but not a run folder. `dropout runs` lists all runs."),
    ):
        done = dropout(command, named, cwd=where)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{named}: {line}\n")


def test_every_paired_test_can_be_asked_for_and_is_explained() -> None:
    """`--test` accepts the tests that the notes explain, and `_` for `-`."""
    assert {"t", *REQUESTED} == set(get_args(TestName))
    assert options.parse_test("sign_flip") == options.parse_test("sign-flip") == "sign-flip"
    with pytest.raises(UsageError, match=r"--test: unknown test 'welch'\. Choose from: t, "):
        options.parse_test("welch")


def test_the_main_metric_is_named_once() -> None:
    """Either `--metric` or the first of `--metrics` is the main metric."""
    assert options.parse_metrics(None, None) == ("test.accuracy",)
    assert options.parse_metrics(None, "test.nll,test.accuracy") == ("test.nll", "test.accuracy")
    for metric, metrics, why in (
        ("test.nll", "test.nll", "cannot be used together with"),
        (None, "x", "unknown metric 'x'"),
    ):
        with pytest.raises(UsageError, match=f"--metrics: {why}"):
            options.parse_metrics(metric, metrics)


def test_earlier_looks_at_a_sweep_are_said(folder: Path) -> None:
    """Earlier metrics of a sweep are named, but not if other runs are compared with it."""
    sweep = str(folder / "runs" / "sweep-tiny")
    found = collect.earlier_looks([sweep])
    assert (found["looks"], found["judged_by"]) == ([], ["test.accuracy"])
    assert collect.earlier_looks([sweep, paths(folder)[0]])["judged_by"] == []
    said = dropout("compare", sweep, "--metric", "test.nll", cwd=folder).stdout
    assert "These runs were compared by test.accuracy before." in said
    assert "judged by" not in dropout("compare", sweep, cwd=folder).stdout
