"""Folders of every format that any version has written, and the script that creates them."""
