"""The server that forks for each cell."""

import subprocess
import sys

from dropout_cli.sweeps.workers import local


def test_ctrl_c_while_the_server_imports_is_for_the_sweep_alone() -> None:
    """It reaches the whole group; the first module that the server imports ignores it, before the long imports."""
    first = local.PRELOADED[0]
    code = f"import os, signal, {first}; os.kill(os.getpid(), signal.SIGINT); print('alive')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("alive\n", "", 0)
