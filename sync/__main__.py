"""`python -m sync` is `handoffs`."""

from sync.cli import main

if __name__ == "__main__":
    main(prog_name="python -m sync")
