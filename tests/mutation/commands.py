"""Faults in what the commands tell an admin: what is shown, suggested, compared, and said of another clock or mapping."""

from tests.mutation.mutant import Mutant

AGREEMENT, STATUS, HEARTBEAT = "sync/observe/agreement.py", "sync/observe/status.py", "sync/observe/heartbeat.py"
PORTFOLIOS, SERVE = "sync/admin/portfolios.py", "sync/service/serve.py"
VERIFY, REPORT, FINDING = "sync/admin/verify/", "sync/commands/verify.py", "sync/admin/verify/finding.py"
_END_STATES_TEST = "tests/story/test_verify_end_states.py::"
_WHICH_TEST = "tests/story/test_which_client.py::"
_WORDS_TEST = "tests/story/test_words.py::"
_HOUR_TEST = "tests/story/test_first_hour.py::"
_ANOTHER_TEST = "tests/story/test_another_mapping_or_clock.py::"

MUTANTS = (
    # another mapping or clock
    Mutant(
        "old-mapping-unsaid", "A service that goes on by an old mapping is not told of: `explain` shows what will not be done.",
        AGREEMENT, "if one.mapping not in {None, digest}", "if one.mapping not in {None, digest, one.mapping}",
        test=_ANOTHER_TEST + "test_a_mapping_changed_under_a_running_service",
    ),
    Mutant(
        "unreadable-mapping-unsaid", "A mapping that can no longer be read is no news until the next start.",
        STATUS, "[*unreadable, *_letter(", "[*_letter(",
        test=_ANOTHER_TEST + "test_a_mapping_that_can_no_longer_be_read",
    ),
    Mutant(
        "rehearsal-taken-for-dead", "Asked by the machine's clock, `status` has a healthy worker of a rehearsal killed.",
        AGREEMENT, "        and abs(now - one.beat_at) > SILENT_FOR", "        and now - one.beat_at < -SILENT_FOR",
        test=_ANOTHER_TEST + "test_asked_by_the_machines_clock_in_a_rehearsal",
    ),
    Mutant(
        "killed-by-another-clock", "One that was killed before time was let pass in a rehearsal goes by another clock.",
        AGREEMENT, "        and one.part not in by_now\n", "",
        test=_ANOTHER_TEST + "test_one_that_was_killed_before_the_clock_was_moved",
    ),
    Mutant(
        "receiver-cut-at-the-end", "`serve` ends the receiver in the middle of an answer, its end not noted.",
        SERVE, "            try:\n                self._wait()\n", "            try:\n                pass\n",
        test="tests/story/test_commands.py::test_serve_listens_hears_webhooks_and_ends_in_order",
    ),
    Mutant(
        "still-clock-no-sign", "With the sandbox's clock standing still, the worker gives no sign of life.",
        HEARTBEAT, "not all(timedelta()", "not any(timedelta()",
        test=_ANOTHER_TEST + "test_a_clock_that_stands_still_stops_no_sign_of_life",
    ),
    # words that people see
    Mutant(
        "approved-by-the-mapping", "A ticket that only has to be moved is told of in the mapping's word, which nobody sees.",
        "sync/rules/handoffs/advancing.py", "{word(context, 'approved')}", "{context.mapping.ticket.approved}",
        test=_WORDS_TEST + "test_no_reason_has_an_old_word",
    ),
    Mutant(
        "stuck-in-default-words", "`status` counts who is late by names that nobody there uses.",
        "sync/commands/status.py", "found.party_labels.get(one.party, one.party.value.replace(\"_\", \" \"))",
        "one.party.value.replace(\"_\", \" \")",
        test=_WORDS_TEST + "test_status_calls_those_who_are_late_as_the_mapping_does",
    ),
    Mutant(
        "board-in-default-words", "The board calls a ticket's revisions what HubSpot's default does.",
        "sync/board/pages/client.py", "name = PROPERTIES[one.property].format_map(words)",
        "name = PROPERTIES[one.property].format(needs_revisions=\"Needs Revisions\")",
        test="tests/board/test_pages.py::test_what_was_changed_is_told_in_the_mappings_words",
    ),
    # which client is meant
    Mutant(
        "one-of-two-taken", "A part of two clients' names means the first of them, in a command that acts, too.",
        PORTFOLIOS, "    if len(found) > 1:\n", "    if len(found) > 1 and what.startswith(\"are called\"):\n",
        test=_WHICH_TEST + "TestEveryCommand::test_takes_no_part_of_two[backfill --since 2026-10-01]",
    ),
    Mutant(
        "part-taken-silently", "Which client a part of a name was taken for is not said.",
        PORTFOLIOS, "        on_part(part, parts[part])\n", "",
        test=_WHICH_TEST + "TestEveryCommand::test_takes_a_part_and_says_which_it_is[plan]",
    ),
    Mutant(
        "late-search-unsaid", "A client made seconds ago does not exist, and no more is said.",
        PORTFOLIOS, '    late = "" if seen.isascii() and seen.isdigit() else TOO_NEW\n', '    late = ""\n',
        test=_WHICH_TEST + "TestEveryCommand::test_says_that_the_search_is_late[verify]",
    ),
    Mutant(
        "seen-and-not-found", "A client whom the service has seen is not found before HubSpot's search has it.",
        PORTFOLIOS, "names = dict(known or {}) | _names(", "names = _names(",
        test=_WHICH_TEST + "test_one_that_the_service_has_seen_is_found_before_the_search_knows_it",
    ),
    Mutant(
        "found-by-its-old-name", "A client is found by a name that it has no longer, since the search has that still.",
        PORTFOLIOS, "parts = _read(crm, name, names, lambda called: seen in as_seen(called))",
        "parts = {i: called for i, called in names.items() if seen in as_seen(called)}",
        test=_WHICH_TEST + "test_a_name_that_was_changed_since_is_not_found_by_the_old_one",
    ),
    # the portal's words
    Mutant(
        "task-in-the-mappings-words", "Tasks speak of internal values, which nobody in the portal sees.",
        "sync/passes/effects/tasks.py", "texts = self._texts.speaking(portal.words)", "texts = self._texts",
        test=_WORDS_TEST + "test_no_text_of_a_cycle_has_an_old_word",
    ),
    Mutant(
        "email-in-the-mappings-words", "Emails speak of internal values, which nobody in the portal sees.",
        "sync/passes/effects/emails.py", "texts = self._texts.speaking(portal.words)", "texts = self._texts",
        test=_WORDS_TEST + "test_no_text_of_a_cycle_has_an_old_word",
    ),
    Mutant(
        "reason-by-the-value", "The line that closes a task tells the internal value of a status.",
        "sync/rules/handoffs/wording.py", "context.words.get(key) or words_of", "words_of",
        test=_WORDS_TEST + "test_no_text_of_a_cycle_has_an_old_word",
    ),
    Mutant(
        "revision-by-the-value", "A task asks for a revision by the internal value.",
        "mappings/words.py", "            return words[REVISIONS[one]]", "            return value",
        test=_WORDS_TEST + "test_no_text_of_a_cycle_has_an_old_word",
    ),
    Mutant(
        "half-an-emoji-printed", "`sandbox show` fails at a text that was cut in the middle of an emoji.",
        "sync/commands/sandbox/show.py", "fit: Any = storable(rows)", "fit: Any = rows",
        test="tests/story/test_rehearsal.py::test_half_an_emoji_is_shown", why="The simulation gives no command.",
    ),
    Mutant(
        "old-label-kept", "A label that was changed in the portal is known only after a restart.",
        "sync/passes/portal.py", "        self._words = words\n", "        self._words = self._words or words\n",
        test=_WORDS_TEST + "test_a_label_changed_in_the_portal_is_in_the_next_text",
    ),
    Mutant(
        "old-word-unsaid", "An own text that goes on with an old word is fine by `check`.",
        "sync/admin/check/words.py", "if times and not any(", "if times and any(",
        test=_WORDS_TEST + "TestCheck::test_an_old_word_in_an_own_text",
    ),
    Mutant(
        "short-word-in-a-long-one", "A word within a longer one is taken for an old word.",
        "sync/admin/check/words.py", "key=lambda key: -len(old[key])", "key=lambda key: len(old[key])",
        test=_WORDS_TEST + "TestCheck::test_a_longer_word_that_holds_a_shorter_one",
    ),
    Mutant(
        "own-text-replaced", "`init --templates` replaces a text that somebody has changed.",
        "sync/admin/init.py", "if (directory / one.name).exists()]:", "if not one.name]:",
        test="tests/unit/test_init.py::test_no_copy_replaces_a_text_that_somebody_has_changed",
    ),
    # the first hour
    Mutant(
        "decline-due-unexplained", "`adopt` lists a client who declined as due, and does not say why.",
        "sync/admin/adopt/remaining.py", "verdict.reason + _leftover(recorder, due.handoff)", "verdict.reason",
        test=_HOUR_TEST + "TestAdopt::test_why_a_client_who_declined_is_due",
    ),
    Mutant(
        "real-env-replaced", "`sandbox --env` replaces the settings of a real portal.",
        "sync/commands/sandbox/run.py", "    if first != MARK:", "    if not first:",
        test=_HOUR_TEST + "TestEnvOfTheSandbox::test_a_real_portals_is_not",
    ),
    Mutant(
        "settings-change-unsaid", "`.env` is changed under a running service, and nobody says that it goes by the old one.",
        AGREEMENT, "one.started_at - one.clock_ahead < changed_at", "one.started_at - one.clock_ahead < one.started_at",
        test=_HOUR_TEST + "TestSettingsChanged::test_after_it_is_told",
    ),
    Mutant(
        "made-and-called-missing", "What `setup` has made is called missing until the service tries again.",
        "sync/commands/setup.py", "            mended(built.store)\n", "            _ = mended\n",
        test=_HOUR_TEST + "test_what_setup_has_made_is_not_called_missing_until_the_service_looks",
    ),
    Mutant(
        "check-frightens", "What `check` sends is logged as if somebody forged a delivery.",
        "webhooks/app.py", "OF_A_CHECK if body == NOTHING else", "OF_A_CHECK if not body else",
        test="tests/unit/receiver/test_refusing.py::test_what_check_sends_frightens_nobody",
    ),
    # list, earlier cycles, the rehearsal
    Mutant(
        "list-outside-the-condition", "`list` shows clients whom the service never touches.",
        "sync/admin/clients.py", "if all_hold(conditions, record.properties)", "if record",
        test="tests/story/test_list.py::test_only_the_mappings_clients_are_listed",
    ),
    Mutant(
        "list-finds-nobody-and-is-well", "`list` with a name that nobody has ends with 0.",
        "sync/commands/list.py", "        click.get_current_context().exit(1)\n", "        return\n",
        test="tests/story/test_list.py::test_a_part_of_the_name_narrows_it",
    ),
    Mutant(
        "first-cycle-for-previous", "`explain --cycle previous` shows the first cycle instead of the last.",
        "sync/admin/explain/__init__.py", "else ends[-1]", "else ends[0]",
        test="tests/story/test_explain.py::test_a_cycle_that_is_over_is_shown",
    ),
    Mutant(
        "previous-of-the-first", "`explain --cycle previous` of a client in the first cycle is an error of the program.",
        "sync/admin/explain/__init__.py", "    if not ends and not isinstance(cycle, date):\n",
        "    if len(ends) < -1 and not isinstance(cycle, date):\n",
        test="tests/story/test_explain.py::test_a_cycle_that_is_over_is_shown",
    ),
    Mutant(
        "rehearsal-in-default-words", "The sandbox of a mapping calls the statuses as the default does.",
        "sync/sandbox/renamed.py",
        '"statuses": same(*(portfolio.statuses[status] for status in Status if status in portfolio.statuses)),',
        '"statuses": Names().statuses,',
        test="tests/story/test_rehearsal.py::test_the_mapping_fits_the_portal_that_is_built_from_it",
    ),
    Mutant(
        "rehearsal-without-stand-ins", "The sandbox of a mapping lacks the people whom it names as stand-ins.",
        "sync/sandbox/renamed.py", "        if one in known or one.lower() in emails:\n", "        if one:\n",
        test="tests/story/test_rehearsal.py::test_the_mapping_fits_the_portal_that_is_built_from_it",
    ),
    # verify
    Mutant(
        "verify-well-though-blocked", "`verify` ends with 0 where work waits for a person.",
        FINDING, "return self.ok and not self.blocked and not self.held", "return self.ok and not self.held",
        test=_END_STATES_TEST + "TestTheSummaryIsTrue::test_above_what_is_blocked",
    ),
    Mutant(
        "verify-well-though-held", "`verify` ends with 0 where the breaker holds everything.",
        FINDING, "and not self.blocked and not self.held and", "and not self.blocked and",
        test=_END_STATES_TEST + "TestTheSummaryIsTrue::test_with_something_held",
    ),
    Mutant(
        "verify-well-though-unable", "`verify` says that nothing is missing where no task can be made at all.",
        VERIFY + "__init__.py", "    if not service.portals.get().task_keys.ready:\n", "    if service is None:\n",
        test=_END_STATES_TEST + "TestTheSummaryIsTrue::test_with_the_task_property_missing",
    ),
    Mutant(
        "verify-hides-deleted", "`verify` says that nothing is missing, and no more, above a deleted task.",
        REPORT, 'return (f"{clean}; but {rest}, see below.", "yellow") if rest else (f"{clean}.", "green")',
        'return (f"{clean}.", "green")',
        test=_END_STATES_TEST + "TestTheSummaryIsTrue::test_with_a_deleted_task",
    ),
    Mutant(
        "verify-trusts-the-queue", "What has lain in the work queue for days, with no worker up, is on its way.",
        VERIFY + "due.py", "queued.parked or evidence.times.now - queued.not_before > health.OLDEST_ALLOWED",
        "queued.parked",
        test=_END_STATES_TEST + "TestTheSummaryIsTrue::test_what_nobody_takes_from_the_queue_is_missing",
    ),
    Mutant(
        "verify-one-behind", "An Ad Set that was announced with a ticket behind is fine.",
        VERIFY + "announced.py", "bool(stages) and not stages &", "not stages and not stages &",
        test=_END_STATES_TEST + "TestAnnouncedWithOneBehind::test_the_ticket_is_named",
    ),
    Mutant(
        "verify-one-behind-by-a-merge", "A ticket is judged by the folder of the one that it was merged with.",
        VERIFY + "announced.py", "key.entries} - _absorbing(evidence)", "key.entries} | entries",
        test=_END_STATES_TEST
        + "TestAnnouncedWithOneBehind::test_a_set_whose_ticket_was_merged_into_one_of_another_set",
    ),
    Mutant(
        "verify-wrong-owner", "A task for somebody whom nobody has named is fine.",
        VERIFY + "assigned.py", "if named is not None and owner not in named:", "if named is not None and not owner:",
        test=_END_STATES_TEST + "TestWhoseTask::test_somebody_whom_nobody_named",
    ),
    Mutant(
        "verify-owner-by-todays-mapping", "Whose a task is is judged by a mapping that did not decide it.",
        VERIFY + "assigned.py", "judged = judged and effect.mapping in {None, today}",
        "judged = judged and effect.mapping in {None, today, effect.mapping}",
        test=_END_STATES_TEST + "TestWhoseTask::test_a_mapping_that_names_another_property_since_is_no_fault",
    ),
    Mutant(
        "verify-wrong-date", "A Refresh Date that is not the next one is fine.",
        VERIFY + "next_dates.py", "if not right or wrote in right:", "if not right or wrote is not None:",
        test=_END_STATES_TEST + "TestTheNextDate::test_a_date_that_is_not_the_next_one",
    ),
    Mutant(
        "verify-todays-cadence", "A date is judged by the cadence of today, whatever stood when it was written.",
        VERIFY + "next_dates.py", "for value in stood if", "for value in (evidence.portfolio.cadence,) if",
        test=_END_STATES_TEST + "TestTheNextDate::test_a_cadence_changed_since_is_no_fault",
    ),
    Mutant(
        "verify-email-never-planned", "An email that was never planned is missed by nobody.",
        VERIFY + "followed.py", "for kind in sorted(EMAILS.get(recorded.handoff, set()) - known):",
        "for kind in sorted(EMAILS.get(recorded.handoff, set()) & known - known):",
        test=_END_STATES_TEST + "TestEmails::test_one_that_was_never_planned",
    ),
    Mutant(
        "put-back-unknown", "A database put back by other means goes on as if nothing had been done since.",
        "sync/commands/db.py", "        begin_anew(store, session.clock().now())", "        _ = begin_anew",
        test="tests/unit/test_cli.py::test_a_database_put_back_by_other_means_knows_no_more_than_an_empty_one",
    ),
    Mutant(
        "server-copied-as-a-file", "A copy of a database on a server is tried as if it were a file.",
        "sync/commands/db.py", 'if not url.startswith("sqlite"):', 'if url.startswith("oracle"):',
        test="tests/unit/test_cli.py::test_a_database_on_a_server_is_copied_by_the_servers_programs[backup copy.db]",
    ),
    Mutant(
        "refusal-by-libpqs-words", "What a PostgreSQL server refuses is read off its client's words.",
        "sync/storage/postgres.py", 'said = _NEXT_HOST.split(said.rpartition("FATAL:")[2])[0].strip()', "pass",
        test="tests/unit/test_postgresql.py::test_a_connection_that_the_server_refuses_is_explained",
    ),
)  # fmt: skip
