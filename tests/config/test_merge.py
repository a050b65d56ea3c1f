"""Layers of a config: what wins, what merges, what is dropped, and where each value came from."""

from pathlib import Path

import pytest

from dropout_cli.config import LoadedConfig, load_config, to_dict
from dropout_cli.core.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working directory, so that places are short."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(text: str, *overrides: str) -> LoadedConfig:
    """The config `c.yaml` with that text."""
    Path("c.yaml").write_text(text)
    return load_config(Path("c.yaml"), overrides)


def refusal(text: str, *overrides: str) -> list[str]:
    """The lines about a config that is refused."""
    with pytest.raises(ConfigError) as caught:
        loaded(text, *overrides)
    return str(caught.value).splitlines()


def test_defaults_extended_file_file_and_command_line_override_each_other_in_that_order(folder: Path) -> None:
    """Each layer sets one key less than the layer before it."""
    (folder / "base.yaml").write_text("dataset: digits\ntraining: {epochs: 1, batch_size: 1, l1: 1}\n")
    result = loaded("extends: base.yaml\ntraining: {batch_size: 2, l1: 2}\n", "training.l1=3")
    training = result.experiment.training
    assert (training.epochs, training.batch_size, training.l1, training.l2) == (1, 2, 3.0, 0.0)
    assert result.provenance["training.epochs"] == "base.yaml:2:20"
    assert result.provenance["training.batch_size"] == "c.yaml:2:24"
    assert result.provenance["training.l1"] == "command line"
    assert result.provenance["training.l2"] == "default"
    assert result.text == b"extends: base.yaml\ntraining: {batch_size: 2, l1: 2}\n"


def test_every_leaf_has_a_provenance(folder: Path) -> None:
    """`config show --explain` has no gap, and a bare name explains its tag."""
    result = loaded("dataset: iris\n", "dropout=inverted")
    assert next(iter(result.provenance)) == "dataset.name"
    assert result.provenance["dataset.name"] == "c.yaml:1:10"
    assert result.provenance["dropout.variant"] == "command line"
    assert result.provenance["dropout.rate_schedule.name"] == "default"
    assert set(result.provenance) >= {"seed", "training.optimizer.learning_rate", "architecture.hidden"}


def test_an_extended_path_counts_from_the_folder_of_the_file_that_extends_it(folder: Path) -> None:
    """Not from the working directory."""
    (folder / "sub").mkdir()
    (folder / "sub" / "base.yaml").write_text("dataset: wine\n")
    (folder / "sub" / "c.yaml").write_text("extends: base.yaml\n")
    assert to_dict(load_config(Path("sub/c.yaml")).experiment)["dataset"]["name"] == "wine"


def test_an_extended_file_that_extends_another_is_refused(folder: Path) -> None:
    """One level, so that a reader finds every value in two files."""
    (folder / "base.yaml").write_text("dataset: wine\nextends: other.yaml\n")
    (line,) = refusal("extends: base.yaml\n")
    assert line.startswith("base.yaml:2:1: extends: a config that is extended cannot itself extend another config.")


@pytest.mark.parametrize("name", ["none.yaml", ".", "[1]", "3"])
def test_a_file_that_cannot_be_extended_is_a_mistake_at_its_key(folder: Path, name: str) -> None:
    """The error names the line of `extends`."""
    assert refusal(f"extends: {name}\ndataset: iris\n")[0].startswith("c.yaml:1:10: extends: ")


def test_mistakes_in_the_extended_file_and_in_the_file_are_reported_together(folder: Path) -> None:
    """The extended file's come first."""
    (folder / "base.yaml").write_text("dataset: wine\nepoch: 3\n")
    lines = refusal("extends: base.yaml\nsede: 3\n", "training.l1=-1")
    assert [line.split(": ")[0] for line in lines] == ["base.yaml:2:1", "c.yaml:2:1", "training.l1=-1"]


def test_lists_replace_and_mappings_merge(folder: Path) -> None:
    """A mapping on the command line adds to the file's; a list takes the place of the file's."""
    text = "dataset: iris\narchitecture: {hidden: [8, 8], batch_norm: true}\n"
    network = to_dict(loaded(text, "architecture={hidden: [4]}").experiment)["architecture"]
    assert (network["hidden"], network["batch_norm"]) == ([4], True)


@pytest.mark.parametrize(
    ("written", "rate"), [("0.25", 0.25), ("1e-1", 0.1), ("[0.1, 0.2]", (0.1, 0.2)), (".5", 0.5), ("0", 0.0)]
)
def test_values_on_the_command_line_are_yaml(folder: Path, written: str, rate: object) -> None:
    """The same reader reads both."""
    assert loaded("dataset: iris\ndropout: inverted\n", f"dropout.rate={written}").experiment.dropout.rate == rate  # type: ignore[attr-defined]


