"""Faults in the weekly letter: when it goes out, to whom, how often, and what it says (docs/process.md, L)."""

from tests.mutation.mutant import Mutant

LETTERS = "sync/service/letters.py"
COPIES = "sync/passes/effects/letters.py"
KEPT = "sync/storage/letters.py"
WEEK = "sync/rules/letter.py"
TOLD = "sync/reports/letter.py"
_TEST = "tests/story/test_letter.py::"
_WEEK_TEST = "tests/unit/test_letter_week.py::"

MUTANTS = (
    Mutant(
        "letter-any-time", "The letter goes out at Monday's first minute.",
        WEEK, "self.due <= moment < self.ends", "moment < self.ends",
        test=_TEST + "test_it_comes_once_on_monday_morning",
    ),
    Mutant(
        "letter-in-utc", "Monday morning is London's.",
        WEEK, "tzinfo=mapping.zone).astimezone(UTC)", "tzinfo=UTC)",
        test=_WEEK_TEST + "test_the_week_of_a_moment",
    ),
    Mutant(
        "letter-next-in-168-hours", "The next letter comes 168 hours after this one, whatever the clocks do.",
        WEEK, "_week(week.monday + timedelta(days=7), mapping).due", "week.due + timedelta(days=7)",
        test=_WEEK_TEST + "test_the_next_one",
    ),
    Mutant(
        "letter-at-weekends", "A service that was off all week sends the letter on Sunday.",
        WEEK, "days=LAST_DAY + 1", "days=7",
        test=_TEST + "TestALateStart::test_but_not_at_the_weekend",
    ),
    Mutant(
        "letter-at-once", "A service that comes up late sends a letter of what it saw before.",
        LETTERS, "if now - max(week.due, started or week.due) >= WAITS_FOR:", "if now >= week.due:",
        test=_TEST + "TestALateStart::test_it_waits_for_what_is_due_to_be_looked_at",
    ),
    Mutant(
        "letter-waits-for-ever", "While HubSpot cannot be reached there is no letter.",
        LETTERS, ">= WAITS_FOR:\n            return True", ">= WAITS_FOR:\n            return False",
        test=_TEST + "TestALateStart::test_it_waits_for_what_is_due_to_be_looked_at",
    ),
    Mutant(
        "letter-of-a-young-ledger", "A lost database sends the week's letter again.",
        LETTERS, "began is None or week.due < began", "began is None",
        test=_TEST + "TestWhatIsYoung::test_a_lost_database_sends_no_second_one",
    ),
    Mutant(
        "letter-by-spelling", "An address that is written another way gets a second one.",
        "sync/rules/keys.py", "{address.casefold()}", "{address}",
        test=_WEEK_TEST + "test_one_key_a_week_and_address",
    ),
    Mutant(
        "letter-of-whoever-was-first", "Who is named in mid-week gets none before the next.",
        LETTERS, "return have >= {address.casefold() for address in to}", "return bool(have)",
        test=_TEST + "TestAnotherMapping::test_who_is_named_later_in_the_week_gets_this_weeks",
    ),
    Mutant(
        "letter-claimed-twice", "Two workers send the same copy.",
        COPIES, "        if not mine:\n            return False\n", "",
        test=_TEST + "TestACrash::test_two_workers_send_one",
    ),
    Mutant(
        "letter-unclaimed", "A copy is sent before it is claimed: the next process takes it for not tried.",
        KEPT, "    return connection.execute(_CLAIM, wanted).rowcount == 1", "    return bool(wanted)",
        test=_TEST + "TestACrash::test_two_workers_send_one",
    ),
    Mutant(
        "letter-cut-off-for-good", "A copy whose process died is never sent.",
        COPIES, "return now - copy.state_at >= CUT_OFF", "return False",
        test=_TEST + "TestACrash::test_at_any_step_it_comes_once[letter claimed]",
    ),
    Mutant(
        "letter-for-ever", "A mail server that loses each answer gets the letter until Friday.",
        COPIES, "        if unanswered >= tries:", "        if unanswered < 0:",
        test=_TEST + "TestByAMailServer::test_a_lost_answer_repeats_it_under_one_name_at_most_twice",
    ),
    Mutant(
        "letter-late-answer", "An answer that comes late is not heard, and the letter is sent again.",
        "sync/passes/effects/follow.py", "            if is_letter_copy(key):", "            if not key:",
        test=_TEST + "TestByAMailServer::test_an_answer_that_comes_late_is_heard",
    ),
    Mutant(
        "letter-refused-under-one-name", "What HubSpot has refused is tried again under the same name.",
        COPIES, "name_of(copy.key, copy.refusals)", "name_of(copy.key, 0)",
        test=_TEST + "TestWhatAnAdminIsTold::test_a_refused_copy_is_told_and_tried_again",
    ),
    Mutant(
        "letter-without-a-page", "Mail clients get the text alone.",
        "sync/passes/email.py", '                message.add_alternative(html, subtype="html")', "                pass",
        test=_TEST + "TestByAMailServer::test_it_is_a_text_with_a_page_beside_it",
    ),
    Mutant(
        "letter-next-week-comes", "What comes in the week after stands in this week's letter.",
        TOLD, "one.refresh_date is not None and one.refresh_date <= last", "one.refresh_date is not None",
        test=_TEST + "test_what_it_says",
    ),
    Mutant(
        "letter-silent-refusal", "A copy that was refused is no news to the admin.",
        "sync/observe/alerts.py", "{EffectState.FAILED, EffectState.UNPROVEN}]", "{EffectState.UNPROVEN}]",
        test=_TEST + "TestWhatAnAdminIsTold::test_a_refused_copy_is_told_and_tried_again",
    ),
    Mutant(
        "letter-dead-unseen", "A refused copy is no dead letter.",
        "sync/admin/dead_letters.py", "tuple(letters.dead(connection, today))", "()",
        test=_TEST + "TestWhatAnAdminIsTold::test_a_refused_copy_is_dead_until_it_is_tried_again_or_dropped",
    ),
    Mutant(
        "letter-dead-dropped-and-sent", "A copy that was dropped is sent all the same.",
        "sync/admin/dead_letters.py", "letters.decide(connection, found.letters, EffectState.SUPERSEDED, clock.now(), word)",
        "pass",
        test=_TEST + "TestWhatAnAdminIsTold::test_a_refused_copy_is_dead_until_it_is_tried_again_or_dropped",
    ),
    Mutant(
        "letter-dead-not-on-the-board", "The board does not show a copy that needs a person.",
        "sync/board/pages/attention.py", "for copy in letters.dead(connection, today):", "for copy in ():",
        test=_TEST + "TestWhatAnAdminIsTold::test_a_refused_copy_is_dead_until_it_is_tried_again_or_dropped",
    ),
    Mutant(
        "letter-not-logged", "The log says nothing of who got the letter.",
        "sync/commands/log.py", "_show_letters(console(), copies)", "pass",
        test=_TEST + "TestWhatAnAdminIsTold::test_a_refused_copy_is_dead_until_it_is_tried_again_or_dropped",
    ),
    Mutant(
        "letter-dead-for-ever", "A copy of last week can be sent again, and is not.",
        KEPT, " if today <= week + timedelta(days=LAST_DAY)", "",
        test=_TEST + "TestWhatAnAdminIsTold::test_the_board_has_refused_copies_sent_again_in_their_week",
    ),
    Mutant(
        "letter-board-leaves-it", "The board's button tries all again but the letter.",
        "sync/admin/board_acts.py", "reason, refused_letters=True)", "reason)",
        test=_TEST + "TestWhatAnAdminIsTold::test_the_board_has_refused_copies_sent_again_in_their_week",
    ),
    Mutant(
        "letter-unproven-again-by-all", "What may have arrived is sent again with all the rest.",
        "sync/commands/dead.py", "if again := [one.address for one in (*refused, *named.unproven_letters)]:",
        "if everything:\n        named = found\n        with session.database(settings, write=True) as store:\n"
        "            decide(store, session.clock(), named, \"dead retry\", sent=False)\n"
        "    if again := [one.address for one in (*refused, *named.unproven_letters)]:",
        test=_TEST + "TestByAMailServer::test_what_may_have_arrived_waits_for_a_persons_word",
    ),
    Mutant(
        "letter-unproven-under-one-name", "What is sent again after a person's word has the name that the server may know.",
        KEPT, "anew = state is EffectState.PLANNED and copy.state is EffectState.UNPROVEN", "anew = False",
        test=_TEST + "TestByAMailServer::test_what_may_have_arrived_waits_for_a_persons_word",
    ),
    Mutant(
        "letter-worker-does-not-hear", "The worker has done with the week, and never sees what a person says of it.",
        COPIES, "all(one.state in _OVER for one in found)", "all(one.state in _WAITS for one in found)",
        test=_TEST + "TestByAMailServer::test_what_may_have_arrived_waits_for_a_persons_word",
    ),
)  # fmt: skip
