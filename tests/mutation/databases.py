"""Faults that show on one kind of database alone: SQLite and PostgreSQL compare, keep and refuse texts each in its own way."""

from tests.mutation.mutant import Mutant

POSTGRES = "sync/storage/postgres.py"
_BOTH_TEST = "tests/unit/test_both_databases.py::"
_UNFIT_TEST = "tests/story/test_unfit_text.py::"

MUTANTS = (
    Mutant(
        "left-by-another-spelling", "On PostgreSQL whoever left is not found where their email was typed in capitals.",
        "sync/storage/looks.py", "looks.c.named.icontains(", "looks.c.named.contains(",
        test=_BOTH_TEST + "test_an_email_is_found_however_it_is_written",
    ),
    Mutant(
        "odd-id-is-trouble", "PostgreSQL is said to be in trouble where somebody asks for a client by a NUL.",
        POSTGRES, "json.dumps(storable(value))", "json.dumps(value)",
        test=_BOTH_TEST + "test_nothing_is_called_by_a_text_that_no_database_holds",
    ),
    Mutant(
        "log-as-typed", "`handoffs log` ends with a traceback for a name that was typed in another encoding.",
        "sync/commands/log.py", 'metavar="[CLIENT]", type=storable_text', 'metavar="[CLIENT]"',
        test=_UNFIT_TEST + "test_what_is_typed_in_another_encoding",
    ),
    Mutant(
        "event-as-typed", "`handoffs replay --event` ends with a traceback for a text that was typed in another encoding.",
        "sync/commands/replay.py", 'metavar="ID", type=storable_text', 'metavar="ID"',
        test=_UNFIT_TEST + "test_what_is_typed_in_another_encoding",
    ),
)  # fmt: skip
