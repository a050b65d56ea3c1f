"""Training of a run: setup, loop, state, checkpoints, warm start, resuming, extending."""
