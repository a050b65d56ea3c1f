"""Reproductions of published tables: sweeps whose settings carry a published value."""
