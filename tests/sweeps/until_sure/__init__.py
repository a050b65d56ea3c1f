"""Tests of sweeps that end by themselves."""
