"""Analysis of finished runs: evaluate, predict, verify, replay, activations, run tables."""
