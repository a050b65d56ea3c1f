"""Analysis of finished runs: evaluation, prediction, activations, verification, replay, tables of runs."""
