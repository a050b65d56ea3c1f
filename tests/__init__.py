"""Tests state laws of the package; run them with pytest."""
