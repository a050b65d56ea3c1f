"""Tests of `sweeps/tuning/`."""
