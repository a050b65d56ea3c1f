"""Wrong configs: all mistakes are reported together, one line each, with place, fact and way out."""

from pathlib import Path

import pytest

from dropout_cli.config import load_config
from dropout_cli.core.errors import ConfigError

pytestmark = pytest.mark.usefixtures("folder")


def refusal(text: str, *overrides: str) -> list[str]:
    """The lines about a config that is refused."""
    Path("c.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(Path("c.yaml"), overrides)
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


NOT_KEPT = "(rate is the probability of dropping, not of keeping)"
IS_A_NAME = "must be a name or a mapping with 'variant'"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dropout: {variant: inverted, rate: 1.0}", f"2:36: dropout.rate: must be below 1, got 1.0 {NOT_KEPT}."),
        ("dropout: {variant: inverted, rate: -0.1}", f"2:36: dropout.rate: must be at least 0, got -0.1 {NOT_KEPT}."),
        ("dropout: {variant: inverted, rate: [.5, 1]}", f"2:41: dropout.rate: must be below 1, got 1 {NOT_KEPT}."),
        (
            "dropout: {variant: inverted, rate: abc}",
            "2:36: dropout.rate: must be a number or a list, got the text 'abc'.",
        ),
        ("dropout: {variant: inverted, rate: {}}", "2:36: dropout.rate: must be a number or a list, got a mapping."),
        ("dropout: [inverted]", f"2:10: dropout: {IS_A_NAME}, got a list. Choose from: "),
        ("dropout: {variant: 3}", "2:20: dropout.variant: must be a name, got 3. Choose from: "),
        (
            "dropout: {rte: 0.5, variant: inverted}",
            "2:11: dropout.rte: unknown key. Did you mean 'rate'? inverted takes: rate",
        ),
        ("architecture: {hidden: []}", "2:24: architecture.hidden: must have at least 1 entry, got an empty list."),
        ("architecture: {hidden: 64}", "2:24: architecture.hidden: must be a list, got 64. Write [64]."),
        ("architecture: {hidden: [64, 0]}", "2:29: architecture.hidden: must be at least 1, got 0."),
        ("architecture: {activation: rleu}", "2:28: architecture.activation: must be 'gelu', 'identity', 'relu', "),
        ("architecture: {batch_norm: no}", "2:28: architecture.batch_norm: must be true or false, got the text 'no'."),
        (
            "architecture: {initializer: 3}",
            "2:29: architecture.initializer: must be a name or a mapping with 'name' or 'auto', ",
        ),
        ("training: {l1: .nan}", "2:16: training.l1: must be a finite number, got .nan."),
        ("training: {l1: .inf}", "2:16: training.l1: must be a finite number, got .inf."),
        ("training: {l1: 1e999}", "2:16: training.l1: must be a finite number, got 1e999."),
        ("training: {l1: true}", "2:16: training.l1: must be a number, got true."),
        ("training: {l1: '0.3'}", "2:16: training.l1: must be a number, got the text '0.3'. Write it without quotes."),
        ("training: {epochs: 1.0}", "2:20: training.epochs: must be a whole number, got 1.0."),
        ("training: {epochs: null}", "2:20: training.epochs: must be a whole number, got null."),
        (
            "training: {threads: atuo}",
            "2:21: training.threads: must be 'auto' or a whole number, got the text 'atuo'. Did you ",
        ),
        ("training: {threads: 0}", "2:21: training.threads: must be at least 1, got 0."),
        ("training: {average: true}", "2:21: training.average: must be a mapping or null, got true. It takes: decay."),
        (
            "training: {average: {decya: .9}}",
            "2:22: training.average.decya: unknown key. Did you mean 'decay'? average takes: ",
        ),
        ("training: {average: {decay: 1}}", "2:29: training.average.decay: must be below 1, got 1."),
        ("training:", "2:10: training: must be a mapping, got nothing. It takes: epochs, "),
        ("training: {init_from: 3}", "2:23: training.init_from: must be text, got 3. Put it in quotes."),
        ("seed: 010", "2:7: seed: must be a whole number, got the text '010'."),
        ("seed: -1", "2:7: seed: must be at least 0, got -1."),
        ("sede: 1", "2:1: sede: unknown key. Did you mean 'seed'? A config takes: dataset, architecture, dropout, "),
        ("dataset: wine", "2:1: the key 'dataset' is given twice, first in line 1, column 1. Remove one of them."),
    ],
)
def test_a_mistake_is_one_line_with_its_place_and_what_would_be_right(line: str, message: str) -> None:
    """One mistake, one line, whatever union of types the key has."""
    (found,) = refusal(f"dataset: iris\n{line}\n")
    assert found.startswith(f"c.yaml:{message}")


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    """Those of YAML (the duplicate), of keys and of values together; the command line's at the end."""
    text = "seed: -1\ntraining: {epochs: 0, epochs: 1, bach_size: 1}\ndataset: irsi\n"
    places = [line.split(": ")[0] for line in refusal(text, "training.l1=-1", "training.l2=-1")]
    assert places == [
        "c.yaml:1:7",
        "c.yaml:2:20",
        "c.yaml:2:23",
        "c.yaml:2:34",
        "c.yaml:3:10",
        "training.l1=-1",
        "training.l2=-1",
    ]


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n", "3\n"])
def test_a_config_that_is_no_mapping_is_refused(text: str) -> None:
    """A list or a scalar has no keys."""
    (line,) = refusal(text)
    assert line.startswith("c.yaml:1:1: a config is a mapping of keys to values, got ")


