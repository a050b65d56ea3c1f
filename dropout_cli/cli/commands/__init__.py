"""Commands of `dropout`: one file per command, with the name of the command."""
