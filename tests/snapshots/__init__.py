"""Every text that a user reads, in files: help, messages, screens. `python -m tests.snapshots` writes them anew."""
