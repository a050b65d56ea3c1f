"""Datasets, objectives and metrics of other packages: one file and one entry point, and they work like any other."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.checkout import ROOT
from tests.commands import dropout_process

PAGE = (ROOT / "docs/plugins.md").read_text()
FILES = dict(re.findall(r"`(\w+)\.py`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
POINTS = {
    name: (group, module)
    for group, name, module in re.findall(r'\[project\.entry-points\."(.*)"\]\n(\w+) = "(\w+)"', PAGE)
}
KINDS = {"rings": "dataset", "focal": "objective", "kappa": "metric"}
FEW = ("training.epochs=2", "yardstick=none", "--quiet", "--no-plots")


def install(folder: Path, files: Mapping[str, str] = FILES, package: str = "dropout-lab", version: str = "0.3") -> Path:
    """Fill a folder as pip would: the modules, and the metadata of their distribution with the points of the page."""
    for module, source in files.items():
        (folder / f"{module}.py").write_text(source)
    info = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    points = "".join(f"[{group}]\n{name} = {module}\n" for name, (group, module) in POINTS.items() if module in files)
    (info / "entry_points.txt").write_text(points)
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder in which the package of the page is installed."""
    (tmp_path / "site").mkdir()
    return install(tmp_path / "site")


def dropout(site: Path | None, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder, with the packages of `site` installed."""
    paths = [str(path) for path in (site, ROOT) if path is not None]
    return dropout_process(*arguments, cwd=folder, env={"PYTHONPATH": os.pathsep.join(paths)})


def python(site: Path, code: str) -> str:
    """Run code with the packages of `site` installed; return its stdout."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_the_page_adds_one_of_each_kind() -> None:
    """Its entry points name its files, and its commands are those that the next test runs."""
    assert {name: group for name, (group, _) in POINTS.items()} == {
        name: f"dropout_cli.{kind}s" for name, kind in KINDS.items()
    }
    assert {module for _, module in POINTS.values()} == set(FILES)
    assert len(PAGE.splitlines()) <= 140


def test_the_commands_of_the_page_run(site: Path, tmp_path: Path) -> None:
    """Lists and pages name package and version; the run has objective, metric and dataset."""
    printed = {}
    for words in map(shlex.split, re.findall(r"^dropout .*$", PAGE, re.MULTILINE)):
        shorter = [*FEW, "--json"] if words[1] == "train" else ["training.epochs=1", "--quiet"]
        done = dropout(site, tmp_path, *words[1:], *(shorter if words[1] in ("train", "sweep") else ()))
        assert done.returncode == 0, done.stderr
        printed[words[1]] = done.stdout
    assert (
        "Package: dropout-lab 0.3" in printed["datasets"] and "Standard deviation of the noise" in printed["datasets"]
    )
    summary = json.loads(printed["train"])
    assert summary["config"]["dataset"]["name"] == "rings" and summary["config"]["objective"]["name"] == "focal"
    assert summary["monitor"] == "val_kappa" and -1 <= summary["test"]["kappa"] <= 1
    assert "test.kappa" in printed["sweep"]
    for name, kind in KINDS.items():
        assert re.search(rf"{kind}s +\d+, and from other packages {name} \(dropout-lab 0\.3\)", printed["doctor"])
    assert re.search(r"variants +\d+, and from other packages none", printed["doctor"])


def test_lists_say_the_package_only_of_what_is_added(site: Path, tmp_path: Path) -> None:
    """In a column of the table that is there only if one is added, and in JSON; schema and explanation, too."""
    assert " package" not in dropout(None, tmp_path, "datasets").stdout
    header, *rows = dropout(site, tmp_path, "datasets").stdout.strip().splitlines()
    assert header.split()[-1] == "package"
    assert [row.split()[0] for row in rows if row.rstrip().endswith("dropout-lab 0.3")] == ["rings"]
    listed = json.loads(dropout(site, tmp_path, "datasets", "--json").stdout)["datasets"]
    assert {one["name"]: one["package"] for one in listed if "package" in one} == {"rings": "dropout-lab 0.3"}
    schema = json.loads(dropout(site, tmp_path, "config", "schema").stdout)
    about = [
        branch["description"]
        for kind in ("dataset", "objective")
        for branch in schema["$defs"][kind]["oneOf"]
        if branch.get("properties", {}).get("name", {}).get("const") in POINTS
    ]
    assert [text.rpartition(" Package: ")[2] for text in about] == ["dropout-lab 0.3."] * 2
    assert "val_kappa" in schema["$defs"]["Training"]["properties"]["monitor"]["enum"]
    explained = dropout(site, tmp_path, "config", "show", "digits", "objective=focal", "--explain").stdout
    assert [line for line in explained.splitlines() if "Package: dropout-lab 0.3." in line and "objective.name" in line]


def test_gradients_of_the_objective_are_those_of_its_loss(site: Path) -> None:
    """By central differences, in float64; gamma 0 is the cross-entropy."""
    code = """
import numpy as np
from dropout_cli.objectives import OBJECTIVES
class Logits:
    def forward(self, x, *, train, noise): return x
    def gradients(self, dy): self.dy = dy
rng, network = np.random.default_rng(0), Logits()
x, along, labels = rng.standard_normal((6, 3)), rng.standard_normal((6, 3)), np.array([0, 1, 2, 0, 1, 2])
for gamma in (0.0, 0.5, 2.0):
    loss = lambda z: OBJECTIVES["focal"](gamma=gamma).compute_gradients(network, z, labels, None)
    slope = (loss(x + 1e-6 * along) - loss(x - 1e-6 * along)) / 2e-6
    loss(x)
    print(slope - (network.dy * along).sum())
print(OBJECTIVES["focal"](gamma=0.0).compute_gradients(network, x, labels, None))
print(OBJECTIVES["cross_entropy"]().compute_gradients(network, x, labels, None))
"""
    *differences, own, built_in = map(float, python(site, code).split())
    assert np.abs(differences).max() < 1e-8 and own == pytest.approx(built_in)


def test_completion_offers_what_is_installed_and_imports_nothing(site: Path, tmp_path: Path) -> None:
    """The names of entry points, also where their modules are broken."""
    for module in FILES:
        (site / f"{module}.py").write_text("raise RuntimeError")
    code = (
        "from dropout_cli.cli.schema_keys import SchemaKeys\nkeys = SchemaKeys({})\n"
        "import sys\nassert 'numpy' not in sys.modules\n"
        "print(*keys.values('dataset'), *keys.values('dataset.name'), *keys.values('objective.name'))\n"
        "print(*keys.values('training.monitor'), *keys.metrics())\n"
    )
    names, metrics = (line.split() for line in python(site, code).splitlines())
    assert names.count("rings") == 2 and names.count("focal") == 1
    assert {"val_kappa", "test.kappa", "val.kappa", "train.kappa"} <= {*metrics}


def test_a_run_can_be_read_where_the_metric_is_not_installed(site: Path, tmp_path: Path) -> None:
    """`show` and `verify` need no package for it; a config that names a dataset without its package fails."""
    trained = dropout(site, tmp_path, "train", "digits", *FEW)
    assert trained.returncode == 0, trained.stderr
    run = trained.stdout.strip()
    assert "kappa" in json.loads((tmp_path / run / "summary.json").read_text())["test"]
    for command in ("show", "verify", "eval"):
        done = dropout(None, tmp_path, command, run)
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert ("; not installed, and not checked: kappa" in done.stdout) == (command == "verify")
    needed = dropout(None, tmp_path, "config", "check", "digits", "dataset=rings")
    assert needed.returncode == 2 and "unknown dataset 'rings'" in needed.stderr


def test_a_run_folder_brings_no_code(tmp_path: Path) -> None:
    """Modules and entry points in it are not imported, also where its config names them."""
    folder = tmp_path / "from a stranger"
    folder.mkdir()
    evil = "from pathlib import Path\nPath(__file__).with_name('imported').touch()\n"
    install(folder, {module: evil + source for module, source in FILES.items()})
    (folder / "resolved.yaml").write_text("dataset: rings\nobjective: focal\ntraining: {monitor: val_kappa}\n")
    done = dropout(None, tmp_path, "train", str(folder / "resolved.yaml"))
    assert done.returncode == 2 and "unknown dataset 'rings'" in done.stderr
    assert not (folder / "imported").exists()


def test_help_and_version_load_no_plugin(site: Path, tmp_path: Path) -> None:
    """A broken one is not noticed."""
    for module in FILES:
        (site / f"{module}.py").write_text("raise RuntimeError")
    for command in (["--help"], ["--version"], ["train", "--help"]):
        done = dropout(site, tmp_path, *command)
        assert (done.returncode, done.stderr) == (0, "")


def replaced(old: str, new: str) -> Callable[[str], str]:
    """Return an edit of a source that must have an effect."""

    def edit(source: str) -> str:
        assert old in source
        return source.replace(old, new)

    return edit


FAULTS = [
    ("rings", lambda source: "import nothing_of_that_name", "cannot be loaded (ModuleNotFoundError: "),
    ("rings", replaced("    info = ", "    facts = "), "Rings lacks info, a DatasetInfo"),
    ("rings", replaced("def read(", "def load("), "Rings lacks read"),
    ("rings", replaced("(Source)", ""), "Rings is not a subclass of Source"),
    ("rings", replaced('("rings")', '("digits")'), "'digits' is registered twice"),
    ("rings", lambda source: "", "no dataset of that name is registered"),
    ("focal", replaced("compute_gradients", "gradients"), "Focal lacks compute_gradients"),
    ("focal", replaced("(Objective)", ""), "Focal is not a subclass of Objective"),
    ("kappa", replaced('Metric("kappa"', 'Metric("accuracy"'), "'accuracy' is registered twice for classification"),
    (
        "kappa",
        replaced("given.predicted", "given.nothing"),
        "it cannot be computed for a few examples (AttributeError: ",
    ),
    ("kappa", replaced('"labels", kappa', '"words", kappa'), "'kappa' needs 'words', which is none of labels, "),
    ("kappa", replaced("True, ", '"up", '), "larger_is_better must be True, False or None, not 'up'"),
    ("kappa", replaced('Metric("kappa"', 'Metric("Cohen kappa"'), "no metric of that name is registered"),
]


@pytest.mark.parametrize(("name", "edit", "reason"), FAULTS)
def test_what_cannot_be_used_is_left_out_with_one_line(
    name: str, edit: Callable[[str], str], reason: str, site: Path, tmp_path: Path
) -> None:
    """Place, fact, way out, for a command that goes on; the others of the package stay."""
    _, module = POINTS[name]
    (site / f"{module}.py").write_text(edit(FILES[module]))
    done = dropout(site, tmp_path, "config", "check", "digits")
    assert done.returncode == 0
    line = next(line for line in done.stderr.splitlines() if f"{KINDS[name]} '{name}'" in line)
    assert line.startswith(f"dropout-lab: {KINDS[name]} '{name}' is left out: ") and reason in line
    assert line.endswith("Update or uninstall dropout-lab.")
    code = "from dropout_cli.data import DATASETS\nfrom dropout_cli.objectives import OBJECTIVES\n"
    code += "from dropout_cli.metrics import METRICS\nimport warnings\nwarnings.simplefilter('ignore')\n"
    code = "import warnings\nwarnings.simplefilter('ignore')\n" + code
    code += "print(*DATASETS.names(), *OBJECTIVES.names(), *METRICS)"
    words = python(site, code).replace("test.", "").split()
    assert {one for one in POINTS if one in words} == POINTS.keys() - {name}
    assert {"digits", "cross_entropy", "accuracy"} <= {*words}


def test_a_metric_that_fails_later_does_not_end_the_run(site: Path, tmp_path: Path) -> None:
    """One line names it, its number is empty, and the run is complete."""
    fails = replaced("    return float(", "    assert len(given.labels) < 4, 'too many'\n    return float(")
    (site / "dropout_lab_kappa.py").write_text(fails(FILES["dropout_lab_kappa"]))
    done = dropout(site, tmp_path, "train", "digits", *FEW)
    assert done.returncode == 0
    lines = {line for line in done.stderr.splitlines() if "kappa" in line}
    fact = "metric 'kappa' is left empty: it cannot be computed (AssertionError: too many)"
    assert lines == {f"dropout-lab 0.3: {fact}."}
    summary = json.loads((tmp_path / done.stdout.strip() / "summary.json").read_text())
    assert summary["test"]["kappa"] is None and summary["test"]["accuracy"] > 0


def test_lists_and_doctor_have_what_is_left_out(site: Path, tmp_path: Path) -> None:
    """Below the datasets, and among what needs mending; a config that names one gets the reason."""
    for module in FILES:
        (site / f"{module}.py").write_text("raise RuntimeError('broken')")
    *_, last = dropout(site, tmp_path, "datasets").stdout.rstrip().splitlines()
    assert last.split(maxsplit=2)[:2] == ["rings", "dropout-lab"] and "RuntimeError: broken" in last
    findings = json.loads(dropout(site, tmp_path, "doctor", "--seconds", "0", "--json").stdout)["findings"]
    wrong = {one["what"]: one["wrong"] for one in findings if "dropout-lab" in one["wrong"]}
    assert wrong.keys() == {f"{kind} '{name}'" for name, kind in KINDS.items()}
    for setting in ("dataset=rings", "objective=focal"):
        needed = dropout(site, tmp_path, "config", "check", "digits", setting)
        assert needed.returncode == 2 and needed.stderr.splitlines()[-1].endswith("Update or uninstall dropout-lab.")


def test_two_packages_with_one_name_leave_the_second_out(site: Path, tmp_path: Path) -> None:
    """The first stays usable, and so does a built-in one whose name an entry point takes."""
    (tmp_path / "other").mkdir()
    files = {module: source.replace("Rings", "Others") for module, source in FILES.items() if "rings" in module}
    install(tmp_path / "other", files, package="zz-lab")
    shutil.move(tmp_path / "other/dropout_lab_rings.py", site / "zz_rings.py")
    shutil.move(tmp_path / "other/zz_lab-0.3.dist-info", site)
    points = "[dropout_cli.datasets]\nrings = zz_rings\n[dropout_cli.metrics]\naccuracy = json\n"
    (site / "zz_lab-0.3.dist-info/entry_points.txt").write_text(points)
    done = dropout(site, tmp_path, "config", "check", "digits", "dataset=rings", "training.monitor=val_accuracy")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 2 and "rings' is registered twice" in done.stderr
    assert "metric 'accuracy' is left out: no metric of that name is registered" in done.stderr


@pytest.mark.parametrize("module", FILES)
def test_an_author_can_import_the_module_first(module: str, site: Path) -> None:
    """As the tests of the package do; nothing warns, and the names are found with their package."""
    code = f"import warnings\nwarnings.simplefilter('error')\nimport {module}\n"
    code += "from dropout_cli.data import DATASETS\nfrom dropout_cli.objectives import OBJECTIVES\n"
    code += "from dropout_cli.metrics import metric_origins\n"
    code += "print([DATASETS.origin('rings'), OBJECTIVES.origin('focal'), metric_origins()['kappa']])"
    assert python(site, code) == f"{['dropout-lab 0.3'] * 3}\n"
