"""Training a run: setup, loop, state, checkpoints, early stopping, warm start, resuming and extending."""
