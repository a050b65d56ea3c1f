"""Versions that must agree, the container file, and what the release script refuses."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import dropout_cli
from tests.checkout import ROOT

POSIX = pytest.mark.skipif(os.name != "posix" or shutil.which("git") is None, reason="a POSIX shell and git")
README = (ROOT / "README.md").read_text("utf-8")
FIRST_COMMAND = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)[0].strip()


def test_the_citation_has_the_version_of_the_package() -> None:
    """`CITATION.cff` names the version that it comes with."""
    assert f"\nversion: {dropout_cli.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_the_classifiers_are_the_python_versions_that_the_readme_calls_tested() -> None:
    """No version is claimed without a test, and the lowest one is required."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pattern = r"Programming Language :: Python :: (3\.\d+)"
    claimed = [found[1] for text in project["classifiers"] if (found := re.fullmatch(pattern, text))]
    (sentence,) = re.findall(r"tested on Linux with (Python [^;]*?)\. Windows", README)
    assert claimed == re.findall(r"3\.\d+", sentence)
    assert project["requires-python"] == f">={claimed[0]}"


def test_the_container_runs_the_first_command_of_the_readme() -> None:
    """`.ci/Dockerfile` installs and trains with that command, to the letter, and with no other."""
    lines = (ROOT / ".ci/Dockerfile").read_text("utf-8").splitlines()
    assert [line.removeprefix("RUN ") for line in lines if line.startswith("RUN ")] == [FIRST_COMMAND]
    assert [line for line in lines if line.startswith("FROM ")] == ["FROM python:3.11-slim"]
    assert "COPY . ." in lines


def copy_of_repository(folder: Path, version: str, citation: str, section: str) -> Path:
    """Return a repository with the release script, and files that state these versions."""
    (folder / ".ci").mkdir(parents=True)
    (folder / "dropout_cli").mkdir()
    shutil.copy(ROOT / ".ci/release", folder / ".ci/release")
    (folder / "dropout_cli/__init__.py").write_text(f'__version__ = "{version}"\n', "utf-8")
    (folder / "CITATION.cff").write_text(f"title: dropout\nversion: {citation}\n", "utf-8")
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n## {section}\n\n- A change.\n", "utf-8")
    commit = ["-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "--message", "a"]
    for arguments in (["init", "--quiet"], ["add", "."], commit):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return folder


def release(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the release script with an interpreter that ends it where it would begin to build."""
    env = {**os.environ, "PYTHON": "false"}
    command = ["bash", str(folder / ".ci/release"), *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)


@POSIX
@pytest.mark.parametrize(
    ("version", "citation", "section", "message"),
    [
        ("1.2.3", "1.2.2", "1.2.3", "release: CITATION.cff: its version is not 1.2.3."),
        ("1.2.3", "1.2.3", "Unreleased", "release: CHANGELOG.md: its first section is 'Unreleased'."),
        ("1.2.3", "1.2.3", "1.2.30", "release: CHANGELOG.md: its first section is '1.2.30'."),
        ("1.2", "1.2", "1.2", "release: dropout_cli/__init__.py: the version '1.2' is not X.Y.Z."),
    ],
)
def test_a_release_needs_versions_that_agree(
    tmp_path: Path, version: str, citation: str, section: str, message: str
) -> None:
    """One line says which file is wrong; nothing is built."""
    done = release(copy_of_repository(tmp_path / "a", version, citation, section), "--dry-run")
    assert done.returncode == 1 and done.stderr.startswith(message), done.stderr


@POSIX
@pytest.mark.parametrize("section", ["1.2.3", "1.2.3 - 2030-01-31"])
def test_a_release_with_versions_that_agree_is_built(tmp_path: Path, section: str) -> None:
    """The next step is the environment with the build tools; without an interpreter it ends there."""
    folder = copy_of_repository(tmp_path / "a", "1.2.3", "1.2.3", section)
    done = release(folder)
    assert done.returncode == 1 and done.stderr == "", done.stderr
    assert not subprocess.run(["git", "tag"], cwd=folder, capture_output=True, check=True).stdout


@POSIX
def test_a_release_needs_a_clean_checkout_and_a_new_tag(tmp_path: Path) -> None:
    """A file that is not committed, or a tag that exists, ends it in one line."""
    folder = copy_of_repository(tmp_path / "a", "1.2.3", "1.2.3", "1.2.3")
    (folder / "new").write_text("", "utf-8")
    assert "not committed" in release(folder).stderr
    (folder / "new").unlink()
    subprocess.run(["git", "tag", "v1.2.3"], cwd=folder, check=True)
    assert release(folder).stderr == "release: the tag v1.2.3 exists. Raise the version.\n"
    assert release(folder, "--now").stderr == "release: usage: .ci/release [--dry-run]\n"


def test_the_release_script_never_publishes() -> None:
    """It prints the commands that push and upload, for a person."""
    lines = (ROOT / ".ci/release").read_text("utf-8").splitlines()
    publishing = [line.strip() for line in lines if re.search(r"git push|twine upload", line)]
    assert len(publishing) == 2 and all(line.startswith('echo "    ') for line in publishing)