def test_a_config_of_comments_alone_is_refused() -> None:
    """It is as good as empty."""
    (line,) = refusal("# later\n")
    assert line.startswith("c.yaml: contains only comments.")


def test_a_missing_dataset_is_answered_with_the_choices() -> None:
    """Both where the block and where only its name is missing."""
    assert refusal("seed: 1\n")[0].startswith("c.yaml:1:1: dataset: is missing. Choose from: ")
    assert refusal("dataset: {val_fraction: 0.1}\n")[0].startswith(
        "c.yaml:1:10: dataset.name: is missing. Choose from: "
    )


def test_a_block_without_its_name_is_the_defaults() -> None:
    """The default optimizer is adam."""
    Path("c.yaml").write_text("dataset: iris\ntraining: {optimizer: {beta1: 0.5}}\n")
    assert load_config(Path("c.yaml")).experiment.training.optimizer.beta1 == 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize("setting", ["early_stopping: {}", "monitor: val_loss", "evaluate: best"])
def test_what_needs_validation_is_refused_without_a_validation_part(setting: str) -> None:
    """The error names the setting that needs the validation part."""
    (line,) = refusal(f"dataset: {{name: iris, val_fraction: 0}}\ntraining:\n  {setting}\n")
    place = f"c.yaml:3:{len(setting.split(':')[0]) + 5}"
    assert line.startswith(f"{place}: training.{setting.split(':')[0]}: needs a validation part")


def test_weight_decay_is_set_once() -> None:
    """AdamW has its own."""
    (line,) = refusal("dataset: iris\ntraining: {optimizer: adamw, weight_decay: 0.1}\n")
    assert line.startswith("c.yaml:2:44: training.weight_decay: the optimizer adamw also sets weight_decay (0.01).")


def test_a_variant_that_does_not_fit_the_network_is_refused() -> None:
    """Three rates for two layers."""
    (line,) = refusal("dataset: iris\ndropout: {variant: inverted, rate: [0.1, 0.2, 0.3]}\n")
    assert line.startswith("c.yaml:2:36: dropout.rate: ")


def test_a_key_where_nothing_was_chosen_says_what_to_choose() -> None:
    """No `dropout:` block is the variant none, which has no rate; others have one."""
    (line,) = refusal("dataset: iris\n", "dropout.rate=0.5")
    assert line.startswith("dropout.rate=0.5: unknown key. none takes no keys.")
    assert "These have this key: adaptive, alpha, " in line and "concrete" not in line
    (line,) = refusal("dataset: iris\n", "dropout.nonsense=0.5")
    assert "none takes: no keys except 'variant'." in line


def test_the_file_of_a_sweep_is_told_from_a_config() -> None:
    """In one line, with the command that takes it."""
    (line,) = refusal("base: digits\ngrid: {dropout.rate: [0, 0.5]}\nseeds: 3\n")
    assert line.startswith("c.yaml:1:1: base: this is a sweep file, not a config. Train it with 'dropout sweep c.yaml'")


def test_more_mistakes_than_anybody_reads_are_counted() -> None:
    """40,000 unknown keys of a file that is no config are answered in a moment."""
    lines = refusal("".join(f"key{i}: 1\n" for i in range(40_000)))
    assert len(lines) == 101
    assert lines[-1] == "39901 more mistakes are not shown."
