"""Faults in how single calls and answers are treated: what cannot be kept or sent, what does not end, what fails alone."""

from tests.mutation.mutant import Mutant

STORABLE, OPTIONS = "sync/storable.py", "sync/commands/options.py"
_UNFIT_TEST = "tests/story/test_unfit_text.py::"

MUTANTS = (
    Mutant(
        "half-an-emoji-passes", "A lone surrogate in an answer of the CRM goes on as it is: no database takes it.",
        STORABLE, "[\\ud800-\\udfff\\0]", "[\\0]",
        test=_UNFIT_TEST + "test_wherever_it_stands_everything_is_done",
    ),
    Mutant(
        "nul-passes", "A NUL in an answer of the CRM goes on as it is: PostgreSQL does not take it.",
        STORABLE, "[\\ud800-\\udfff\\0]", "[\\ud800-\\udfff]",
        test=_UNFIT_TEST + "test_wherever_it_stands_everything_is_done",
    ),
    Mutant(
        "reason-as-typed", "A reason that was typed in another encoding ends the command with a traceback.",
        OPTIONS, ", type=storable_text", "",
        test=_UNFIT_TEST + "test_a_reason_in_another_encoding",
    ),
)  # fmt: skip
