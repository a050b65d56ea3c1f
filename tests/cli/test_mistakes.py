"""Mistakes of users: one clear line, the right exit code, no remaining files."""

from pathlib import Path

import pytest

from tests.commands import dropout

BAD_CONFIGS: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "empty"),
    "not YAML": (b"dataset: [digits", "bad.yaml:2:1: is not valid YAML"),
    "a list": (b"- dataset: digits\n", "mapping"),
    "unknown key": (b"dataset: digits\nepoch: 3\n", "epoch: unknown key"),
    "unknown variant": (b"dataset: digits\ndropout: {variant: invertd}\n", "Did you mean 'inverted'?"),
    "wrong type": (b"dataset: digits\ntraining: {epochs: many}\n", "training.epochs"),
    "rate 1.0": (b"dataset: digits\ndropout: {variant: inverted, rate: 1.0}\n", "must be below 1, got 1.0"),
    "rate -0.1": (b"dataset: digits\ndropout: {variant: inverted, rate: -0.1}\n", "dropout.rate"),
    "NaN": (b"dataset: digits\ndropout: {variant: inverted, rate: .nan}\n", "dropout.rate"),
    "no hidden layers": (b"dataset: digits\narchitecture: {name: mlp, hidden: []}\n", "architecture.hidden"),
    "rates for other layers": (
        b"dataset: digits\narchitecture: {name: mlp, hidden: [4, 4]}\ndropout: {variant: inverted, rate: [0.1]}\n",
        "has 1 rate, but the network has 2 hidden layers",
    ),
    "a layer too large": (b"dataset: digits\narchitecture: {name: mlp, hidden: [2000000000]}\n", "GB of memory"),
    "a batch too large": (b"dataset: digits\ntraining: {batch_size: 100000}\n", "training.batch_size"),
    "a duplicated key": (b"dataset: digits\nseed: 1\nseed: 2\n", "seed"),
    "a bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c + 1, c + 1, b",".join([b"*%c" % c] * 9)) for c in range(97, 109)),
        "bad.yaml",
    ),
    "10 MB": (b"# " + b"x" * 10_000_000, "MB"),
    "a tag": (b"dataset: !!python/object/apply:os.system [echo]\n", "bad.yaml:1"),
    "binary": (bytes(range(256)) * 4, "bad.yaml"),
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
def test_a_bad_config_is_one_clear_line(case: str, tmp_path: Path) -> None:
    """Exit 2, one line that names the place, no traceback, no folder."""
    text, expected = BAD_CONFIGS[case]
    (tmp_path / "bad.yaml").write_bytes(text)
    done = dropout("train", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" and expected in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


def test_every_mistake_has_a_line_of_its_own(tmp_path: Path) -> None:
    """All mistakes are reported together, in the order of the file, with line and column."""
    (tmp_path / "bad.yaml").write_text(
        "dataset: digits\ndropout: {variant: inverted, rte: 0.5}\ntraining:\n  epochs: 0\n  batch_size: 1.5\n"
    )
    lines = dropout("train", "bad.yaml", cwd=tmp_path).stderr.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["bad.yaml:2:30", "dropout.rte"],
        ["bad.yaml:4:11", "training.epochs"],
        ["bad.yaml:5:15", "training.batch_size"],
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["train", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["train", "."], 2, "is a folder"),
        (["train", "digit"], 2, "digits"),
        (["train", "digits", "dropout.rate"], 2, "dropout.rate"),
        (["train", "digits", "--runs-dir", "/dev/null/runs", "--quiet", "training.epochs=1"], 1, "cannot be written"),
        (["eval", "nothing"], 2, "no such run"),
        (["show", "latest"], 2, "no such run"),
        (["eval", "latest", "--split", "tset"], 2, "--help"),
        (["tarin"], 2, "tarin"),
        (["variants", "droput"], 2, "Choose from"),
        (["datasets", "minst"], 2, "mnist"),
        (["fetch", "digits"], 2, "cannot be fetched: only"),
        (["train", "digits", "dataset={name: mnist, path: /nowhere}"], 3, "/nowhere"),
        (["train", "digits", f"dataset.fingerprint={'0' * 64}"], 3, "fingerprint"),
        (["train", "digits", "dataset.test_fraction=0.001"], 3, "test_fraction"),
    ],
)
def test_other_mistakes_have_their_exit_code_and_one_line(
    arguments: list[str], code: int, expected: str, tmp_path: Path
) -> None:
    """2 for the command line, 3 for data, 1 for writing; nothing is left behind."""
    done = dropout(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stdout == "" and expected in done.stderr and len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
