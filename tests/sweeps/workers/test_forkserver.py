"""The fork server that starts the training processes."""

import subprocess
import sys

from dropout_cli.sweeps.workers import local


def test_ctrl_c_while_the_server_imports_is_for_the_sweep_alone() -> None:
    """The first import of the server makes it ignore Ctrl-C, before the long imports."""
    first = local.PRELOADED[0]
    code = f"import os, signal, {first}; os.kill(os.getpid(), signal.SIGINT); print('alive')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("alive\n", "", 0)
