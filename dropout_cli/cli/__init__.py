"""The command line: commands parse, call the room that does the work, and print."""

import os
import sys
from typing import Never

from dropout_cli.cli.streams import describe_import_error, describe_system_error, open_closed_streams
from dropout_cli.core.environment import OPENBLAS_TIMEOUT

__all__ = ["main"]


def main() -> Never:
    """Run the `dropout` command and exit with its code.

    An interrupt during the imports exits with code 130, as it does later.
    """
    open_closed_streams()
    os.environ.setdefault(*OPENBLAS_TIMEOUT)  # OpenBLAS reads it once, when NumPy is imported
    try:
        # Inside the function: the imports take long enough that Ctrl-C may come during them.
        from dropout_cli.cli.application import run_command_line as run
    except KeyboardInterrupt:
        sys.exit(130)
    except ImportError as error:
        sys.exit(describe_import_error(error))
    except OSError as error:
        sys.exit(describe_system_error(error))
    except MemoryError:
        sys.exit("system: there is not enough memory to start. Allow more (see `ulimit -v`).")
    run()
