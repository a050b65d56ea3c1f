"""Analysis of finished runs: evaluate, predict, verify, replay, effects of dropout, run tables."""
