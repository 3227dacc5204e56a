"""The list of faults cannot rot: each can still be planted, whatever has become of the code around it."""

import builtins
import dis
import subprocess
import sys
from collections import Counter
from importlib import import_module
from types import CodeType

import pytest

from tests.mutation.__main__ import MUTANTS
from tests.mutation.copies import ROOT
from tests.mutation.mutant import Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_it_can_be_planted(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")

    planted = mutant.planted(text)

    assert planted != text
    compile(planted, mutant.file, "exec")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_it_knows_every_name_that_it_uses(mutant: Mutant) -> None:
    """A fault that ends in a `NameError` would be noticed by whoever runs the line, and show nothing."""
    module = import_module(mutant.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
    planted = compile(mutant.planted((ROOT / mutant.file).read_text(encoding="utf-8")), mutant.file, "exec")

    assert globals_of(planted) - set(vars(module)) - set(vars(builtins)) == set()


def globals_of(code: CodeType) -> set[str]:
    """The global names that the functions of a module read."""
    read = {one.argval for one in dis.get_instructions(code) if one.opname == "LOAD_GLOBAL"}
    return read.union(*(globals_of(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len(MUTANTS) >= 40
    assert [name for name, times in Counter(mutant.id for mutant in MUTANTS).items() if times > 1] == []


def test_the_page_on_proof_says_how_many_there_are() -> None:
    assert f"plants {len(MUTANTS)} faults" in (ROOT / "docs/proof.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """The node ids of all tests in the files that mutants name."""
    files = sorted({mutant.test.partition("::")[0] for mutant in MUTANTS if mutant.test})
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "addopts=",
        "-q",
        "--collect-only",
        "-p",
        "no:cacheprovider",
        *files,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(done.stdout.splitlines())


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.test or one.why], ids=lambda mutant: mutant.id)
def test_the_test_that_it_names_is_there(mutant: Mutant, collected: set[str]) -> None:
    """A row of the decision table that is renamed takes its mutants along."""
    if mutant.test.endswith("]"):
        assert mutant.test in collected
    else:  # a test with parameters is named as a whole: all of them are run
        assert any(node.partition("[")[0] == mutant.test for node in collected)


@pytest.mark.parametrize(("text", "times"), [("nothing of it", 0), ("now, and now again", 2)])
def test_a_text_that_is_gone_or_stands_twice_is_told(text: str, times: int) -> None:
    with pytest.raises(
        ValueError, match=f"its text stands {times} times in sync/storage/work_queue.py, not once: 'now'"
    ):
        Mutant("some", "A fault.", "sync/storage/work_queue.py", "now", "then").planted(text)
