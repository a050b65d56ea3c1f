"""A mistake in a reproduction file or on the command line is one line, and no folder is left."""

import re
from pathlib import Path

import pytest

from dropout_cli.core.errors import ConfigError
from dropout_cli.sweeps.reproduction.load import load_reproduction
from tests.commands import dropout
from tests.small_paper import DISTILLED, PAPER, write_paper

LABEL = "    label: dropout\n"
CHANGES = {
    "unknown row 'noone'": ("reference: none", "reference: noone"),
    "not a number of the validation part": ("by: val.error", "by: test.error"),
    "choices.better: is missing: it is not known which values of": ("by: val.error", "by: yardstick.dummy.val.x"),
    "unknown row 'nothing'": ("[[drop, none]]", "[[drop, nothing]]"),
    "publshed: unknown key": ("published: 20.0", "publshed: 20.0"),
    "scales: laptop is missing": ("  laptop: {seeds: 3, minutes: 1}\n", ""),
    "row 'other' is not run": ("{label: no dropout,", "{label: no dropout, teacher: other,"),
    "rows.drop.teacher: names its own row": (LABEL, f"{LABEL}    teacher: drop\n"),
    "must be a list of lists of rows. Write [[best, worse]]": ("[[drop, none]]", "[drop, none]"),
    "[drop] has fewer than two rows": ("[[drop, none]]", "[[drop]]"),
    "[drop, drop] has a row twice": ("[[drop, none]]", "[[drop, drop]]"),
    "row 'other' is not run. Leave it out": ("[[drop, none]]", "[[drop, none, other]]"),
    "'none' is before 'drop', but its published value is worse": ("[[drop, none]]", "[[none, drop]]"),
    "'drop' and 'none' have different metrics": (LABEL, f"{LABEL}    metric: test.nll\n"),
    "unknown metric 'test.eror'. Did you mean 'test.error'?": ("reference: none", "metric: test.eror"),
    "'error' does not name a part of the data": ("reference: none", "metric: error"),
    "is also the label of the row 'none'": ("label: dropout\n", "label: no dropout\n"),
    "'a,b' cannot be given to --rows": ("  other: {", "  'a,b': {"),
    "set.seed: is set by --seeds": ("reference: none", "set: {seed: 7}"),
    "base: nosuch.yaml: no such file": ("base: base.yaml", "base: nosuch.yaml"),
    "dropout.rate: the list is empty. Give at least one value": ("[0.1, 0.5]", "[]"),
    "at_most: needs a number of which lower values are better": (
        LABEL,
        f"{LABEL}    metric: test.accuracy\n    at_most: 3.0\n",
    ),
    "set would have no effect, because of `same_runs`": ("{label: no dropout,", "{label: no dropout, same_runs: drop,"),
    "Write 18.5": ("published: 18.0", "published: 18,5"),
    "got the text '18 %'. Write a number without %": ("published: 18.0", "published: 18 %"),
    "paper: is empty. Write a text": ("paper: A paper, table 1", 'paper: ""'),
    "changed: must be a list, got the text 'Adam'. Write [Adam]": (LABEL, f"{LABEL}    changed: Adam\n"),
    "a key must be text, got '5'. Put it in quotes": ("  other: {", "  5: {"),
    "'' cannot be given to --rows": ("  other: {", "  '': {"),
    "dropout.rate: has a single value. Give two values or more": ("[0.1, 0.5]", "[0.1]"),
    "dropout.rate: has the value 0.1 twice. Give each value once": ("[0.1, 0.5]", "[0.1, 0.1]"),
    "choose: has no effect in a row with a teacher": (LABEL, f"{LABEL}    teacher: none\n"),
    "against: names its own row": (LABEL, f"{LABEL}    against: drop\n"),
    "published: must be from 0 to 100, because test.error is shown as percent, got 180": (
        "published: 18.0",
        "published: 180",
    ),
    "better: is higher, but lower values of test.error are better": (LABEL, f"{LABEL}    better: higher\n"),
    "'test' names a part of the data, not a number. Write, for example, test.error": (
        LABEL,
        f"{LABEL}    metric: test\n",
    ),
    "summary.json has no number 'foo.bar'": (LABEL, f"{LABEL}    metric: foo.bar\n"),
    "orders: must be a list of lists of rows": ("[[drop, none]]", "drop"),
    "paper.yaml:14:17: orders: unknown row 'nothing'": ("[[drop, none]]", "[[drop, nothing]]"),
    "rows.none: must be a mapping. Write, for example, {label: no dropout}": (
        "{label: no dropout, published: 20.0, set: {dropout: {variant: none}}}",
        "20.0",
    ),
}


@pytest.mark.parametrize("fact", CHANGES)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, fact: str) -> None:
    """A wrong key, name or value is an error with its place."""
    paper = write_paper(tmp_path)
    old, new = CHANGES[fact]
    assert old in PAPER
    paper.write_text(PAPER.replace(old, new))
    with pytest.raises(ConfigError, match=r"paper\.yaml:\d+:\d+: ") as error:
        load_reproduction(paper)
    assert fact in str(error.value)


