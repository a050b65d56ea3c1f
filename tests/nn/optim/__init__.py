"""Tests of `nn/optim/`."""
