"""The fork server ignores Ctrl-C, which reaches the whole group, from before its first long import."""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
