"""Make the fork server ignore Ctrl-C; imported before anything that takes long.

Ctrl-C reaches all processes of the group, and only the sweep handles it.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
