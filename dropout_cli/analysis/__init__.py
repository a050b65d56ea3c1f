"""Questions to a finished run: evaluation, prediction, activations, verification, replay, tables of runs."""
