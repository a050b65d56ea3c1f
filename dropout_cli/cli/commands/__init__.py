"""Commands of `dropout`: one file per command, with the name of the command.

A command imports the rooms that do its work inside its function, so that `dropout --help` loads neither NumPy nor
anything slower.
"""
