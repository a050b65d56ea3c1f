"""One file per file format, and what they share."""
