"""The rows of the decision table, by which a mutant names its test."""

UNIT, CYCLES = "tests/unit/handoffs", "tests/unit/test_cycle.py"
TABLES = {
    "1": "test_1_kickoff.py", "2a": "test_2a_declined.py", "2b": "test_2b_confirmed.py", "3": "test_3_date_arrived.py",
    "4": "test_4_tickets.py", "5": "test_5_set_ready.py", "6": "test_6_revisions.py", "7": "test_7_approved.py",
    "8": "test_8_closed.py", "9": "test_9_confirmation.py", "condition": "test_condition.py",
    "merged": "test_merged.py", "lone": "test_4_tickets.py", "incomplete": "test_incomplete.py",
}  # fmt: skip
"""The files of the decision table, by what the ids of their rows begin with."""


def decision(row: str) -> str:
    """The test of this row of the decision table, by its id."""
    return f"{UNIT}/{TABLES[row.partition(' ')[0]]}::test_decision[{row}]"
