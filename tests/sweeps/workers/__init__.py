"""Tests of `sweeps/workers/`."""
