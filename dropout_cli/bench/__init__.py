"""Benchmarks of training steps and commands, beside other frameworks and a bound.

Competitors take turns, each in a process of its own, and their medians are compared as ratios: on a machine that other
programs use too, single times mean little.
"""