def test_a_teacher_is_refused_with_a_split_for_each_seed(tmp_path: Path) -> None:
    """The student of another seed would be tested on examples that its teacher has learned from."""
    paper = write_paper(tmp_path, f"{DISTILLED}splits: each\n")
    with pytest.raises(ConfigError, match=r"rows\.student\.teacher: cannot be used with splits: each"):
        load_reproduction(paper)


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ("choose: {dropout.rate", "choose: {dropout.rat", "dropout.rat: unknown key"),
        ("variant: none}", "variant: nothing}", "unknown variant 'nothing'"),
        (
            "    choose: {dropout.rate: [0.1, 0.5]}\n",
            "    teacher: none\n",
            "needs an objective that learns from it",
        ),
        ("by: val.error", "by: monte_carlo.50.val.nll", "Add 50 to training.mc_passes"),
        (
            "set: {training.epochs: 2}}\nscales",
            "set: {dataset: {name: digits, val_fraction: 0.0}}}\nscales",
            "needs a validation part",
        ),
        ("reference: none", "metric: monte_carlo.9.test.nll", "Add 9 to training.mc_passes"),
    ],
)
def test_a_wrong_setting_is_found_before_anything_is_trained(tmp_path: Path, old: str, new: str, fact: str) -> None:
    """The line has no other before it, and there is no folder."""
    paper = write_paper(tmp_path)
    paper.write_text(PAPER.replace(old, new))
    refused = dropout("reproduce", "paper.yaml", "--scale", "smoke", cwd=tmp_path)
    (line,) = refused.stderr.splitlines()
    assert refused.returncode == 2 and fact in line and not (tmp_path / "runs").exists()
    assert re.match(r".*\.yaml:\d+:\d+: ", line)


def test_a_file_without_rows_to_train_is_refused(tmp_path: Path) -> None:
    """Also an empty file, which has another way out than an empty config."""
    paper = write_paper(tmp_path)
    text = PAPER.replace("no dropout,", "no dropout, not_run: No time.,").replace(LABEL, f"{LABEL}    not_run: No.\n")
    paper.write_text(text.replace("orders: [[drop, none]]\n", ""))
    with pytest.raises(ConfigError, match="no row is trained, because all have `not_run`"):
        load_reproduction(paper)
    paper.write_text("\n")
    with pytest.raises(ConfigError, match=r"is empty\. A reproduction file has the keys"):
        load_reproduction(paper)


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("digits",), "digits: is a config, not a reproduction"),
        (("",), "NAME: is empty"),
        ((".",), ".: is a folder"),
        (("--scale", "smoke"), "--scale: needs a reproduction"),
        (("--format", "md"), "--format: needs a reproduction"),
        (("paper.yaml", "--format", "md", "--json"), "--format: cannot be used with --json. Leave out one of them."),
        (("paper.yaml", "--out", ""), "'--out': is empty"),
        (("paper.yaml", "--out", "base.yaml"), "base.yaml: is a file. Give a folder with --out"),
        (("paper.yaml", "--out", "other"), "other: the folder contains notes.txt from elsewhere"),
        (("paper.yaml", "--rows", "drop,"), "'drop,' has an empty name"),
        (("paper.yaml", "--rows", "drip"), "unknown row 'drip'. Did you mean 'drop'? Choose from: none, drop, other."),
    ],
)
def test_a_wrong_word_on_the_command_line_is_one_line(tmp_path: Path, words: tuple[str, ...], fact: str) -> None:
    """It says what is wrong, with exit code 2."""
    write_paper(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    refused = dropout("reproduce", *words, cwd=tmp_path)
    (line,) = refused.stderr.splitlines()
    assert refused.returncode == 2 and fact in line
    assert sorted(tmp_path.rglob("*")) == before


def test_a_reproduction_file_is_no_config_and_no_sweep_file(tmp_path: Path) -> None:
    """Each command names the one that takes the file."""
    write_paper(tmp_path)
    for command in ("train", "sweep", "tune"):
        refused = dropout(command, "paper.yaml", cwd=tmp_path)
        assert refused.returncode == 2 and "'dropout reproduce paper.yaml'" in refused.stderr, refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    refused = dropout("reproduce", "base.yaml", cwd=tmp_path)
    assert refused.returncode == 2 and "is not a reproduction file" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_stored_file_is_read_by_the_rules_of_its_time(tmp_path: Path) -> None:
    """A new check refuses new files only; a file that a folder keeps is still read."""
    paper = write_paper(tmp_path, DISTILLED)
    text = DISTILLED.replace("label: student\n", "label: teacher\n").encode()
    assert load_reproduction(paper, text).rows["student"].given.label == "teacher"
