"""Completion offers names, keys and values in real shells, imports little, and is silent about errors."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.architectures import ARCHITECTURES
from dropout_cli.cli import completion
from dropout_cli.cli.schema_keys import SchemaKeys
from dropout_cli.config.declarations import block_keys
from dropout_cli.config.files import CONFIG_SUFFIXES, DATA_SUFFIXES
from dropout_cli.core.bundled import configs_folder
from dropout_cli.data import DATASETS
from dropout_cli.metrics import METRICS
from dropout_cli.objectives import OBJECTIVES
from dropout_cli.variants import VARIANTS
from tests.checkout import ROOT

BIN = Path(sys.executable).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with configs, data, runs and a sweep."""
    for file in ("mine.yaml", "plants.csv", "notes.md", "odd name.yaml", "data/more.yml", "data/rows.npz"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    for run in ("runs/20260101T000000Z_digits-a", "runs/20260102T000000Z_digits-b", "elsewhere/old-run"):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "state.json").touch()
    (tmp_path / "runs/sweep-mine").mkdir()
    (tmp_path / "runs/sweep-mine/plan.json").touch()
    (tmp_path / "runs/other").mkdir()
    return tmp_path


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a user without any settings."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("ZDOTDIR", "XDG_", "BASH"))}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**known, "HOME": str(folder), "PATH": path, "TERM": "dumb", "LC_ALL": "C.UTF-8", **variables}


