"""Sweeps that go on until each setting is decided."""
