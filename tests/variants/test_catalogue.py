"""`dropout variants` and `dropout datasets` are complete and work as printed."""

import json
from pathlib import Path
from typing import Any

import pytest

from dropout_cli import config
from dropout_cli.core.field_types import describe_fields, describe_values
from dropout_cli.core.registry import Registry
from dropout_cli.data import DATASETS
from dropout_cli.data.catalog import describe_dataset as dataset_details
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.toolkit.catalog import describe_variant, list_variants
from tests.commands import dropout

ROWS = {
    "adaptive": (
        "activations of hidden layers, and the input if input_rate is set",
        "a rate per layer, by a rule",
        "none (a heuristic from teaching material)",
    ),
    "alpha": (
        "activations of hidden layers",
        "nothing",
        "Klambauer et al. 2017, arXiv:1706.02515",
    ),
    "batchwise": (
        "units of hidden layers and of the input, for a whole batch",
        "nothing",
        "Graham, Reizenstein, Robinson 2015, arXiv:1502.02478",
    ),
    "concrete": (
        "the input of every dense layer",
        "a rate per layer",
        "Gal, Hron, Kendall 2017, arXiv:1705.07832",
    ),
    "concrete_naive": (
        "the input of every dense layer",
        "a rate per layer, which drifts to 0",
        "unpublished; concrete without its penalty",
    ),
    "dropblock": (
        "feature maps; in dense layers, single activations",
        "nothing",
        "Ghiasi, Lin, Le 2018, arXiv:1810.12890",
    ),
    "dropconnect": (
        "weights and biases of the layers that feed hidden units",
        "nothing",
        "Wan et al. 2013, ICML",
    ),
    "gaussian": (
        "activations of hidden layers, and the input",
        "nothing",
        "Srivastava et al. 2014, JMLR 15:1929-1958, section 10",
    ),
    "inverted": (
        "activations of hidden layers, and the input",
        "nothing",
        "Srivastava et al. 2014, JMLR 15:1929-1958",
    ),
    "none": (
        "nothing",
        "nothing",
        "-",
    ),
    "shakeout": (
        "the outgoing weights of each unit",
        "nothing",
        "Kang, Li, Tao 2016, arXiv:1904.06593",
    ),
    "sparse_variational": (
        "the weights of every dense layer",
        "the noise's variance, per weight",
        "Molchanov, Ashukha, Vetrov 2017, arXiv:1701.05369",
    ),
    "spatial": (
        "feature maps; in dense layers, single activations",
        "nothing",
        "Tompson et al. 2015, arXiv:1411.4280",
    ),
    "standard": (
        "activations of hidden layers, and the input",
        "nothing",
        "Srivastava et al. 2014, JMLR 15:1929-1958",
    ),
    "standout": (
        "activations of hidden layers",
        "nothing",
        "Ba & Frey 2013, NeurIPS 26",
    ),
    "stochastic_depth": (
        "residual blocks",
        "nothing",
        "Huang et al. 2016, arXiv:1603.09382",
    ),
    "variational": (
        "the input, or the weights, of every dense layer",
        "the noise's variance, per layer, unit or weight",
        "Kingma, Salimans, Welling 2015, arXiv:1506.02557",
    ),
}
"""Variant -> where it acts, what it learns, and its paper, as users read them."""


