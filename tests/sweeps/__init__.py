"""Tests of `sweeps/`."""
