"""Tests of `nn/backend/`."""
