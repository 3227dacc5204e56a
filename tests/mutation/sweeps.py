"""Faults in what the daily sweep passes over: each reason that there is to look at a portfolio all the same."""

from tests.mutation.mutant import Mutant

SWEEP, RECONCILE, ROUNDS = "sync/passes/sweep.py", "sync/passes/reconcile.py", "sync/passes/rounds.py"
LOOKS, WAITING = "sync/passes/looks.py", "sync/rules/waiting.py"

_LOOKS_TEST = "tests/unit/test_sweep_looks.py::"
_SWEPT_ANYWAY = "Webhooks and polls find it too, and the sweep of a day of the week."

MUTANTS = (
    Mutant(
        "sweep-no-day", "No day comes for a portfolio that nobody has changed.",
        SWEEP, '        found.add("due", looks.due(connection, self._today))\n', "",
        test=_LOOKS_TEST + "test_a_day_that_comes", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-no-kickoff-day", "The day of the clock is the Refresh Date, not also the opening of its window.",
        WAITING, "days += [when, date.fromordinal(max(1, when.toordinal() - context.window))]", "days += [when]",
        test=_LOOKS_TEST + "test_a_day_that_comes", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-no-late-day", "Nobody reads in time whether a manager who may be late has done the task.",
        WAITING, "        days.append(judged_closely_on(wait, context.mapping))\n", "        pass\n",
        test=_LOOKS_TEST + "test_a_manager_who_was_done_long_before", why="The oracle does not read `status`.",
    ),
    Mutant(
        "sweep-no-task-done", "A manager who was late and has done the task is told to be late for days.",
        SWEEP, '            found.add("task done", done & waits.for_managers(connection, until))\n', "",
        test=_LOOKS_TEST + "test_a_manager_who_is_late_and_then_done", why="The oracle does not read `status`.",
    ),
    Mutant(
        "sweep-no-change", "A change that no poll has seen is not looked at by the sweep.",
        SWEEP, '            found.add("changed", changes.unread(connection, modified))\n', "",
        test=_LOOKS_TEST + "test_a_change_of_the_portfolio", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-other-rules-forget", "The first sweep after a change of the mapping asks for no change since the one before.",
        SWEEP, "self._since = None if last is None else", "self._since = None if last is None or self._last is None else",
        test=_LOOKS_TEST + "test_another_mapping_hides_no_change[a closed ticket]", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-first-without-tasks", "The very first sweep asks for no task that was completed before it.",
        SWEEP, "since = since or self._since_began", "since = since or self._now",
        test=_LOOKS_TEST + "test_a_task_that_is_completed_before_the_first_sweep", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-no-lists", "A ticket that was linked or deleted without a word is not noticed.",
        SWEEP, "if lists.get(one) != known[one].look.tickets", "if one not in lists",
        test=_LOOKS_TEST + "test_a_ticket_that_was_linked", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-shared-tickets", "A portfolio that shares a ticket counts as certain.",
        LOOKS, "or snapshot.problems or set(listed) != set(snapshot.ticket_ids)", "",
        test=_LOOKS_TEST + "test_a_ticket_on_two_portfolios_is_looked_at_each_day", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-no-people", "Somebody who leaves, or comes back, makes no portfolio be looked at.",
        SWEEP, "if look.people != mark_of_people(self._portal, look.named):", "if not look.people:",
        test=_LOOKS_TEST + "test_people_who_come_and_go", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-no-rules", "Another mapping or another pipeline makes no portfolio be looked at.",
        SWEEP, "if look.decided_by != self._rules:", "if not look.decided_by:",
        test=_LOOKS_TEST + "test_a_stage_that_is_closed_from_now_on", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-no-ledger", "An older state of the database, put back, passes over what it takes for looked at.",
        LOOKS, "        to_ms(ledger_began),\n", "",
        test=_LOOKS_TEST + "test_an_older_state_of_the_database", why=_SWEPT_ANYWAY,
    ),
    Mutant(
        "sweep-no-week", "What nothing is known of is never looked at.",
        SWEEP, "if (its_day and days >= LATELY) or not 0 <= days < WEEK + LATELY:", "if days < 0:",
        test=_LOOKS_TEST + "test_each_is_looked_at_within_ten_days", why="It is the net below all the others.",
    ),
    Mutant(
        "sweep-no-whole-window", "The whole window is asked for once, and never again.",
        SWEEP, "recent = self._last is not None and timedelta() <= self._now - self._last.all_at < week",
        "recent = self._last is not None and timedelta() < week",
        test=_LOOKS_TEST + "test_a_portfolio_that_was_deleted_and_is_there_again", why="It is the net below all the others.",
    ),
    Mutant(
        "sweep-no-entering", "A date that comes into the window is not asked for, where no pass has ever looked.",
        SWEEP, "[_entering(self._mapping, self._last.window_to, self._last_day), *groups]", "groups",
        test=_LOOKS_TEST + "test_a_date_of_long_ago_comes_into_the_window", why="A pass has looked at every portfolio there.",
    ),
    Mutant(
        "look-kept-on-failure", "A pass that could not decide leaves the last look standing.",
        RECONCILE, "            looks.forget(connection, state.items.keys() - ", "            set(state.items.keys() - ",
        test=_LOOKS_TEST + "test_what_cannot_be_decided_is_looked_at_each_day", why="It stays in the work queue too.",
    ),
    Mutant(
        "look-on-another-day", "A sweep as of a later day has the days before it passed over.",
        ROUNDS, "found.looks if self._is_today(contexts) else {}", "found.looks",
        test=_LOOKS_TEST + "test_a_sweep_as_of_another_day_leaves_the_days_before_it",
        why="The simulation sweeps as of its own day only.",
    ),
)  # fmt: skip
