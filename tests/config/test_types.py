"""Values that each type of field accepts, messages for other values, and the folders where files are searched."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest

from dropout_cli.config import find_config, load_config
from dropout_cli.config.error_collector import ErrorCollector
from dropout_cli.config.merge import read_layers
from dropout_cli.config.validate import build_block
from dropout_cli.core.errors import ConfigError, InvalidField, Problem
from dropout_cli.core.field_types import Count, PathField
from dropout_cli.core.registry import Choice, Registry

pytestmark = pytest.mark.usefixtures("folder")

TOYS: Registry["Toy"] = Registry("toy", package="dropout_cli.core.errors")


class Toy:
    """A choice of the tests."""


@TOYS.register("ball")
@dataclass(frozen=True, kw_only=True)
class Ball(Toy):
    """A ball."""

    radius: Count
    """Required."""
    skin: Annotated[Path | None, PathField()] = None
    """A file."""

    def __post_init__(self) -> None:
        """Refuse two keys with one error."""
        if self.radius == 7:
            raise InvalidField.of([Problem("radius", "seven is bad luck"), Problem("", "a ball of seven is none")])


@TOYS.register("cube")
@dataclass(frozen=True, kw_only=True)
class Cube(Toy):
    """A cube."""

    edge: Count


@dataclass(frozen=True, kw_only=True)
class Box:
    """A root block of the tests."""

    toy: Annotated[Toy, Choice(TOYS)] = field(default_factory=lambda: Ball(radius=3))
    size: Annotated[tuple[int, int], "exactly two"] = (1, 2)
    label: str = ""
    lid: Literal["open", "shut"] | None = None
    weight: float = 1.0
    inner: Annotated[str | None, PathField()] = None
    content: Annotated[str, PathField((".txt",))] | None = None


def box(text: str, *overrides: str, path: str = "sub/c.yaml") -> Box:
    """The box that a config describes."""
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(text)
    mistakes = ErrorCollector()
    made = build_block(Box, read_layers(Box, Path(path), overrides, mistakes).tree, mistakes)
    mistakes.raise_if_any()
    assert isinstance(made, Box)
    return made


def test_paths_count_from_the_folder_of_the_config_and_become_absolute(folder: Path) -> None:
    """On the command line they count from the working directory, as a shell completes them."""
    made = box("inner: a/../b\ntoy: {name: ball, radius: 1, skin: ../s}\n")
    assert made.inner == str(folder / "sub" / "b")
    assert made.toy == Ball(radius=1, skin=folder / "s")
    assert box("{}\n", "inner=x").inner == str(folder / "x")
    assert box("{inner: null}\n").inner is None


def test_a_value_with_one_of_the_endings_is_a_path_and_another_one_stays(folder: Path) -> None:
    """A key can take the name of a thing or a file."""
    for value, meant in (("a.TXT", str(folder / "sub/a.TXT")), ("txt", "txt"), ("../a/b", "../a/b"), ("null", None)):
        assert box(f"content: {value}\n").content == meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("toy: {name: cube}", "1:6: toy.edge: is missing. cube needs it."),
        ("toy: cube", "1:6: toy.edge: is missing. cube needs it."),
        ("size: [1]", "1:7: size: must have more entries, got a list."),
        ("size: [1, 2, 3]", "1:7: size: must have at most 2 entries, got a list."),
        ("size: [1, x]", "1:11: size: must be a whole number, got the text 'x'."),
        ("label: 3", "1:8: label: must be text, got 3. Put it in quotes."),
        ("lid: ajar", "1:6: lid: must be 'open' or 'shut', got the text 'ajar'."),
        ("lid: shot", "1:6: lid: must be 'open' or 'shut', got the text 'shot'. Did you mean 'shut'?"),
        ('inner: "a\\0b"', "1:8: inner: is not a path"),
        (f"weight: {'9' * 400}", "1:9: weight: must be a finite number, got 999"),
    ],
)
def test_other_types_have_their_words_too(text: str, message: str) -> None:
    """Keys that the experiment's own schema does not have yet."""
    with pytest.raises(ConfigError) as caught:
        box(text, path="c.yaml")
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"c.yaml:{message}")


def test_what_a_class_refuses_is_reported_at_the_key_it_names_or_at_the_block() -> None:
    """Each problem of the InvalidField is one mistake."""
    with pytest.raises(ConfigError) as caught:
        box("toy: {name: ball, radius: 7}", path="c.yaml")
    assert str(caught.value).splitlines() == [
        "c.yaml:1:6: toy: a ball of seven is none.",
        "c.yaml:1:27: toy.radius: seven is bad luck.",
    ]


def test_keys_that_a_default_choice_sets_stay_as_the_default_has_them() -> None:
    """The default is Ball(radius=3), and a mapping without a name adds to that."""
    assert isinstance(box("toy: {skin: s}").toy, Ball)
    assert box("toy: {skin: s}").toy.radius == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ("epochs=5", "Did you mean 'training.epochs'?"),
        ("rate=0.5", "Did you mean 'dropout.rate'?"),
        ("training.learning_rate=0.1", "Did you mean 'training.optimizer.learning_rate'?"),
    ],
)
def test_a_key_in_the_wrong_place_is_told_its_home(override: str, hint: str) -> None:
    """The likeliest slip on the command line."""
    with pytest.raises(ConfigError, match=re.escape(hint)):
        load_config(find_config("digits"), [override])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("configs/nope.yaml", None),
        ("nope", None),
        ("configs/invertd.yaml", "variants/inverted"),
        ("alpah", "variants/alpha"),
        ("digit", "digits"),
        ("experimnet.yaml", "experiment.yaml"),
        ("sub/other.yaml", None),
    ],
)
def test_a_file_that_is_not_there_suggests_what_is_close(name: str, hint: str | None) -> None:
    """A file beside it or a bundled config, and nothing that merely shares some letters."""
    Path("experiment.yaml").write_text("dataset: iris\n")
    with pytest.raises(ConfigError) as caught:
        find_config(name)
    assert re.findall(r"Did you mean '(.*?)'", str(caught.value)) == ([hint] if hint else [])


def test_the_name_of_a_dataset_is_no_config_but_says_how_to_train_on_it() -> None:
    """`dropout train iris`."""
    with pytest.raises(ConfigError, match="dropout train digits dataset=iris"):
        find_config("iris")
