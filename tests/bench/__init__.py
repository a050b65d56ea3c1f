"""Training steps in other frameworks.

Network, data, batch and threads are the same as in this package.
"""