def offered(folder: Path, line: str) -> list[str]:
    """Return the words that are offered at the end of a line, by the protocol of fish."""
    asked = {"_DROPOUT_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(
        [BIN / "dropout"],
        cwd=folder,
        env=environment(folder, **asked, _TYPER_COMPLETE_ARGS=line),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stderr == ""
    return [word.partition("\t")[0] for word in done.stdout.splitlines()]


CASES = [
    ("dropout tra", ["train"]),
    ("dropout train mi", ["mine.yaml"]),
    ("dropout train digits_", ["digits_cnn"]),
    ("dropout train variants/al", ["variants/alpha"]),
    ("dropout train pl", ["plants.csv"]),
    ("dropout train da", ["data/more.yml", "data/rows.npz", "data/"]),
    ("dropout train odd", []),
    ("dropout sweep mi", ["mine.yaml"]),
    ("dropout config check mi", ["mine.yaml"]),
    ("dropout train digits see", ["seed=", "seed=0"]),
    ("dropout train digits training.average.", ["training.average.decay=", "training.average.decay=0.999"]),
    ("dropout variance digits streams.i", ["streams.init=", "streams.init=null"]),
    ("dropout train digits training.o", ["training.optimizer=", "training.optimizer."]),
    ("dropout train digits dropout.variant=sp", ["dropout.variant=sparse_variational", "dropout.variant=spatial"]),
    ("dropout train digits dropout.variant=dropblock dropout.bl", ["dropout.block_size=", "dropout.block_size=7"]),
    ("dropout tune digits architecture.batch_norm=t", ["architecture.batch_norm=true"]),
    ("dropout train digits training.evaluate=b", ["training.evaluate=best"]),
    ("dropout train digits dataset.path=pl", ["dataset.path=plants.csv"]),
    ("dropout sweep digits dropout.variant=inverted,al", ["dropout.variant=inverted,alpha"]),
    ("dropout sweep digits --baseline dropout.variant=inv", ["dropout.variant=inverted"]),
    ("dropout compare --metric test.mc", ["test.mcc"]),
    ("dropout sweep digits --metrics test.accuracy,val.mc", ["test.accuracy,val.mcc"]),
    ("dropout variants sh", ["shakeout"]),
    ("dropout datasets iri", ["iris"]),
    ("dropout eval 2026", ["20260101T000000Z_digits-a", "20260102T000000Z_digits-b"]),
    ("dropout eval swe", []),
    ("dropout show swe", ["sweep-mine"]),
    ("dropout show la", ["latest"]),
    ("dropout show --runs-dir elsewhere ol", ["old-run"]),
    ("dropout compare --runs-dir missing ", []),
    ("dropout train digits nonsense.", []),
]  # fmt: skip


@pytest.mark.parametrize(("line", "words"), CASES, ids=[line for line, _ in CASES])
def test_a_line_is_completed(line: str, words: list[str], folder: Path) -> None:
    """Exactly these words are offered; nothing is printed for mistakes."""
    assert offered(folder, line) == words


def test_names_and_metrics_are_those_of_the_registries() -> None:
    """The bundled schema has all of them, and endings of data files are those that a config is made for."""
    keys = SchemaKeys({})
    assert keys.values("dropout.variant") == VARIANTS.names() and keys.values("dataset.name") == DATASETS.names()
    assert keys.values("objective.name") == OBJECTIVES.names()
    assert set(keys.metrics()) == set(METRICS)
    assert set(completion.DATA_ENDINGS) == set(DATA_SUFFIXES) and completion.CONFIG_ENDINGS == CONFIG_SUFFIXES
    assert {name.rpartition("/")[2] for name in config.bundled_configs()} >= {"digits", "alpha"}
    assert {path.parent.name for path in config.bundled_configs().values()} == {"configs", "variants"}
    assert configs_folder().name == "configs"


@pytest.mark.parametrize(
    ("block", "tag", "registry"),
    [("dropout", "variant", VARIANTS), ("dataset", "name", DATASETS), ("architecture", "name", ARCHITECTURES)],
    ids=["dropout", "dataset", "architecture"],
)
def test_after_a_choice_only_its_keys_are_offered(block: str, tag: str, registry: Iterable[tuple[str, type]]) -> None:
    """They are the fields of the chosen class."""
    for name, cls in registry:
        found = SchemaKeys({f"{block}.{tag}": name}).keys(f"{block}.")
        assert {key.rstrip("=.").rpartition(".")[2] for key in found} == {tag, *block_keys(cls)}, name


def test_little_is_imported(folder: Path) -> None:
    """Neither NumPy nor what reads YAML or draws tables; so a TAB takes a fraction of a second."""
    code = (
        "import sys, json, atexit\nsys.argv = ['dropout']\n"
        "atexit.register(lambda: print('\\n' + json.dumps(sorted({m.partition('.')[0] for m in sys.modules}))))\n"
        "from dropout_cli.cli import main\nmain()\n"
    )
    words = "dropout\ntrain\ndigits\ndropout.variant\n=\ninv"
    asked = {"_DROPOUT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "5"}
    env = environment(folder, **asked, PYTHONPATH=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=folder, capture_output=True, text=True, timeout=600
    )
    word, _, modules = done.stdout.partition("\n")
    assert word == "inverted"
    assert not {"numpy", "scipy", "yaml", "sklearn", "matplotlib", "pandas"} & {*json.loads(modules)}


class Shell:
    """An interactive shell in a terminal, in which `dropout` prints its words."""

    def __init__(self, words: Sequence[str], folder: Path, setup: Sequence[str]) -> None:
        """Start it, and run the lines of `setup`."""
        import pexpect

        environ = environment(folder)
        self.child = pexpect.spawn(
            words[0], list(words[1:]), cwd=str(folder), env=environ, encoding="utf-8", timeout=600, dimensions=(60, 200)
        )
        # The scripts of completion call the program with `env`, which knows no functions.
        for number, line in enumerate([*setup, "dropout() { printf '<%s>' \"$@\"; echo; }"]):
            self.child.sendline(f"{line}; echo ready$(({number} + 1000))")
            self.child.expect(f"ready{number + 1000}")

    def type(self, line: str, *words: str) -> None:
        """Type a line, with TABs in it, and Enter; the program must get these words."""
        self.child.sendline(line)
        self.child.expect_exact("".join(f"<{word}>" for word in words))


DROPBLOCK = ("train", "digits", "dropout.variant=dropblock")


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, folder: Path) -> Iterator[Shell]:
    """A shell in which completion is switched on as the page says."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    words = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}[name]
    setup = {
        "bash": [
            "bind 'set show-all-if-ambiguous on'",
            "bind 'set page-completions off'",
            "bind 'set bell-style none'",
        ],
        "zsh": ["unsetopt beep", "LISTMAX=1000", "autoload -Uz compinit", "compinit -u -D"],
    }[name]
    started = Shell(words, folder, [*setup, f'eval "$(_DROPOUT_COMPLETE=source_{name} dropout)"'])
    yield started
    started.child.close(force=True)


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal")
def test_a_shell_completes_what_is_typed(shell: Shell) -> None:
    """Also after `=`, where bash begins a new word; a key gets no space after it."""
    shell.type("dropout tra\tmi\t", "train", "mine.yaml")
    shell.type("dropout train digits_\tdropout.var\tinv\t", "train", "digits_cnn", "dropout.variant=inverted")
    shell.type("dropout train digits dropout.variant=dropb\tdropout.bl\t3", *DROPBLOCK, "dropout.block_size=3")
    shell.type("dropout sweep digits dropout.variant=none,alp\t", "sweep", "digits", "dropout.variant=none,alpha")
    shell.type("dropout show sweep\t", "show", "sweep-mine")
    shell.type("dropout show --runs-dir elsewhere o\t", "show", "--runs-dir", "elsewhere", "old-run")
    shell.type("dropout compare --metric test.mc\tx", "compare", "--metric", "test.mcc", "x")
    shell.type("dropout train note\t", "train", "notes.md")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize("line", ["dropout train digits dropout.variant=sp", "dropout eval 2026", "dropout train mi"])
def test_fish_offers_the_same_words(line: str, folder: Path) -> None:
    """By its own command `complete -C`."""
    code = f"env _DROPOUT_COMPLETE=source_fish dropout | source; complete -C '{line}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", code],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stderr == ""
    assert {word.partition("\t")[0] for word in done.stdout.splitlines()} == {*dict(CASES)[line]}