def printed(*arguments: str, cwd: Path = Path()) -> str:
    """The stdout of a command that succeeds."""
    done = dropout(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_list_names_each_variant_with_all_that_distinguishes_it() -> None:
    """Name, one line, where it acts, what it learns, paper; as a table and as JSON."""
    rows = json.loads(printed("variants", "--json"))["variants"]
    assert rows == list_variants() and [row["name"] for row in rows] == VARIANTS.names()
    assert all(value for row in rows for value in row.values())
    table = printed("variants")
    assert all(str(value) in table for row in rows for value in row.values())


def test_every_variant_is_described_in_the_words_that_were_read() -> None:
    """A changed word is read again before it stands here; a new variant has its words in a test of its own."""
    rows = {row["name"]: (row["acts_on"], row["learns"], row["paper"]) for row in list_variants()}
    assert {name: rows[name] for name in ROWS} == ROWS


@pytest.mark.parametrize("name", VARIANTS.names())
def test_a_page_has_equations_keys_bounds_and_notes(name: str) -> None:
    """Equations for training and evaluation, notes, and the default and the allowed values of each key."""
    entry = describe_variant(VARIANTS[name])
    assert all(word in entry["text"] for word in ("training", "evaluation", "\nNotes: "))
    assert all(key["about"] and key["allowed"] for key in entry["keys"])
    assert [key["name"] for key in entry["keys"]] == list(config.to_dict(VARIANTS[name]()))


def test_the_printed_page_holds_what_the_json_holds() -> None:
    """For the variant with the most kinds of keys."""
    page, entry = printed("variants", "dropconnect", "--full"), json.loads(printed("variants", "dropconnect", "--json"))
    for part in (entry["text"], entry["config"].rstrip(), "[0, 1), or a list of them", "moments | exact"):
        assert part in page


@pytest.mark.parametrize("name", VARIANTS.names())
def test_a_page_fits_one_screen(name: str) -> None:
    """It has the equations, the keys, the lines of NumPy, the example with its mask, and what evaluation does."""
    entry = describe_variant(VARIANTS[name])
    page = printed("variants", name)
    assert len(page.splitlines()) <= 46
    assert page.startswith(entry["text"].partition("\n")[0]) and "evaluation   " in page and entry["paper"] in page
    words = " ".join(page.split())
    assert all(f"{key['name']}: " in words for key in entry["keys"])
    example = entry["example"]
    assert all(line.strip() in page for line in example["numpy"].splitlines())
    assert all(table["title"] in page for table in example["tables"]) and example["evaluation"] in words
    assert f"`dropout variants {name} --full` shows all notes" in page
    assert "\nNotes: " not in page and "An example config" not in page


@pytest.mark.parametrize("name", ["alpha", "none"])
def test_the_printed_config_runs_as_printed(name: str, tmp_path: Path) -> None:
    """Copied from the page into a file, anywhere."""
    page = printed("variants", name, "--full")
    (tmp_path / "copied.yaml").write_text(page.partition("An example config:\n\n")[2])
    run = printed("train", "copied.yaml", "training.epochs=1", "--quiet", "--no-plots", cwd=tmp_path).strip()
    assert json.loads((tmp_path / run / "summary.json").read_text())["config"]["dropout"]["variant"] == name


@pytest.mark.parametrize("registry", [VARIANTS, DATASETS])
def test_every_default_is_among_what_is_allowed(registry: Registry[Any]) -> None:
    """A key whose default is null says so, a choice lists its default, a number has its bounds."""
    for _, cls in registry:
        for key in describe_fields(cls):
            if key["default"] is None and not key["required"]:
                assert "null" in key["allowed"], key
            if isinstance(key["default"], str):
                assert key["default"] in key["allowed"] or "text" in key["allowed"], key


@pytest.mark.parametrize(
    ("cls", "key", "text"),
    [
        (VARIANTS["inverted"], "rate", "[0, 1), or a list of them"),
        (VARIANTS["inverted"], "rate_schedule", "anti_curriculum | constant | curriculum | early | late | linear"),
        (VARIANTS["concrete"], "length_scale", "> 0"),
        (VARIANTS["concrete"], "start", "[0.0025, 0.9975]"),
        (VARIANTS["shakeout"], "c", ">= 0"),
        (VARIANTS["adaptive"], "input_rate", "[0, 1) | null"),
        (VARIANTS["dropconnect"], "samples", "integer >= 1"),
        (DATASETS["mnist"], "path", "a path | null"),
    ],
)
def test_bounds_read_as_a_person_writes_them(cls: type, key: str, text: str) -> None:
    """From the annotation alone."""
    assert next(one["allowed"] for one in describe_fields(cls) if one["name"] == key) == text


def test_plain_kinds_have_words() -> None:
    """For fields without bounds."""
    assert [describe_values(kind) for kind in (bool, int, float, str)] == [
        "true | false",
        "integer",
        "a number",
        "text",
    ]


def test_a_dataset_has_a_page_too() -> None:
    """With what its keys may be."""
    assert dataset_details(DATASETS["moons"])["keys"][0]["allowed"]
    assert "noise" in printed("datasets", "moons")
