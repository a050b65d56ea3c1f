"""YAML 1.2 read literally and safely: `config.document`, `config.scalars` and `config.files`."""

import math
from pathlib import Path

import pytest

from dropout_cli.config.document import Node, parse_yaml
from dropout_cli.config.error_collector import ConfigSource, ErrorCollector
from dropout_cli.config.files import bundled_configs, decode_config, find_config, read_config_bytes
from dropout_cli.config.scalars import parse_scalar
from dropout_cli.config.validate import node_value
from dropout_cli.core.errors import ConfigError

SOURCE = ConfigSource("c.yaml", Path())


def parse(text: str) -> Node:
    """The tree of a text without mistakes."""
    mistakes = ErrorCollector()
    tree = parse_yaml(text, SOURCE, mistakes)
    mistakes.raise_if_any()
    assert tree is not None
    return tree


def refusal(text: str) -> str:
    """Return the error message for a text."""
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize(
    "text", ["no", "on", "yes", "y", "010", "-08", "1:30", "2026-11-23", "1_000", "nan", "inf", "<"]
)
def test_words_that_yaml_1_1_would_turn_into_something_else_are_text(text: str) -> None:
    """Only what YAML 1.2 calls a number or a truth value is one; `010` is text as well."""
    assert parse_scalar(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1e5", 100000.0),
        ("-.5", -0.5),
        ("3.", 3.0),
        ("1E+2", 100.0),
        ("-.inf", -math.inf),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("0x1F", 31),
        ("0o17", 15),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
    ],
)
def test_numbers_truth_values_and_null_are_read_as_yaml_1_2_has_them(text: str, value: object) -> None:
    """The type counts as well as the value: 1e5 is a float, 0 an int, true no 1."""
    assert parse_scalar(text) == value
    assert type(parse_scalar(text)) is type(value)


def test_a_number_of_ten_thousand_digits_is_read_without_an_error() -> None:
    """Python refuses to make an int of more than 4,300 digits; such a number is out of every bound anyway."""
    assert parse_scalar("9" * 10_000) == math.inf


def test_quoted_scalars_are_text() -> None:
    """Quotation marks make any value a text."""
    assert node_value(parse("{a: '1', b: \"true\", c: 'null'}")) == {"a": "1", "b": "true", "c": "null"}


def test_every_value_and_key_knows_its_line_and_column() -> None:
    """Lines and columns count from 1, and columns count characters, not bytes."""
    tree = parse("a: 1\nü:\n  - é\n  - {b: 2}\n")
    assert isinstance(tree.value, dict)
    values = tree.value["ü"].value
    assert isinstance(values, list)
    inner = values[1].value
    assert isinstance(inner, dict)
    assert str(tree.value["ü"].key_place) == "c.yaml:2:1"
    assert str(values[0].place) == "c.yaml:3:5"
    assert (str(inner["b"].key_place), str(inner["b"].place)) == ("c.yaml:4:6", "c.yaml:4:9")


def test_an_alias_stands_where_it_is_written() -> None:
    """A mistake in a repeated value is shown where it is repeated."""
    tree = parse("a: &rate 0.5\nb: *rate\n")
    assert isinstance(tree.value, dict)
    assert tree.value["b"].value == 0.5
    assert str(tree.value["b"].place) == "c.yaml:2:4"


def test_a_duplicate_key_is_refused_with_both_places() -> None:
    """The second is where the mistake is reported; the first is named."""
    assert refusal("a: 1\nb:\n  c: 1\n  c: 2\n") == (
        "c.yaml:4:3: the key 'c' is given twice, first in line 3, column 3. Remove one of them."
    )


@pytest.mark.parametrize("text", ["1: a", "true: a", "? [1]\n: a", "? {b: 1}\n: a", "~: a", "1.5: a"])
def test_keys_that_are_not_text_are_refused(text: str) -> None:
    """A key is always a text."""
    assert "c.yaml:1:" in refusal(text)
    assert "a key must be text" in refusal(text)


def test_merge_keys_are_refused() -> None:
    """`<<` would hide where a value comes from."""
    assert refusal("a: &a {b: 1}\nc: {<<: *a}\n").startswith("c.yaml:2:5: merge keys (<<) are not allowed.")


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.system [ls]", "!x {a: 1}", "a: !!str 1", "a: ! b"])
def test_tags_are_refused(text: str) -> None:
    """Nothing in a config names a type, and least of all code."""
    assert "is not allowed" in refusal(text)


@pytest.mark.parametrize("nested", ["[" * 33, "{a: " * 33, "- " * 33, "[" * 400_000, "? " * 300_000])
def test_deep_nesting_is_refused_before_the_text_ends(nested: str) -> None:
    """The scan stops at the 33rd level, so that unclosed brackets are never looked for."""
    assert "nested deeper than 32 levels" in refusal(nested)


