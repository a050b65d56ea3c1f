"""For any content of a config file or command line, the only exception is a ConfigError."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropout_cli.config import load_config, to_yaml
from dropout_cli.core.errors import ConfigError

WORDS = [
    *["dataset", "name", "iris", "dropout", "variant", "inverted", "rate", "training", "optimizer", "sgd", "auto"],
    *["extends", "seed", "hidden", "architecture", "early_stopping", "average", "rate_schedule", "initializer"],
    *[
        ": ",
        ":\n  ",
        "\n",
        "\n- ",
        ", ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "? ",
        "! ",
        "!!x ",
        "<<",
        "---\n",
        "#",
        "|\n",
        "%",
    ],
    *["'", '"', "1", "-1", "0.5", "1e999", ".nan", "null", "true", "~", "010", "\t", "\0", "é", "\ufeff", "\\x00"],
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5)
KEYS = WORDS[:19]
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner), max_leaves=20
)


def outcome(path: Path, content: bytes, overrides: list[str]) -> None:
    """Load, and look that what is refused is refused in lines that can be printed."""
    path.write_bytes(content)
    try:
        loaded = load_config(path, overrides)
    except ConfigError as error:
        assert error.exit_code == 2
        assert all(problem.place for problem in error.problems)
        assert str(error).encode()
        assert len(str(error).splitlines()) == len(error.problems)
    else:
        assert to_yaml(loaded.experiment)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is written over and over."""
    return tmp_path_factory.mktemp("fuzz") / "c.yaml"


@given(content=st.binary(max_size=200))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_raise_nothing_but_a_config_error(path: Path, content: bytes) -> None:
    """Most are no text at all."""
    outcome(path, content, [])


@given(words=st.lists(st.sampled_from(WORDS), max_size=30))
@settings(deadline=None, max_examples=300)
def test_random_yaml_raises_nothing_but_a_config_error(path: Path, words: list[str]) -> None:
    """Made of the signs of YAML and of our own words, so that it comes further than random bytes."""
    outcome(path, "".join(words).encode(), [])


@given(tree=st.dictionaries(st.sampled_from(KEYS), TREES))
@settings(deadline=None, max_examples=200)
def test_random_trees_raise_nothing_but_a_config_error(path: Path, tree: dict[str, object]) -> None:
    """Well-formed, with known keys in wrong places and values of every kind."""
    import yaml

    outcome(path, yaml.safe_dump(tree, allow_unicode=True).encode(errors="replace"), [])


@given(
    overrides=st.lists(st.text(max_size=20) | st.lists(st.sampled_from([*WORDS, ".", "="])).map("".join), max_size=4)
)
@settings(deadline=None, max_examples=200)
def test_random_overrides_raise_nothing_but_a_config_error(path: Path, overrides: list[str]) -> None:
    """A shell passes on anything."""
    outcome(path, b"dataset: iris\n", overrides)
