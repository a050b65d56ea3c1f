"""An editor explains, completes and checks configs and sweep files, by a real language server."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropout_cli import config
from dropout_cli.config.document import parse_yaml
from dropout_cli.config.error_collector import ConfigSource, ErrorCollector
from dropout_cli.config.schema import Training
from dropout_cli.config.validate import node_value
from dropout_cli.core.field_types import describe_fields
from dropout_cli.sweeps.sweep_schema import sweep_schema
from dropout_cli.variants import VARIANTS
from tests.commands import dropout
from tests.language_server import NODE, LanguageServer, server_command

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason=NODE)

CONFIG = """\
# yaml-language-server: $schema=./dropout.schema.json
dataset: digits
architecture: {name: mlp, batch_norm: false}
dropout:
  variant: inverted
  rate: 0.3
  rat: 0.2
training:
  epochs: 2
  optimizer: {name: adam}
"""
SWEEP = """\
# yaml-language-server: $schema=./sweep.schema.json
base: digits
grid:
  dropout.variant: [inverted, none]
  dropout.rate: {from: 0.1, to: 0.5, step: 0.1}
  dropout.rat: [0.1]
metric: test.accuracy
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that starts the language server."""
    return server_command(tmp_path_factory.mktemp("npm"))


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A folder with both schemas, as the command prints them."""
    for name, words in (("dropout", ()), ("sweep", ("--sweep",))):
        done = dropout("config", "schema", *words, cwd=tmp_path)
        assert done.returncode == 0
        (tmp_path / f"{name}.schema.json").write_text(done.stdout)
    return tmp_path


def opened(command: list[str], folder: Path, text: str) -> LanguageServer:
    """Return a server that has this text open."""
    (folder / "file.yaml").write_text(text)
    return LanguageServer(command, folder / "file.yaml")


@needs_node
def test_a_hover_has_meaning_bounds_and_default(command: list[str], schemas: Path) -> None:
    """Of a key, and of the name of a variant."""
    with opened(command, schemas, CONFIG) as editor:
        hover = editor.hover("rate:")
        assert "The probability of dropping a hidden activation" in hover
        assert "Allowed: [0, 1), or a list of them. Default: 0.5." in hover
        assert "Allowed: integer >= 1. Default: 60." in editor.hover("epochs")
        assert "Allowed: true | false. Default: false." in editor.hover("batch_norm")
        assert (VARIANTS["inverted"].__doc__ or "").splitlines()[0] in editor.hover("inverted")


@needs_node
def test_an_unknown_key_is_underlined(command: list[str], schemas: Path) -> None:
    """It is the only mistake; without it, there is none."""
    with opened(command, schemas, CONFIG) as editor:
        assert editor.diagnostics() == ["Property rat is not allowed."]
    with opened(command, schemas, CONFIG.replace("  rat: 0.2\n", "")) as editor:
        assert editor.diagnostics() == []


@needs_node
@pytest.mark.parametrize("start", ["dropout:\n  variant: ", "dropout: "])
def test_the_variants_are_offered(start: str, command: list[str], schemas: Path) -> None:
    """All of them, by name."""
    text = f"# yaml-language-server: $schema=./dropout.schema.json\ndataset: digits\n{start}\n"
    with opened(command, schemas, text) as editor:
        assert {*VARIANTS.names()} <= {*editor.completions(start)}


@needs_node
def test_a_sweep_is_explained_completed_and_checked(command: list[str], schemas: Path) -> None:
    """Dotted keys and their values, as in a config."""
    with opened(command, schemas, SWEEP) as editor:
        assert "The probability of dropping a hidden activation" in editor.hover("dropout.rate:")
        assert {*VARIANTS.names()} <= {*editor.completions("[inverted, ")}
        assert editor.diagnostics() == ["Property dropout.rat is not allowed."]
    with opened(command, schemas, SWEEP.replace("  dropout.rat: [0.1]\n", "")) as editor:
        assert editor.diagnostics() == []


