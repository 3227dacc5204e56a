"""Copies of the source tree with one fault in each. The work tree itself is never touched."""

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory

from tests.mutation.mutant import Mutant

ROOT = Path(__file__).parents[2]
PACKAGES = ("sync", "webhooks", "mappings", "tests")


@contextmanager
def snapshot() -> Iterator[Path]:
    """The tree as it is now, compiled: what every fault is planted in a copy of."""
    with TemporaryDirectory(prefix="handoffs-mutation-") as directory:
        tree = Path(directory) / "tree"
        tree.mkdir()
        for package in PACKAGES:
            shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
            # By the hash of the source: a fault may leave its size and the second of its change as they were.
            compileall.compile_dir(tree / package, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        shutil.copy(ROOT / "pyproject.toml", tree)
        yield tree


@contextmanager
def copied(tree: Path, mutant: Mutant | None) -> Iterator[Path]:
    """A copy of a snapshot with the fault planted; None: without one. `ValueError` where it cannot be planted."""
    with TemporaryDirectory(prefix="handoffs-mutant-") as directory:
        copy = Path(directory) / "tree"
        shutil.copytree(tree, copy)
        if mutant is not None:
            path = copy / mutant.file
            path.write_text(mutant.planted(path.read_text(encoding="utf-8")), encoding="utf-8")
        yield copy


def run_in(copy: Path, module: str, arguments: Sequence[str], limit: float) -> subprocess.CompletedProcess[str]:
    """`python -m module` on the copy's own packages. `subprocess.TimeoutExpired` after `limit` seconds."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=copy, env=environment, capture_output=True, text=True, timeout=limit, check=False,
    )  # fmt: skip
