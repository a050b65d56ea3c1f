"""Tests of `sweeps/variance/`."""
