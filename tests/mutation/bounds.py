"""Faults in what must not go on, or grow, without end."""

from tests.mutation.mutant import Mutant

COUNTED, RETENTION = "sync/storage/migrations/versions/0008_counted_effects.py", "sync/storage/retention.py"
FOLLOW, RESOLVE = "sync/passes/effects/follow.py", "sync/passes/effects/resolve.py"
EMAILS = "tests/story/test_what_became_of_an_email.py"
MAIL = "sync/passes/email.py"
QUERIES = "sync/storage/ledger/queries.py"
WORKER, DUMP = "sync/service/worker.py", "sync/passes/dump.py"

TICKETS, KNOWN = "sync/passes/snapshot/tickets.py", "sync/storage/ticket_histories.py"
HISTORIES = "tests/unit/test_ticket_histories.py"

MUTANTS = (
    Mutant(
        "counts-only-grow", "An effect that changes its state is counted in the old one as well.",
        COUNTED, 'f"BEGIN {_ONE_LESS}{_ONE_MORE}END"', 'f"BEGIN {_ONE_MORE}END"',
        test="tests/unit/test_counts.py::test_the_counts_follow_every_change",
    ),
    Mutant(
        "count-reads-all", "Each scrape of the metrics counts the whole ledger.",
        "sync/storage/ledger/history.py", "for state, number in connection.execute(_ALL)}",
        "for state, number in connection.execute(select(effects.c.state, func.count()).group_by(effects.c.state))}",
        test="tests/unit/test_counts.py::test_no_count_reads_the_whole_ledger",
    ),
    Mutant(
        "poll-reads-all", "Each poll looks for adopted tasks in the whole ledger.",
        QUERIES, 'effects.c.adopted == literal_column("1"), _IMPLEMENTS', "_IMPLEMENTS",
        test="tests/unit/test_long_ledger.py::test_no_question_reads_the_whole_ledger",
    ),
    Mutant(
        "sweep-reads-all", "Each sweep looks for what is to be done in the whole ledger.",
        QUERIES, "is_one_of(effects.c.state, _TO_BE_DONE),",
        "effects.c.state.not_in([EffectState.DONE.value, EffectState.SUPERSEDED.value]),",
        test="tests/unit/test_long_ledger.py::test_no_question_reads_the_whole_ledger",
    ),
    Mutant(
        "adopted-before-forgotten", "Tasks that were adopted before the upgrade are no longer polled.",
        "sync/storage/migrations/versions/0015_questions_of_a_long_ledger.py", "'\"adopted\":true'", "'\"adopted\": true'",
        test="tests/unit/test_long_ledger.py::test_tasks_that_were_adopted_before_are_found_as_ever",
    ),
    Mutant(
        "old-tickets-believed", "An Ad Set is announced without an old ticket that has come back into the pipeline.",
        "sync/passes/rounds.py", "outdated = self._outdated(decisions, group, portal)", "outdated: set[RecordRef] = set()",
        test=f"{HISTORIES}::test_no_set_is_announced_without_an_old_ticket_that_has_come_back",
    ),
    Mutant(
        "old-tickets-known-on", "An old ticket that has changed is found before an announcement, and believed all the same.",
        "sync/passes/rounds.py", "            self._bookkeeper.forget_tickets(changed)\n", "            pass\n",
        test=f"{HISTORIES}::test_a_set_is_announced_though_an_old_ticket_has_changed",
    ),
    Mutant(
        "old-tickets-in-work", "A ticket that is in work is left unread once nothing has changed of it for a month.",
        "sync/passes/snapshot/group.py", " and self._translator.is_out_of_play(one, portal)", "",
        test=f"{HISTORIES}::test_an_old_ticket_that_is_in_work_is_read",
    ),
    Mutant(
        "old-tickets-young", "A ticket is left unread as soon as it is closed.",
        TICKETS, "OLD_AFTER = timedelta(days=30)", "OLD_AFTER = timedelta(minutes=5)",
        test=f"{HISTORIES}::test_what_was_closed_of_late_is_read",
    ),
    Mutant(
        "unnamed-before", "A client that passes had found before the upgrade is found by no name on the board.",
        "sync/storage/migrations/versions/0016_the_board.py", "    _name_them()\n", "",
        test="tests/unit/test_migrations.py::test_each_migration_keeps_all_that_is_there",
    ),
    Mutant(
        "only-empty-taken-over", "A database in which there are clients cannot be taken over.",
        "sync/storage/migrations/versions/0017_people_who_left.py", 'nullable=False, server_default=""', "nullable=False",
        test="tests/unit/test_migrations.py::test_each_migration_keeps_all_that_is_there",
    ),
    Mutant(
        "adopted-unmarked", "A task that is adopted now is never polled.",
        "sync/storage/ledger/recovery.py", "adopted=int(effect.adopted),", "adopted=0,",
        test="tests/story/test_adopt.py::TestApproval::test_ticking_the_adopted_task_closes_the_cycle",
    ),
    Mutant(
        "history-not-read-again", "A ticket that shows the same values is taken for unchanged, whatever came and went meanwhile.",
        TICKETS, "        and record.updated_at == kept.updated_at\n", "",
        test=f"{HISTORIES}::test_one_that_has_changed_is_read_with_its_history",
    ),
    Mutant(
        "history-known-at-once", "One reading of a history is believed for a month, whatever it may lack.",
        KNOWN, "certain = same and (before.certain == 1 or", "certain = not same or (before.certain == 1 or",
        test=f"{HISTORIES}::test_a_version_that_one_answer_lacks_by_chance_is_not_lost",
    ),
    Mutant(
        "history-known-too-soon", "What was read at once after a change is believed.",
        KNOWN, "SETTLED_AFTER = timedelta(minutes=1)", "SETTLED_AFTER = timedelta()",
        test=f"{HISTORIES}::test_what_comes_at_once_after_a_change_is_not_certain_yet",
    ),
    Mutant(
        "history-known-though-named", "A ticket that an event has named is read without its history.",
        "sync/passes/bookkeeping.py", "ticket_histories.forget(connection, [item.record.id for item in tickets])", "pass",
        test=f"{HISTORIES}::test_one_that_was_named_is_read_with_its_history",
    ),
    Mutant(
        "history-known-for-good", "What is known of a history is believed for ever.",
        KNOWN, "row.certain and row.asked == asked and row.read_at >= since", "row.certain and row.asked == asked",
        test=f"{HISTORIES}::test_each_is_read_with_its_history_once_a_month",
    ),
    Mutant(
        "histories-pile-up", "What is known of tickets that nobody reads any more is kept.",
        KNOWN, "        forget(connection, connection.scalars(_OLD, {\"before\": to_ms(now - KEPT_FOR)}).all())\n", "",
        test=f"{HISTORIES}::test_what_nobody_reads_any_more_is_forgotten",
    ),
    Mutant(
        "never-pruned", "The service itself removes no old deliveries.",
        WORKER, "self._requests, self._retention):", "self._requests):",
        test="tests/story/test_worker.py::test_the_service_itself_removes_what_is_older_than_it_is_kept",
    ),
    Mutant(
        "pruned-young", "Deliveries are removed before their time.",
        WORKER, "now - timedelta(days=service.settings.retention_days)", "now",
        test="tests/story/test_worker.py::test_the_service_itself_removes_what_is_older_than_it_is_kept",
    ),
    Mutant(
        "dump-unbounded", "All that a failed pass has seen is kept, however long it is.",
        DUMP, "    if over <= 0:\n        return failure\n", "    if over:\n        return failure\n",
        test="tests/story/test_dead.py::test_what_is_kept_of_a_failed_pass_is_bounded",
    ),
    Mutant(
        "pending-is-sent", "An email that HubSpot has only taken counts as sent.",
        "sync/hubspot/single_send.py",
        'return None if result == "SENT" else answers.text(answer.body, "statusId") or None', "return None",
        test=f"{EMAILS}::TestSingleSend::test_a_refusal_that_comes_later_is_shown_and_tried_again",
    ),
    Mutant(
        "refused-name-again", "An email that was refused in the end is sent again under the same name, and taken for a repeat.",
        "sync/passes/effects/emails.py", 'if refusals else key', "if not key else key",
        test=f"{EMAILS}::TestSingleSend::test_a_refusal_that_comes_later_is_shown_and_tried_again",
    ),
    Mutant(
        "used-connection-spoils", "An email on a connection that the server has closed is lost till the next try.",
        MAIL, "                if error.permanent:\n", "                if error:\n",
        test="tests/unit/test_email.py::TestBatch::test_one_that_the_server_has_closed_costs_nothing",
    ),
    Mutant(
        "broken-connection-kept", "An email whose answer is lost is handed over again at once on another connection.",
        MAIL, "            except EmailError as error:\n                if error.permanent:",
        "            except (EmailError, EmailUnknownError) as error:\n                if getattr(error, 'permanent', False):",
        test="tests/unit/test_email.py::TestBatch::test_what_is_unknown_is_not_sent_again",
    ),
    Mutant(
        "connection-for-ever", "All emails of a pass go over one connection, however many a server allows.",
        MAIL, " and line.emails < EMAILS_OF_A_CONNECTION", "",
        test="tests/unit/test_email.py::TestBatch::test_a_server_takes_so_many_on_one",
    ),
    Mutant(
        "connection-left-open", "The connection of a batch stays open after it.",
        MAIL, "if self._batches else (self._kept, None)", "if self._batches >= 0 else (self._kept, None)",
        test="tests/unit/test_email.py::TestBatch::test_they_go_over_one_connection",
    ),
    Mutant(
        "asked-for-ever", "HubSpot is asked for ever what became of an email.",
        FOLLOW, "case EmailEnd.PENDING if age >= TOLD_WITHIN:", "case EmailEnd.PENDING if age < timedelta(0):",
        test=f"{EMAILS}::TestSingleSend::test_it_is_asked_ever_more_seldom_and_not_for_ever",
    ),
    Mutant(
        "late-answer-lost", "What a slow mail server says at last is not heard.",
        FOLLOW, "            self._told_late(", "            key_of_try(name) or self._told_late(",
        test=f"{EMAILS}::TestSmtp::test_an_answer_that_comes_late_is_waited_for",
    ),
    Mutant(
        "late-answer-not-waited-for", "An email is sent again while the mail server may still answer.",
        "sync/passes/effects/attempts.py",
        "return lands if effect.not_before is None else max(lands, effect.not_before)", "return lands",
        test=f"{EMAILS}::TestSmtp::test_none_is_sent_again_while_the_answer_may_come",
    ),
    Mutant(
        "mailed-for-ever", "An email without an answer is sent again and again.",
        RESOLVE, "elif is_email and effect.unanswered >= self._email_tries:", "elif is_email and effect.unanswered < 0:",
        test=f"{EMAILS}::TestSmtp::test_what_is_never_answered_is_not_sent_for_ever",
    ),
    Mutant(
        "decline-lets-mail-on", "An email without an answer is sent again after the client has declined.",
        "sync/rules/model.py",
        "(kind is EffectKind.EMAIL and state in _DOUBTFUL_EMAIL)", "(not kind and state in _DOUBTFUL_EMAIL)",
        test=f"{EMAILS}::TestSmtp::test_a_decline_ends_it",
    ),
    Mutant(
        "tried-for-ever", "A task whose every try goes without an answer is tried again and again.",
        RESOLVE, "elif effect.unanswered >= TRIES:", "elif effect.unanswered < 0:",
        test=f"{EMAILS}::test_a_write_that_is_never_answered_is_shown_as_failed",
    ),
    Mutant(
        "alerted-for-ever", "An alert without an answer is sent every hour.",
        "sync/observe/alerts.py", "return self._counts_as_sent(kind, error)", "return False",
        test=f"{EMAILS}::test_an_alert_is_not_sent_for_ever",
    ),
)  # fmt: skip
