"""Tests of `analysis/certainty/`."""
