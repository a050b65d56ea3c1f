"""Bars of accuracy, time and memory, each a script that prints value, bar and command.

python -m tests.acceptance.NAME             in full; exit code 1 if a bar is missed
python -m tests.acceptance.NAME --smoke     a few steps: does it still run, and does what must always hold?
"""
