"""Tests of `analysis/effects/`."""
