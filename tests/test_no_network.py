"""Nothing goes out, and nothing comes in, but the named downloads: no telemetry."""

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dropout_cli
from tests.commands import TINY, dropout_process

PACKAGE = Path(dropout_cli.__file__).parent
NETWORK = {"socket", "ssl", "http", "urllib", "ftplib", "smtplib", "requests", "httpx", "aiohttp", "xmlrpc"}

GUARD = """
import os, socket
def refuse(*arguments, **named):
    with open(os.environ["ATTEMPTS"], "a") as file:
        file.write(repr(arguments) + chr(10))
    raise OSError("no network here")
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = socket.create_connection = socket.gethostbyname = refuse
"""


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """An environment in which every attempt to reach something is refused, and written down."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard/sitecustomize.py").write_text(GUARD)
    paths = [str(tmp_path / "guard"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "ATTEMPTS": str(tmp_path / "attempts")}


def test_no_command_reaches_for_the_network(tmp_path: Path, guarded: dict[str, str]) -> None:
    """From training to the look at the machine; in a process where an attempt would be seen."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    commands = [
        ["train", "tiny.yaml"],
        ["eval", "latest", "--mc", "2"],
        ["effects", "latest"],
        ["ensemble", "latest", "--networks", "2"],
        ["runs"],
        ["show", "latest"],
        ["verify", "latest", "--replay"],
        ["resume", "latest", "--epochs", "3"],
        ["variants"],
        ["datasets"],
        ["config", "show", "digits", "--model"],
        ["doctor", "--seconds", "0"],
    ]
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom tests.commands import dropout\n"
        "for command in json.loads(sys.argv[1]):\n"
        "    done = dropout(*command, cwd=Path())\n"
        "    assert done.returncode == 0, (command, done.stderr)\n"
    )
    paths = os.pathsep.join([guarded["PYTHONPATH"], str(Path(__file__).parents[1])])
    env = {**os.environ, **guarded, "PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", code, json.dumps(commands)], cwd=tmp_path, env=env, check=True, timeout=600)
    assert not (tmp_path / "attempts").exists()


def test_the_guard_sees_a_download(tmp_path: Path, guarded: dict[str, str]) -> None:
    """The one thing that does reach out is refused in one line, and was seen: the test above could fail."""
    env = {**guarded, "DROPOUT_DATA": str(tmp_path / "data"), "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    done = dropout_process("fetch", "mnist", cwd=tmp_path, env=env)
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1
    assert "openml.org" in (tmp_path / "attempts").read_text()


def test_only_the_downloads_know_of_the_network() -> None:
    """No other module so much as imports what could reach it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).as_posix() in ("data/sources/mnist.py", "data/sources/openml.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & NETWORK, path


def test_downloads_are_encrypted() -> None:
    """OpenML is requested over HTTPS, and no setting changes this to plain HTTP."""
    from sklearn.datasets import _openml

    source = inspect.getsource(_openml)
    assert "https://" in source and "http://" not in source.replace("https://", "")