def test_the_later_of_two_equal_keys_on_the_command_line_wins(folder: Path) -> None:
    """This is the usual rule for options in a shell."""
    assert loaded("dataset: iris\n", "seed=1", "seed=2").experiment.seed == 2


@pytest.mark.parametrize(
    "override", ["x", "=3", "a..b=3", ".a=1", "", "a=[1", "extends=b.yaml", "a=!!str x", "seed=\udcff"]
)
def test_an_override_that_cannot_be_read_is_one_line_about_it(folder: Path, override: str) -> None:
    """The place is the argument itself, printable; later arguments are still looked at."""
    lines = refusal("dataset: iris\n", override, "training.epochs=0")
    assert len(lines) == 2
    assert lines[1] == "training.epochs=0: must be at least 1, got 0."
    assert "\n".join(lines).encode()


def test_changing_the_class_drops_inherited_keys_that_the_new_one_lacks_with_a_notice(folder: Path) -> None:
    """Only SGD has momentum; every optimizer has learning_rate, which stays."""
    text = "dataset: iris\ntraining:\n  optimizer: {name: sgd, momentum: 0.9, learning_rate: 0.5}\n"
    result = loaded(text, "training.optimizer=adam")
    optimizer = to_dict(result.experiment)["training"]["optimizer"]
    assert (optimizer["name"], optimizer["learning_rate"]) == ("adam", 0.5)
    assert result.notices == [
        "c.yaml:3:26: training.optimizer.momentum: ignored, because optimizer is now adam, "
        "which does not have this key."
    ]


def test_switching_dropout_off_needs_no_notice(folder: Path) -> None:
    """Nobody expects a rate to count without dropout."""
    result = loaded("dataset: iris\ndropout: {variant: inverted, rate: 0.5}\n", "dropout=none")
    assert to_dict(result.experiment)["dropout"] == {"variant": "none"} and result.notices == []


def test_changing_the_class_of_the_default_drops_keys_as_well(folder: Path) -> None:
    """The file takes the default optimizer, adam, without naming it."""
    result = loaded("dataset: iris\ntraining: {optimizer: {beta1: 0.8}}\n", "training.optimizer.name=sgd")
    assert to_dict(result.experiment)["training"]["optimizer"]["name"] == "sgd"
    assert len(result.notices) == 1


@pytest.mark.parametrize("overrides", [["training.optimizer=adam", "training.optimizer.momentum=0.5"]])
@pytest.mark.parametrize("backwards", [False, True])
def test_keys_set_in_the_layer_that_changes_the_class_are_never_dropped(
    folder: Path, overrides: list[str], backwards: bool
) -> None:
    """All of the command line is one layer, in whatever order, and so a key that does not fit is a mistake."""
    lines = refusal("dataset: iris\ntraining: {optimizer: sgd}\n", *(reversed(overrides) if backwards else overrides))
    assert len(lines) == 1
    assert lines[0].startswith("training.optimizer.momentum=0.5: unknown key.")


def test_within_one_file_nothing_is_dropped(folder: Path) -> None:
    """A variant without the key that is written beside it is a mistake of that file."""
    (line,) = refusal("dataset: iris\ndropout: {variant: none, rate: 0.5}\n")
    said, _, names = line.partition(" These have this key: ")
    names, _, example = names.partition(", for example ")
    assert said == ("c.yaml:2:26: dropout.rate: unknown key. none takes no keys.")
    assert "gaussian" in names and "none" not in names and example == "dropout.variant=inverted."


def test_a_misspelled_key_is_not_dropped_but_reported(folder: Path) -> None:
    """Only keys that the class before had can be inherited."""
    lines = refusal("dataset: iris\ntraining: {optimizer: {name: sgd, momentun: 0.9}}\n", "training.optimizer=adam")
    assert len(lines) == 1
    assert "training.optimizer.momentun: unknown key" in lines[0]


def test_an_unknown_class_is_the_only_mistake_of_its_block(folder: Path) -> None:
    """Keys of an unknown class cannot be checked."""
    (line,) = refusal("dataset: iris\ndropout: {variant: inverted, rate: 0.5}\n", "dropout=invreted")
    assert line.startswith("dropout=invreted: unknown variant 'invreted'. Did you mean 'inverted'? Choose from: ")


def test_null_can_be_overridden_by_a_block_and_a_block_by_null(folder: Path) -> None:
    """A dotted key makes the block that it is in."""
    assert loaded("dataset: iris\n", "training.average.decay=0.9").experiment.training.average is not None
    text = "dataset: iris\ntraining: {average: {decay: 0.9}}\n"
    assert loaded(text, "training.average=null").experiment.training.average is None


def test_a_literal_replaces_a_choice(folder: Path) -> None:
    """`auto` is no initializer, but allowed in the place of one."""
    text = "dataset: iris\narchitecture: {initializer: {name: normal}}\n"
    assert to_dict(loaded(text, "architecture.initializer=auto").experiment)["architecture"]["initializer"] == "auto"
