"""Faults in how single calls and answers are treated: what cannot be kept or sent, what does not end, what fails alone."""

from tests.mutation.mutant import Mutant

STORABLE, OPTIONS = "sync/storable.py", "sync/commands/options.py"
_WIRE_TEST = "tests/contract/hubspot/test_wire.py::TestOverASocket::"
_FULL_TEST = "tests/story/test_full_texts.py::"
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
        test=_UNFIT_TEST + "test_what_is_typed_in_another_encoding",
    ),
    Mutant(
        "line-over-full", "A line is added to a task's text whether there is room or not: the task is not closed.",
        "sync/passes/effects/bodies.py", "        if length(after) <= LONGEST_TEXT:\n", "        if after:\n",
        test=_FULL_TEST + "test_a_late_note_waits_until_there_is_room",
    ),
    Mutant(
        "refused-text-refuses-all", "A task whose text is refused stays open.",
        "sync/passes/effects/bodies.py", "if more and TASK_BODY in wanted[task]}", "if not more and TASK_BODY in wanted[task]}",
        test=_FULL_TEST + "test_a_task_whose_text_is_refused_is_closed_without_its_line",
    ),
    Mutant(
        "lists-without-end", "A text names every ticket of a set, however many there are: HubSpot refuses the task.",
        "mappings/texts.py", "    for most in (None, 100, 50, 20, 5):\n", "    for most in (None,):\n",
        test=_FULL_TEST + "test_a_set_of_very_many_tickets_is_announced",
    ),
    Mutant(
        "names-without-end", "A name stands in a text in all its length: HubSpot refuses the task.",
        "mappings/texts.py", "    if len(text) <= longest:\n", "    if len(text) <= longest * 1000:\n",
        test=_FULL_TEST + "test_names_as_long_as_hubspot_takes_them",
    ),
    Mutant(
        "subjects-without-end", "A long client name leaves nothing of a subject's end: two Ad Sets have one.",
        "mappings/texts.py", "    for longest_portfolio, longest in _SHORTER:\n", "    for longest_portfolio, longest in ():\n",
        test="tests/unit/test_texts.py::test_a_long_client_name_is_shortened_and_the_end_of_a_subject_stays",
    ),
    Mutant(
        "names-lose-their-end", "Two tickets whose long names differ at the end are called the same.",
        "mappings/texts.py", "    tail = (longest - 1) // 3\n", "    tail = 1\n",
        test="tests/unit/test_texts.py::test_long_names_of_tickets_that_differ_at_the_end_give_two_subjects",
    ),
    Mutant(
        "subjects-cut-before-unknown", "A task whose subject 0.5 had cut off is not taken for its ticket's.",
        "mappings/texts.py", "return frozenset({_subject(source, values, key=key), one_line(", "return frozenset({one_line(",
        test="tests/unit/test_texts.py::test_a_subject_that_was_cut_off_before_is_still_one_of_a_tasks_own",
    ),
    Mutant(
        "answers-drip", "An answer of which a byte comes now and then holds its call for ever.",
        "sync/hubspot/session.py", "self._ends = time.monotonic() + seconds", 'self._ends = float("inf")',
        test=_WIRE_TEST + "test_an_answer_that_drips_is_given_up",
    ),
    Mutant(
        "plan-counts-narrow-groups", "A plan counts calls as if the sweep took fifty records at a time.",
        "sync/admin/plan/__init__.py", "emails_cost_calls=by_crm) if by_itself else GROUP", "emails_cost_calls=by_crm) and GROUP",
        test="tests/story/test_plan.py::test_the_calls_of_a_sweep_are_those_of_its_wide_passes",
        why="No seed makes a plan.",
    ),
    Mutant(
        "environment-forgotten", "Calls after the first one go past the proxy of the environment.",
        "sync/hubspot/session.py", "            self._environment = environment", "            self._environment = {}",
        test="tests/contract/hubspot/test_wire.py::TestOnTheWire::"
        "test_proxies_and_certificates_of_the_environment_are_gone_by",
    ),
)  # fmt: skip
