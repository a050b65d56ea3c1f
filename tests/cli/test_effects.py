"""`dropout effects` as a user meets it: one run, several runs, and what cannot be shown together."""

import json
from pathlib import Path

import pytest

from dropout_cli.runs import Run
from dropout_cli.sweeps.run_labels import label_runs
from tests.commands import TINY, dropout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four finished runs: two rates, another seed, and other data."""
    folder = tmp_path_factory.mktemp("effects")
    (folder / "tiny.yaml").write_text(TINY)
    for name, *overrides in (
        ("a", "dropout.rate=0.1"),
        ("b", "dropout.rate=0.6"),
        ("c", "dropout.rate=0.6", "seed=4"),
        ("d", "dataset=iris", "training.batch_size=8"),
    ):
        done = dropout("train", "tiny.yaml", *overrides, "--no-plots", "--quiet", "--name", name, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def run_named(folder: Path, name: str) -> str:
    """Return the path of a run, relative to the folder."""
    (path,) = (folder / "runs").glob(f"*_{name}_*")
    return path.relative_to(folder).as_posix()


def test_one_run_gets_heat_maps_and_three_studies(folder: Path) -> None:
    """Each study has a sentence and a folder, the report shows it, and the run stays unchanged."""
    run = run_named(folder, "a")
    done = dropout("effects", run, cwd=folder)
    assert done.returncode == 0, done.stderr
    paths = [line for line in done.stdout.splitlines() if line.startswith(run)]
    names = ["effects-n100/effects.png", "effects-statistics", "effects-ablation", "effects-filters"]
    assert paths == [f"{run}/after/{name}" for name in names]
    figures = [("statistics", "statistics"), ("ablation", "ablation"), ("filters", "filters")]
    for study, name in figures:
        place = folder / run / f"after/effects-{study}"
        assert (place / f"{name}.png").is_file() and (place / f"{name}.csv").is_file()
        (figure,) = json.loads((place / "results.json").read_text())["inspection"]["figures"]
        assert figure["finding"] in done.stdout
    assert "With 359 examples, chance alone gives a |correlation| of 0.042; with 1,000, 0.025." in done.stderr
    page = folder / dropout("report", run, cwd=folder).stdout.strip()
    text = page.read_text()
    assert all(f"{title}</h2>" in text for title in ("Hidden activations", "Ablation of hidden units"))
    assert dropout("verify", run, cwd=folder).returncode == 0


def test_rates_draw_heat_maps_alone(folder: Path) -> None:
    """No study of the trained network is made; with --no-plots there is only the table."""
    run = run_named(folder, "b")
    done = dropout("effects", run, "--rates", "0,0.4", "--no-plots", cwd=folder)
    assert done.returncode == 0 and done.stderr == ""
    (place,) = (folder / run / "after").iterdir()
    assert place.name == "effects-r0+0.4-n100"
    assert {path.name for path in place.iterdir()} == {"MANIFEST.sha256", "effects.csv"}


def test_json_has_the_heat_maps_and_the_studies(folder: Path) -> None:
    """Keys of earlier versions stay, and each study adds its own under the name of its folder."""
    run = run_named(folder, "c")
    printed = json.loads(dropout("effects", run, "--json", "--no-plots", "--examples", "40", cwd=folder).stdout)
    studies = ["effects-statistics-n40", "effects-ablation-n40", "effects-filters"]
    assert list(printed) == ["folder", "effects", "run", *studies]
    assert printed["folder"].endswith("effects-n40") and printed["effects"][0]["examples"] == 40
    layers = printed["effects-statistics-n40"]["layers"]
    assert {one["examples"] for one in layers.values()} == {40}
    assert printed["effects-ablation-n40"]["scores"]["scaled"][0]["share"] == 0


def test_several_runs_are_labelled_by_what_differs(folder: Path) -> None:
    """By their settings; by seed or name if that is not enough. The result is beside the first one."""
    a, b, c = (run_named(folder, name) for name in "abc")
    done = dropout("effects", a, b, cwd=folder)
    assert done.returncode == 0, done.stderr
    place = folder / done.stdout.splitlines()[-1]
    assert place.parent == folder / a / "after" and place.name.startswith("effects-with-")
    assert {path.name for path in place.glob("*.png")} == {"statistics.png", "ablation.png", "filters.png"}
    labelled = label_runs([str(folder / one) for one in (a, b, c)], folder / "runs")
    assert list(labelled.runs) == ["rate 0.1", "rate 0.6, seed 0", "rate 0.6, seed 4"] and not labelled.key
    assert list(label_runs([str(folder / b), str(folder / c)], folder / "runs").runs) == ["seed 0", "seed 4"]
    assert all(isinstance(run, Run) for run in label_runs([str(folder / a), str(folder / b)], folder).runs.values())


def test_other_numbers_of_examples_have_folders_of_their_own(folder: Path) -> None:
    """`--examples` is in the names of the folders, also of several runs; heat maps alone take one example."""
    a, b = (run_named(folder, name) for name in "ab")
    for number in ("30", "31"):
        for runs in ([a], [a, b]):
            assert dropout("effects", *runs, "--examples", number, "--no-plots", cwd=folder).returncode == 0
    names = {path.name for path in (folder / a / "after").iterdir()}
    for count in (30, 31):
        assert {f"effects-statistics-n{count}", f"effects-ablation-n{count}"} <= names
        assert sum(name.startswith("effects-with-") and name.endswith(f"-n{count}") for name in names) == 1
    page = (folder / dropout("report", a, cwd=folder).stdout.strip()).read_text()
    assert "Hidden activations, 30 test examples</h2>" in page and "Hidden activations, 31 test examples</h2>" in page
    done = dropout("effects", a, "--rates", "0", "--examples", "1", "--no-plots", cwd=folder)
    assert done.returncode == 0, done.stderr


def test_runs_that_differ_in_several_keys_have_short_labels(folder: Path, tmp_path: Path) -> None:
    """The fewest keys that tell them apart, dropout first; letters with a key if such a label is long."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    for name, *overrides in (
        ("slow", "dropout.rate=0.2", "training.optimizer.learning_rate=0.001"),
        ("wide", "dropout.rate=0.3", "architecture.hidden=[9, 8, 7, 6, 5, 4]"),
        ("wider", "dropout.rate=0.3", "architecture.hidden=[9, 8, 7, 6, 5, 3]"),
    ):
        done = dropout("train", "tiny.yaml", *overrides, "--no-plots", "--quiet", "--name", name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    slow, wide, wider = (str(tmp_path / run_named(tmp_path, name)) for name in ("slow", "wide", "wider"))
    a = str(folder / run_named(folder, "a"))
    assert list(label_runs([a, slow, wide], tmp_path).runs) == ["rate 0.1", "rate 0.2", "rate 0.3"]
    labelled = label_runs([wide, slow, wider, a], tmp_path)
    assert list(labelled.runs) == list(labelled.key) == ["A", "B", "C", "D"]
    assert labelled.key["A"] == "rate 0.3, hidden [9, 8, 7, 6, 5, 4]" and len(set(labelled.key.values())) == 4
    done = dropout("effects", wide, slow, wider, a, "--no-plots", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"A: {labelled.key['A']}, {Path(wide).name}." in done.stdout
    (stored,) = Path(wide).glob("after/effects-with-*/results.json")
    for figure in json.loads(stored.read_text())["inspection"]["figures"][:2]:
        assert f"; C: {labelled.key['C']}" in figure["shown"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["{a}", "{d}"], "was trained on other data than"),
        (["{a}", "{a}"], "this run is given twice"),
        (["{a}", "{b}", "--rates", "0,0.5"], "--rates: works on a single run"),
        (["{a}", "nothing"], "no such run"),
        (["{a}", "{b}", "--examples", "0"], "--examples: must be from 2 to 359"),
        (["{a}", "--examples", "1"], "--examples: must be from 2 to 359, the number of test examples, got 1"),
    ],
)
def test_runs_that_cannot_be_shown_together_are_one_clear_line(folder: Path, words: list[str], expected: str) -> None:
    """Exit 2, nothing on stdout, and nothing is written."""
    names = {name: run_named(folder, name) for name in "abcd"}
    before = sorted((folder / "runs").rglob("*"))
    done = dropout("effects", *(word.format(**names) for word in words), cwd=folder)
    assert done.returncode == 2 and done.stdout == ""
    assert expected in done.stderr and len(done.stderr.splitlines()) == 1
    assert sorted((folder / "runs").rglob("*")) == before


def test_a_run_that_is_not_complete_cannot_stand_beside_others(folder: Path, tmp_path: Path) -> None:
    """Its weights would depend on when it stopped."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    words = ("train", "tiny.yaml", "training.epochs=50", "--max-time", "0.01s", "--quiet", "--no-plots")
    dropout(*words, cwd=tmp_path)
    (partial,) = (tmp_path / "runs").iterdir()
    done = dropout("effects", run_named(folder, "a"), str(partial), cwd=folder)
    assert done.returncode == 2 and "this run is not complete" in done.stderr
