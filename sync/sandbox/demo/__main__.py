"""`python -m sync.sandbox.demo [--keep]`: what `handoffs demo` runs."""

import argparse
import sys

from sync.sandbox.demo import main

parser = argparse.ArgumentParser(prog="python -m sync.sandbox.demo", description="Play a client's cycle.")
parser.add_argument("--keep", action="store_true", help="leave the database and the logs where they are")
sys.exit(main(keep=parser.parse_args().keep))
