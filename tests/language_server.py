"""A YAML language server, as an editor uses it: hovers, completion and diagnostics of a file."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

VERSION = "1.25.0"
COMMAND = "yaml-language-server"
NODE = "Node needed, with npm: https://nodejs.org"


def server_command(folder: Path) -> list[str]:
    """Return the command that starts the server; it is installed into a folder unless it is on the path.

    The test is skipped where npm cannot install it, for example without a network.

    Args:
        folder: An empty folder.
    """
    if found := shutil.which(COMMAND):
        return [found, "--stdio"]
    words = ("install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), f"{COMMAND}@{VERSION}")
    try:
        subprocess.run(["npm", *words], check=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"npm cannot install {COMMAND} ({error})")
    return [str(folder / "node_modules/.bin" / COMMAND), "--stdio"]


class LanguageServer:
    """A running server with one open file; messages are JSON with a header (LSP 3.17)."""

    def __init__(self, command: Sequence[str], file: Path) -> None:
        """Start the server and open the file.

        Args:
            command: The words that start the server.
            file: A YAML file whose first line names its schema.
        """
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._count = 0
        self._diagnostics: list[dict[str, Any]] | None = None
        self._document = {"uri": file.as_uri()}
        self._text = file.read_text()
        capabilities = {"workspace": {"configuration": True}, "textDocument": {"hover": {}, "completion": {}}}
        self._ask("initialize", {"processId": None, "rootUri": file.parent.as_uri(), "capabilities": capabilities})
        self._send(method="initialized", params={})
        opened = {**self._document, "languageId": "yaml", "version": 1, "text": self._text}
        self._send(method="textDocument/didOpen", params={"textDocument": opened})

    def __enter__(self) -> "LanguageServer":
        """Return the server."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the server."""
        self._process.kill()
        self._process.communicate()

    def hover(self, word: str) -> str:
        """Return the text that is shown for the first occurrence of a word."""
        found = self._ask("textDocument/hover", self._position(word, 1))
        return str(found["contents"]["value"]) if found else ""

    def completions(self, text: str) -> list[str]:
        """Return the words that are offered after the first occurrence of a text."""
        found = self._ask("textDocument/completion", self._position(text, len(text)))
        return [item["label"] for item in found["items"]]

    def diagnostics(self) -> list[str]:
        """Return the messages about the file."""
        while self._diagnostics is None:
            self._take(self._read())
        return [each["message"] for each in self._diagnostics]

    def _position(self, text: str, offset: int) -> dict[str, Any]:
        before = self._text[: self._text.index(text) + offset]
        place = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return {"textDocument": self._document, "position": place}

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._count += 1
        number = self._count
        self._send(id=number, method=method, params=params)
        while True:
            message = self._read()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        """Answer a question of the server, or keep the diagnostics that it sends."""
        if message.get("method") == "textDocument/publishDiagnostics":
            self._diagnostics = message["params"]["diagnostics"]
        elif "id" in message:
            items = message.get("params", {}).get("items", [])
            settings = {"hover": True, "completion": True, "validate": True, "schemaStore": {"enable": False}}
            answer = [settings if item.get("section") == "yaml" else None for item in items]
            self._send(id=message["id"], result=answer or None)

    def _send(self, **message: Any) -> None:
        assert self._process.stdin is not None
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message
