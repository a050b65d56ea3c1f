"""Folders of every format that was ever written, and how they were made."""