@needs_node
def test_the_config_that_init_writes_is_understood(command: list[str], tmp_path: Path) -> None:
    """With the schema that it writes beside it, from the first moment and without a network."""
    done = dropout("config", "init", "new.yaml", "--schema", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == "new.yaml\n"
    with LanguageServer(command, tmp_path / "new.yaml") as editor:
        assert "Allowed: integer >= 1. Default: 60." in editor.hover("epochs:")
        assert editor.diagnostics() == []


def test_init_names_a_schema_only_where_there_is_one(tmp_path: Path) -> None:
    """Otherwise it says how to get it; a schema that is there is kept."""
    line = "# yaml-language-server: $schema=./dropout.schema.json"
    first, second, third = (tmp_path / f"{name}.yaml" for name in "abc")
    assert dropout("config", "init", first.name, cwd=tmp_path).returncode == 0
    assert "dropout config init --schema" in first.read_text().splitlines()[0] and line not in first.read_text()
    assert dropout("config", "init", second.name, "--schema", cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "dropout.schema.json").read_text()) == config.json_schema()
    (tmp_path / "dropout.schema.json").write_text("{}")
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,x\n2,y\n" * 20)
    assert dropout("config", "init", third.name, "--data", "rows.csv", "--schema", cwd=tmp_path).returncode == 0
    assert (tmp_path / "dropout.schema.json").read_text() == "{}"
    for file in (second, third):
        assert file.read_text().splitlines()[0] == line
        assert config.load_config(file).notices == []


def test_a_schema_that_cannot_be_written_leaves_no_config(tmp_path: Path) -> None:
    """A folder of its name is in the way: one line, exit code 2."""
    (tmp_path / "dropout.schema.json").mkdir()
    done = dropout("config", "init", "a.yaml", "--schema", cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "a.yaml").exists()


def described(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield key -> schema of every property at any depth."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for value in schema.values():
            yield from described(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from described(value)


def test_every_leaf_says_what_is_allowed_and_its_default() -> None:
    """In the words of `dropout variants`."""
    properties = config.json_schema()["$defs"]["Training"]["properties"]
    rows = {row["name"]: row for row in describe_fields(Training)}
    for name in ("epochs", "l1", "max_norm", "evaluate"):
        row = rows[name]
        default = "null" if row["default"] is None else row["default"]
        assert properties[name]["description"].startswith(row["about"])
        assert properties[name]["description"].partition(" Allowed: ")[2] == f"{row['allowed']}. Default: {default}."
    assert not [name for name, each in described(config.json_schema()) if "default" in each and not each["description"]]


def test_the_sweep_schema_knows_every_key_of_every_class() -> None:
    """Settings of every variant; each accepts the values that a config takes."""
    import jsonschema

    schema = sweep_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    keys = schema["properties"]["set"]["properties"]
    for _, cls in VARIANTS:
        assert {f"dropout.{row['name']}" for row in describe_fields(cls)} <= keys.keys()
    checker = jsonschema.Draft202012Validator(schema)
    page = (Path(__file__).parents[2] / "docs/sweeps.md").read_text()
    texts = re.findall(r"```yaml\n(base:.*?)```", page, re.DOTALL)
    assert texts
    for text in texts:
        tree = parse_yaml(text, ConfigSource("page", Path()), ErrorCollector())
        assert tree is not None and not [*checker.iter_errors(node_value(tree))]
    mistakes: list[dict[str, Any]] = [
        {"set": {"training.epochs": 0}},
        {"grid": {"dropout.rate": 0.5}},
        {"grid": {"dropout.rate": [1.5]}},
        {"zip": {"dropout.variant": ["invertd"]}},
        {"random": {"count": 2, "draw": {"dropout.rate": {"uniform": [0]}}}},
        {"metric": "test.acuracy"},
        {"sets": {}},
    ]
    for wrong in mistakes:
        assert not checker.is_valid({"base": "digits", **wrong}), wrong
    assert checker.is_valid({"base": "digits", "random": {"count": 2, "draw": {"dropout.rate": {"uniform": [0, 0.5]}}}})
