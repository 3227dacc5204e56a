"""Every outcome that docs/process.md numbers has a row of the decision table, and a row cites what stands there."""

import re
from pathlib import Path

from sync.rules.model import State
from tests.docs.test_references import CITED_RUNGS, FILES, cited
from tests.unit.handoffs.table import Row, all_rows

PROCESS = Path(__file__).parent.parent.parent.parent / "docs" / "process.md"

_RUNG = re.compile(r'^\| <a id="([^"]+)"></a>[^|]*\|([^|]*)\|', re.MULTILINE)


def stated() -> dict[str, str]:
    """Each rung of the page that is not retired, with its state or states as they stand there; empty where it is no outcome.

    The ladder of a handoff has four columns, the second of which is the state; other tables have two, the second a sentence.
    """
    text = PROCESS.read_text(encoding="utf-8")
    return {
        rung: state.strip() if re.match("[1-9]", rung) else ""
        for rung, state in _RUNG.findall(text)
        if "retired" not in state
    }


STATED, ALL_ROWS = stated(), all_rows()

OF_ANY_HANDOFF = {
    "P.2": State.BLOCKED,
    "P.3": State.BLOCKED,
    "R.3": State.WAITING,
    "R.5": State.WAITING,
    "W.6": State.NOT_APPLICABLE,
}
"""Rungs outside the ladders that make a state of every handoff."""


def test_every_outcome_has_a_row() -> None:
    shown = {rung for _, row in ALL_ROWS for rung in row.rungs.split()}
    outcomes = [rung for rung, state in STATED.items() if state]
    assert len(outcomes) > 50
    assert [rung for rung in outcomes if rung not in shown] == []


def test_every_rung_is_asserted_by_a_row_or_by_another_test_that_cites_it() -> None:
    tests = {
        name: text
        for name, text in FILES.items()
        if re.match(r"tests/(unit|story|contract)/.*/?test_|.*conftest", name)
    }
    cited_by_tests = {rung for text in tests.values() for rung in cited(text, CITED_RUNGS)}
    shown = {rung for _, row in ALL_ROWS for rung in row.rungs.split()}
    assert [rung for rung in STATED if rung not in shown | cited_by_tests] == []


def test_every_rung_that_a_row_cites_exists() -> None:
    cited = {rung for _, row in ALL_ROWS for rung in row.rungs.split()}
    assert cited - set(STATED) == set()


def test_a_row_cites_a_rung_with_the_state_that_it_asserts() -> None:
    assert [f"{chapter} {row.id}" for chapter, row in ALL_ROWS if row.says.state not in states_cited(row)] == []


def states_cited(row: Row) -> set[str]:
    """The states of the rungs that the row cites of the handoff that it asks."""
    cited = row.rungs.split()
    ladder = [STATED[rung] for rung in cited if rung.startswith(f"{row.says.handoff}.")]
    found = {state for states in ladder for state in re.split(", (?:or )?", states) if state}
    return found | {OF_ANY_HANDOFF[rung].value for rung in cited if rung in OF_ANY_HANDOFF}
