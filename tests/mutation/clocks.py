"""Faults in what goes by the CRM's clock: ours may be minutes ahead of it, or behind it."""

from tests.mutation.mutant import Mutant

BEGINNINGS = "sync/service/beginnings.py"
CONTEXT = "sync/rules/context.py"
STORY = "tests/story/test_clocks_apart.py"

MUTANTS = (
    Mutant(
        "going-live-by-our-clock", "What people do in the first minutes is older than going live, if our clock is ahead.",
        BEGINNINGS, "_move(connection, ahead_of(told, now))", "_move(connection, timedelta())",
        test=f"{STORY}::TestGoingLive::test_what_comes_after_it_counts[ahead]",
    ),
    Mutant(
        "going-live-moved-again", "Each start moves the moment of going live by as much as the clocks differ.",
        BEGINNINGS, "    service_state.put(connection, BY_OUR_CLOCK, frozenset())\n", "",
        test=f"{STORY}::TestGoingLive::test_it_is_told_once_and_for_every_process[behind]",
    ),
    Mutant(
        "going-live-not-read-again", "A process that had begun before the CRM told its time goes on by our clock.",
        BEGINNINGS, "            self._moments = _kept(connection, self._moments)\n", "            pass\n",
        test=f"{STORY}::TestGoingLive::test_it_is_told_once_and_for_every_process[behind]",
    ),
    Mutant(
        "ledger-began-by-our-clock", "What was answered just before a loss seems to come after it, if our clock is behind.",
        CONTEXT, "(self.ledger_began_there or self.ledger_began)", "self.ledger_began",
        test=f"{STORY}::test_6_after_a_lost_database_what_was_answered_is_not_kicked_back[behind]",
    ),
    Mutant(
        "minutes-by-our-clock", "How long a Note may still come, and a set wait for tickets, is told by our clock.",
        CONTEXT, "self.times.now - self.snapshot.clock_ahead >= moment", "self.times.now >= moment",
        test=f"{STORY}::test_6_a_note_that_comes_within_three_minutes_is_quoted[ahead]",
    ),
    Mutant(
        "mapping-in-force-by-our-clock", "What was changed just after a new mapping is judged by the one before it.",
        "sync/service/bootstrap.py", "now - ahead_of(self.crm.time(), now)", "now",
        test=f"{STORY}::test_a_mapping_is_in_force_from_its_start_on_by_the_clock_of_the_crm[ahead]",
    ),
    Mutant(
        "meanwhile-by-our-clock", "Of what changed while it was read, nothing is read again if our clock is ahead.",
        "sync/passes/snapshot/group.py", "began_there = began - self._clock_ahead()", "began_there = began",
        test="tests/story/test_interruptions.py::"
        "test_a_set_that_is_ready_only_after_a_decline_while_both_are_read_is_not_announced[4]",
    ),
    Mutant(
        "deliveries-refused-if-behind", "Deliveries are refused if our clock is more than a minute behind HubSpot's.",
        "webhooks/signature.py", "MAX_AHEAD = CLOCKS_APART", "MAX_AHEAD = timedelta(minutes=1)",
        test=f"{STORY}::test_a_delivery_is_taken[behind]",
    ),
)  # fmt: skip
