"""Hold everything that tests, demo and commands say to the CRM, and all that the sandbox answers, against HubSpot's
descriptions: `python -m tests.contract FOLDER`.

FOLDER holds HubSpot's OpenAPI descriptions, at any depth; https://github.com/HubSpot/HubSpot-public-api-spec-collection
is where HubSpot publishes them. They are not part of this project: their licence does not allow it.

Exit codes: 0 all as described, or meant; 1 differences, an unused entry in meant.yaml, or failing tests; 2 usage;
77 FOLDER holds no descriptions, and nothing was checked.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sync.sandbox.recorder import RECORD
from tests.contract.openapi.descriptions import Descriptions
from tests.contract.openapi.differences import Difference, differences
from tests.contract.openapi.exchanges import read
from tests.contract.openapi.meant import LIST, judge, load

SKIPPED = 77
REPERTOIRE = ("tests/contract", "tests/sandbox", "tests/story", "tests/unit/check", "tests/docs")
"""The tests that speak to the sandbox: together they send and ask all there is, the demo and every command among it."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    descriptions = Descriptions(options.folder) if options.folder.is_dir() else None
    if descriptions is None or not descriptions.files:
        print(f"{options.folder}: no OpenAPI descriptions there; nothing was checked.", file=sys.stderr)
        print("HubSpot publishes them, and this project may not ship them: see tests/README.md.", file=sys.stderr)
        return SKIPPED
    if options.exchanges is not None:
        return _check(descriptions, options.exchanges, partial=options.partial)
    with tempfile.TemporaryDirectory(prefix="exchanges-") as scratch:
        if not _record(Path(scratch), options.tests or REPERTOIRE):
            print("tests fail: what they recorded is not judged", file=sys.stderr)
            return 1
        return _check(descriptions, Path(scratch), partial=options.partial or bool(options.tests))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.contract", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the descriptions")
    parser.add_argument(
        "tests", nargs="*", metavar="PYTEST", help="run these tests instead of all that use the sandbox"
    )
    parser.add_argument("--exchanges", type=Path, help=f"judge what {RECORD} has recorded here, and run no tests")
    parser.add_argument("--partial", action="store_true", help="an entry of meant.yaml that is not needed is no error")
    return parser.parse_args(arguments)


def _record(directory: Path, tests: Sequence[str]) -> bool:
    """Run the tests with the recorder on, in as many processes as there are cores; whether they passed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "loadfile", *tests],
        env={**os.environ, RECORD: str(directory)},
        check=False,
    )
    return done.returncode == 0


def _check(descriptions: Descriptions, directory: Path, *, partial: bool) -> int:
    found: Counter[Difference] = Counter()
    total = 0
    operations: set[str] = set()
    for exchange in read(directory):
        total += 1
        operations.update(str(one) for one in descriptions.of(exchange.method, exchange.path))
        found.update(differences(exchange, descriptions))
    if not total:
        print(f"{directory}: no exchanges were recorded", file=sys.stderr)
        return 1
    verdict = judge(found, load())
    for one in verdict.left:
        print(f"{found[one]:>6} × {one}")
    for entry in verdict.unused if not partial else ():
        print(f"{LIST.name}: no longer needed: {entry}")
    print(
        f"{total} kinds of exchanges, {len(operations)} operations described: {len(verdict.left)} differences that nobody"
        f" meant, {len(verdict.meant)} that are meant ({LIST.name})"
    )
    return 1 if verdict.left or (verdict.unused and not partial) else 0


if __name__ == "__main__":
    sys.exit(main())