def test_thirty_two_levels_are_allowed() -> None:
    """The limit is exactly the documented one."""
    assert parse("[" * 32 + "]" * 32).depth == 32


def test_nesting_through_aliases_counts_as_nesting() -> None:
    """Each anchor is shallow, but what they add up to is not."""
    lines = ["a0: &a0 [" + "[" * 15 + "]" * 15 + "]"]
    lines += [f"a{i}: &a{i} [" + "[" * 9 + f"*a{i - 1}" + "]" * 9 + "]" for i in range(1, 4)]
    assert refusal("\n".join(lines)).startswith("c.yaml:3:")


def test_a_bomb_of_multiplying_aliases_is_refused() -> None:
    """Nine levels of nine aliases stand for 9^9 values; the limit stops them where they pass 100,000."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    assert "more than 100,000 values" in refusal("\n".join(lines))


def test_more_than_a_thousand_aliases_are_refused() -> None:
    """A thousand are allowed."""
    assert parse("a: &a 1\nb: [" + "*a, " * 1000 + "]").size == 1005
    assert "more than 1,000 aliases" in refusal("a: &a 1\nb: [" + "*a, " * 1001 + "]")


def test_an_alias_inside_its_own_anchor_is_refused() -> None:
    """Such a value would have no end."""
    assert "refers to itself" in refusal("a: &a [1, *a]")


def test_an_alias_without_an_anchor_is_refused() -> None:
    """There is nothing that it could stand for."""
    assert refusal("a: *b") == "c.yaml:1:4: the alias *b has no anchor &b before it. Write the value out."


def test_a_second_document_is_refused() -> None:
    """A config is one document."""
    assert refusal("a: 1\n---\nb: 2\n").startswith("c.yaml:2:1: a second document starts here.")


@pytest.mark.parametrize("text", ["a: [1", "a: 'x", "a: b: c", "a: @b", "%YAML 9.0\n---\na: 1", "a: \x07", "a\n b: 1"])
def test_a_syntax_error_is_one_line_with_its_place(text: str) -> None:
    """PyYAML's own messages run over several lines."""
    message = refusal(text)
    assert message.startswith("c.yaml:")
    assert "is not valid YAML" in message
    assert "\n" not in message


def test_tabs_are_named_as_what_is_wrong() -> None:
    """A tab looks like spaces, so the message names it."""
    assert "Indent with spaces, not tabs." in refusal("a:\n\tb: 1\n")


def test_a_text_of_comments_has_no_tree() -> None:
    """The caller decides the meaning of an empty config."""
    assert parse_yaml("# nothing\n", SOURCE, ErrorCollector()) is None


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    """Some editors write one."""
    assert decode_config(b"\xef\xbb\xbfa: 1", "c.yaml") == "a: 1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: \xff", "c.yaml:1:4: is not UTF-8 text"),
        ("a: 1".encode("utf-16"), "c.yaml: is UTF-16 text"),
        (b"a: \0", "c.yaml: is not a text file"),
    ],
)
def test_what_is_not_utf_8_text_is_refused(content: bytes, message: str) -> None:
    """The first wrong byte is shown."""
    with pytest.raises(ConfigError, match=message):
        decode_config(content, "c.yaml")


def test_files_that_cannot_be_configs_are_refused_with_one_line(tmp_path: Path) -> None:
    """A missing, empty, blank or too large file and a directory each have a message of their own."""
    (tmp_path / "empty.yaml").write_bytes(b"")
    (tmp_path / "blank.yaml").write_bytes(b" \n\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * 10_000_000)
    facts = {"none.yaml": "no such file", "": "is a folder", "empty.yaml": "is empty", "blank.yaml": "is empty"}
    for name, fact in {**facts, "large.yaml": "is larger than 1 MB", "a\0b": "cannot be read"}.items():
        with pytest.raises(ConfigError, match=fact) as caught:
            read_config_bytes(tmp_path / name)
        assert len(caught.value.problems) == 1
        assert caught.value.exit_code == 2


def test_a_file_is_found_by_its_path_before_a_bundled_config_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the user wins; a folder of that name does not count."""
    monkeypatch.chdir(tmp_path)
    (name, path), *_ = bundled_configs().items()
    assert find_config(name) == path
    Path(name).mkdir()
    assert find_config(name) == path
    Path(name).rmdir()
    Path(name).write_text("seed: 1\n")
    assert find_config(name) == Path(name)


def test_a_bare_name_that_is_misspelled_is_answered_with_the_nearest_one() -> None:
    """The bundled configs are listed."""
    name = next(iter(bundled_configs()))
    with pytest.raises(ConfigError, match=f"Did you mean '{name}'"):
        find_config(name + "x")
