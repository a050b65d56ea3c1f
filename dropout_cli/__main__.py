"""`python -m dropout_cli` is the `dropout` command."""

from dropout_cli.cli import main

if __name__ == "__main__":
    main()
