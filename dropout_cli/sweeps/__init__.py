"""Sweeps: plan many runs, train them in separate processes, and compare their settings.

`sweep_file` reads a sweep, `plan` lists its runs, `workers/` trains the missing ones on this machine or on others,
`sweep_comparison` compares them, and `run` connects these steps. `tuning/` searches for the best setting.
"""
