"""Recipes of starter configs: they train, also with few rows and unequal classes."""

from pathlib import Path

import pytest

from dropout_cli.config import load_config
from dropout_cli.config.starter import starter_config
from dropout_cli.config.starter.recipe import recipe_for_rows, recipe_text
from dropout_cli.objectives.cross_entropy import CrossEntropy


def table_of(counts: dict[str, int]) -> str:
    """A table with that many rows of each class."""
    labels = [label for label, count in counts.items() for _ in range(count)]
    rows = "".join(f"{row * 0.37 % 5:.2f},{row * 0.73 % 3:.2f},{label}\n" for row, label in enumerate(labels))
    return f"a,b,kind\n{rows}"


def starter(folder: Path, table: str) -> tuple[Path, str]:
    """Write a table and its starter config; return the path of the config and the message."""
    (folder / "t.csv").write_text(table)
    text, message = starter_config(folder / "t.csv")
    (folder / "c.yaml").write_text(text)
    return folder / "c.yaml", message


@pytest.mark.parametrize("classes", [0, 2, 7])
def test_a_batch_is_never_larger_than_the_training_part(classes: int) -> None:
    """For every number of rows, whether the data are drawn into parts or have their own."""
    for rows in [*range(1, 120), 1_999, 2_001, 19_999, 1_000_000]:
        recipe = recipe_for_rows(rows, classes)
        assert 1 <= recipe.batch_size <= max(1, rows - round(recipe.val_fraction * rows)), rows
        assert recipe_for_rows(rows, classes, trained=3).batch_size <= 3
        assert 5 <= recipe.epochs <= 400 and recipe.patience >= 10


@pytest.mark.parametrize("classes", [0, 3])
def test_training_stops_by_the_validation_loss(tmp_path: Path, classes: int) -> None:
    """The best epoch counts, and the monitor suits both tasks, so that `dataset.task` may be changed later."""
    text = "dataset: {name: table, path: t.csv}\n" + recipe_text(recipe_for_rows(300, classes))
    (tmp_path / "c.yaml").write_text(text)
    training = load_config(tmp_path / "c.yaml").experiment.training
    assert training.early_stopping is not None and training.monitor == "val_loss"


def test_a_recipe_for_numbers_has_a_low_rate(tmp_path: Path) -> None:
    """Rates of .3 make the errors of regressions several times larger."""
    (tmp_path / "c.yaml").write_text("dataset: digits\n" + recipe_text(recipe_for_rows(300, 0)))
    assert load_config(tmp_path / "c.yaml").experiment.dropout.rates()[0] == 0.05
    (tmp_path / "c.yaml").write_text("dataset: digits\n" + recipe_text(recipe_for_rows(300, 3)))
    assert load_config(tmp_path / "c.yaml").experiment.dropout.rates()[0] == 0.3


def test_unequal_classes_are_counted_but_not_weighted(tmp_path: Path) -> None:
    """The message and a comment have the counts; a commented line gives the weights."""
    config, message = starter(tmp_path, table_of({"no": 90, "yes": 20}))
    assert load_config(config).experiment.objective == CrossEntropy()
    sizes = "'no' 90 rows, 'yes' 20 rows"
    assert sizes in message and f"# The classes are unequal: {sizes}." in config.read_text()
    text = config.read_text()
    config.write_text(text.replace("# objective:", "objective:"))
    assert text != config.read_text()
    objective = load_config(config).experiment.objective
    assert isinstance(objective, CrossEntropy) and objective.class_weights == "balanced"


def test_classes_of_about_equal_size_are_not_mentioned(tmp_path: Path) -> None:
    """Four times as many rows are still about equal."""
    config, message = starter(tmp_path, table_of({"no": 80, "yes": 20}))
    assert "unequal" not in message and "objective" not in config.read_text()


def test_a_class_name_cannot_leave_its_comment(tmp_path: Path) -> None:
    """A class whose name has a line break is still listed on the line of the comment."""
    config, _ = starter(tmp_path, table_of({"no": 90, '"a\ndataset: b"': 20}))
    assert load_config(config).experiment.objective == CrossEntropy()
