"""Acceptance scripts for accuracy, time and memory: they print value, bar and command.

python -m tests.acceptance.NAME             in full; exit code 1 if a bar is missed
python -m tests.acceptance.NAME --smoke     a few steps: tests that it runs, and the bars that must always hold
"""
