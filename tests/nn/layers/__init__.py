"""Tests of `nn/layers/`."""
