"""Faults in how things are done once: what is looked at, what is written down, what is tried, found and settled."""

from tests.mutation.mutant import Mutant

ANNOUNCEMENTS = "sync/rules/handoffs/announcements.py"
DOUBLED = "sync/admin/verify/doubled.py"
LOOK_ALIKES = "sync/storage/look_alikes.py"
TRANSITION = "sync/rules/transition.py"
ATTEMPTS = "sync/storage/ledger/attempts.py"
DECISIONS = "sync/storage/ledger/decisions.py"
DIRTY = "sync/storage/work_queue.py"
RECONCILE, ROUNDS = "sync/passes/reconcile.py", "sync/passes/rounds.py"
BOOKKEEPING = "sync/passes/bookkeeping.py"
TRIES = "sync/passes/effects/attempts.py"
EMAILS = "sync/passes/effects/emails.py"
LOOKUP = "sync/passes/effects/lookup.py"
PERFORM = "sync/passes/effects/perform.py"
RESOLVE = "sync/passes/effects/resolve.py"
TASKS = "sync/passes/effects/tasks.py"
WRITES = "sync/passes/effects/writes.py"
FIND_TASKS = "sync/passes/effects/find_tasks.py"
TASK_KEYS = "sync/passes/task_keys.py"
TASK_MARKS = "sync/rules/task_marks.py"
YOUNG_LEDGER = "sync/passes/effects/young_ledger.py"
RECOVERY = "sync/passes/recovery.py"
SWEEP = "sync/passes/sweep.py"
POLL = "sync/passes/poll.py"
INBOX = "sync/storage/inbox.py"
CRM = "sync/crm.py"
BATCHES = "sync/hubspot/batches.py"
SNAPSHOT = "sync/passes/snapshot/group.py"
CHANGES = "sync/storage/changes.py"

MUTANTS = (
    Mutant(
        "escape-passed-over", "A text with half an emoji in it goes to the database as it came.",
        "webhooks/events.py", "storable = _ESCAPE not in body", "storable = _ESCAPE is not body",
        test="tests/unit/test_events.py::test_a_text_cut_through_a_character_keeps_the_rest",
    ),
    Mutant(
        "turn-before-the-task", "Whose turn it is once a task was made is told by the next look.",
        ROUNDS, "        if performed.tried:\n", "        if not performed.tried:\n",
        test="tests/story/test_kept_clients.py::test_the_turn_passes_on_with_the_task_that_was_made",
    ),
    # the ledger: what is decided
    Mutant(
        "plan-never-withdrawn", "What was decided and not begun is done although its cause is gone.",
        TRANSITION, "if key not in decided and recorded.state", "if not decided and key in decided and recorded.state",
        test="tests/unit/test_ledger.py::test_what_is_no_longer_due_is_withdrawn_and_can_come_back",
    ),
    Mutant(
        "plan-begun-is-withdrawn",
        "What is left of a begun occurrence is dropped when its rule says that it is through.",
        TRANSITION,
        "self._superseded(effect, CAUSE_GONE) if effect.kind is EffectKind.WRITE else effect,",
        "self._superseded(effect, CAUSE_GONE),",
    ),
    Mutant(
        "plan-no-bypass", "A decline lets what its cycle had begun run on.",
        TRANSITION, "if before.cycle == decline.cycle and key != decline.key and alive:", "if not key:",
        test="tests/unit/test_ledger.py::test_a_decline_bypasses_what_its_cycle_had_not_begun",
    ),
    Mutant(
        "plan-no-bypass-of-deleted", "What waits on a deleted ticket outlives a decline.",
        TRANSITION, "alive = before.state in {OccurrenceState.OPEN, OccurrenceState.GONE}",
        "alive = before.state is OccurrenceState.OPEN",
        test="tests/story/test_interruptions.py::test_what_waited_on_a_deleted_ticket_is_bypassed_by_a_decline",
    ),
    Mutant(
        "plan-bypass-every-cycle", "A decline stops what other cycles had begun.",
        TRANSITION, "if before.cycle == decline.cycle and key != decline.key", "if key != decline.key",
        test="tests/unit/test_ledger.py::test_a_decline_leaves_other_cycles_alone",
    ),
    Mutant(
        "plan-begun-changes", "Deciding anew plans what was done already once more.",
        TRANSITION, "        if effect.state in NOT_YET:\n            return True",
        "        if effect.state is not EffectState.SUPERSEDED:\n            return True",
        test="tests/unit/test_ledger.py::test_an_open_write_of_what_stands_is_decided_anew",
    ),
    Mutant(
        "plan-payload-kept", "Deciding anew leaves what the effect was to do as it was decided at first.",
        DECISIONS, '{"of_effect": effect.key, "payload": to_json(payload_of(planned)), **state}',
        '{"of_effect": "", "payload": to_json(payload_of(planned)), **state}',
        test="tests/unit/test_ledger.py::test_what_was_not_tried_is_decided_anew_each_time",
    ),
    Mutant(
        "plan-reassigned-to-nobody", "Who comes for what waited for a person is not written down.",
        DECISIONS, '{**json.loads(row.payload), "owner": owner}', "json.loads(row.payload)",
        test="tests/unit/test_ledger.py::test_an_effect_that_waits_for_a_person_is_given_to_whoever_comes",
    ),
    Mutant(
        "plan-blocked-since-now", "What stays blocked is blocked since it was last decided.",
        TRANSITION, "before.state_at if before is not None and still else self._now", "self._now",
        test="tests/unit/test_ledger.py::test_what_stays_blocked_is_so_since_it_first_was[not begun]",
        why="How long something has been blocked is read by no rule; status and alerts tell it.",
    ),
    Mutant(
        "plan-closings-forgotten", "The ledger does not remember the closings that it has seen.",
        TRANSITION, "set(closings) - set(self._view.closings)", "set(closings) & set(self._view.closings)",
        test="tests/story/test_forgotten_history.py::test_the_cycle_goes_on_when_the_crm_has_forgotten_what_began_it",
        why="The CRM keeps the newest twenty versions, and no story sets a status that often.",
    ),
    Mutant(
        "claim-twice", "An effect that somebody else is trying can be claimed.",
        ATTEMPTS, 'is_among(effects.c.key, "keys"), effects.c.state == EffectState.PLANNED.value)',
        'is_among(effects.c.key, "keys"))',
        test="tests/unit/test_ledger.py::test_what_is_claimed_twice_is_given_once",
        why="The simulation has one process, which never claims twice; it takes two to show it.",
    ),
    Mutant(
        "claim-release-counts-as-tried", "What was certainly not sent counts as begun.",
        ATTEMPTS, "        attempted_at=case((effects.c.attempts > 1, effects.c.attempted_at)),\n", "",
        test="tests/unit/test_ledger.py::test_what_was_certainly_not_sent_is_as_if_it_had_not_been_tried",
    ),
    Mutant(
        "settle-closes-early", "An occurrence is closed with its first effect; the rest is never done.",
        ATTEMPTS,
        "    is_one_of(effects.c.state, _UNFINISHED),\n",
        "    is_one_of(effects.c.state, _UNFINISHED),\n    effects.c.position == 0,\n",
    ),
    Mutant(
        "failed-for-ever", "What the CRM has refused is never tried again.",
        ROUNDS, "retry = [record for record in group.snapshots if state.mends(record)]",
        "retry: list[RecordRef] = []",
        test="tests/story/test_faults.py::test_a_task_that_a_rule_refuses",
    ),
    Mutant(
        "ticket-work-left-behind", "A ticket's work stays with the portfolio that the ticket has left.",
        BOOKKEEPING, "ledger.set_portfolio(connection, moved)",
        "ledger.set_portfolio(connection, {ticket: None for ticket in moved if moved[ticket] is None})",
        test="tests/story/test_interruptions.py::test_what_waited_for_a_person_goes_with_the_ticket_to_another_portfolio",
    ),
    Mutant(
        "restored-forgotten", "The work of a record that was deleted and restored does not go on.",
        BOOKKEEPING, "            ledger.resume(connection, back)\n", "",
        test="tests/story/test_interruptions.py::test_what_had_begun_goes_on_after_a_restore_though_its_cause_is_gone",
    ),
    # the effects: what is tried, and what became of it
    Mutant(
        "landed-after-0", "What may still land is looked for at once, and tried again.",
        CRM, "LANDED_AFTER = timedelta(seconds=90)", "LANDED_AFTER = timedelta(0)",
    ),
    Mutant(
        "unknown-is-not-done", "An answer that was lost is taken for work that was not done.",
        TRIES, "ledger.settle(connection, effect.key, EffectState.UNKNOWN, now, reason=message, not_before=later)",
        "ledger.release_claim(connection, effect.key, now, message)",
    ),
    Mutant(
        "unknown-is-done", "An answer that was lost is taken for work that was done.",
        TRIES, "ledger.settle(connection, effect.key, EffectState.UNKNOWN, now, reason=message, not_before=later)",
        "ledger.settle(connection, effect.key, EffectState.DONE, now)",
    ),
    Mutant(
        "cut-off-is-not-done", "What a crash cut off is taken for work that was not done.",
        RESOLVE, "ledger.settle(connection, effect.key, EffectState.UNKNOWN, now, reason=reason)",
        "ledger.release_claim(connection, effect.key, now, reason)",
        first=("story:edited_while_the_process_was_down_declined",),
    ),
    Mutant(
        "task-not-found", "The task that was made, its answer lost, is not found.",
        RESOLVE, "self._tasks.find(tasks, keys, since=since_tried(tasks))", "self._tasks.find([], keys, since={})",
    ),
    Mutant(
        "write-not-found", "A write that landed and was changed again since is taken for one that did not land.",
        LOOKUP, "_reads_as(version.value, value) and version.source_type", "False and version.source_type",
        first=("story:edited_while_the_process_was_down_declined",),
    ),
    Mutant(
        "write-found-of-old", "An earlier write of the same value is taken for the one whose answer was lost.",
        LOOKUP, 'version.source_type == "INTEGRATION" and version.at >= since',
        'version.source_type == "INTEGRATION"',
        test="tests/story/test_interruptions.py::test_an_earlier_write_of_the_same_value_is_not_the_one_whose_answer_was_lost",
    ),
    Mutant(
        "write-by-a-person", "A person's change to the same value is taken for the service's own.",
        LOOKUP, '_reads_as(version.value, value) and version.source_type == "INTEGRATION" and version',
        "_reads_as(version.value, value) and version",
        test="tests/story/test_interruptions.py::test_a_persons_own_change_is_not_the_write_whose_answer_was_lost",
    ),
    Mutant(
        "write-date-as-iso-only", "A date that was written is not recognised when it comes back as milliseconds.",
        LOOKUP,
        "    if read == wrote or not (read.isdecimal() and _DATE.fullmatch(wrote)):\n        return read == wrote",
        "    if read == wrote or wrote:\n        return read == wrote",
    ),
    Mutant(
        "resolve-skipped", "Nobody finds out what became of a try without an answer.",
        RECONCILE, "waiting = self._resolver.resolve(state.items, portal.task_keys)", "waiting: dict[RecordRef, datetime] = {}",
    ),
    Mutant(
        "resolve-not-waited-for", "A record is decided while it is not known what became of a write to it.",
        RECONCILE, "units = [record for record in state.items if record not in waiting]", "units = list(state.items)",
        test="tests/story/test_interruptions.py::test_nothing_is_decided_while_a_write_may_still_land",
        why="Nothing follows what is not settled (`settled-whatever-the-write`): this is the net above that, and saves calls.",
    ),
    Mutant(
        "unsure-decided-anew", "After an answer was lost, the same pass decides on what it then reads.",
        ROUNDS, "(performed.wrote | performed.stale | ended) - performed.unsure)",
        "(performed.wrote | performed.stale | ended | performed.unsure))",
    ),
    Mutant(
        "email-not-sent-again", "An email of which nobody knows whether it was sent is taken for sent.",
        RESOLVE,
        "ledger.settle(connection, effect.key, EffectState.PLANNED, now, reason=reason, not_before=again)",
        "ledger.settle(connection, effect.key, EffectState.DONE, now)",
    ),
    Mutant(
        "email-resent-as-new", "An email that is tried again bears another name: it is sent twice.",
        EMAILS, "outcome, server_down = _send(self._mailer, name_of_try(effect), owner",
        'outcome, server_down = _send(self._mailer, f"{effect.key}#{effect.attempts}", owner',
    ),
    Mutant(
        "closed-twice-says-once", "Of two lines that one task gets at once the second forgets the first.",
        "sync/passes/effects/bodies.py", "bodies.get(task, tasks[task].properties.get(TASK_BODY, \"\"))",
        "tasks[task].properties.get(TASK_BODY, \"\")",
        test="tests/story/handoffs/test_6_revisions.py::test_6_a_task_that_a_decline_and_a_new_round_close_at_once_says_both",
    ),
    Mutant(
        "incomplete-told-at-once", "The admin gets an email of every answer that lacked something once.",
        "sync/observe/alerts.py", "if now - one.since >= faulty_records.LATE_FOR]", "]",
        test="tests/story/test_alerts.py::test_what_comes_incomplete_is_told_once_it_has_lasted_ten_minutes",
    ),
    Mutant(
        "incomplete-told-by-nobody", "No email tells of records that come incomplete for hours.",
        "sync/observe/alerts.py", "_incomplete(connection, self._clock.now()), ", "",
        test="tests/story/test_alerts.py::test_what_comes_incomplete_is_told_once_it_has_lasted_ten_minutes",
    ),
    Mutant(
        "email-before-its-write", "Emails do not wait for the write that they follow.",
        PERFORM, "        free = self._free([e for e in rest if e.kind is EffectKind.EMAIL])\n",
        "        free = [e for e in planned if e.kind is EffectKind.EMAIL]\n",
    ),
    Mutant(
        "task-before-its-write", "Tasks are made although the write of their occurrence has not been done.",
        PERFORM, "rest = self._free([e for e in planned if e.kind is not EffectKind.WRITE])",
        "rest = [e for e in planned if e.kind is not EffectKind.WRITE]",
        test="tests/story/handoffs/test_edits.py::test_a_person_approves_while_the_set_is_being_announced",
    ),
    Mutant(
        "share-closed-before-the-new", "The older task to share a set does not wait until the new one is made.",
        ANNOUNCEMENTS, "CloseTask(task.id, reason, after)", "CloseTask(task.id, reason)",
        test="tests/story/handoffs/test_5_set_ready.py::test_5_the_older_task_waits_for_the_new_one",
    ),
    Mutant(
        "look-alike-stays", "Names that were put right are worth a look for ever.",
        LOOK_ALIKES, "    forget(connection, [portfolio.ref for portfolio, _ in pairs if portfolio.ref in before])\n", "",
        test="tests/story/test_worth_a_look.py::test_what_is_put_right_is_forgotten",
        why="The oracle does not read `status`.",
    ),
    Mutant(
        "look-alike-of-what-is-gone", "A deleted portfolio is worth a look for ever.",
        BOOKKEEPING, "        look_alikes.forget(connection, {*group.gone, *group.merged})\n", "",
        test="tests/story/test_worth_a_look.py::test_what_is_gone_is_forgotten",
        why="The oracle does not read `status`.",
    ),
    Mutant(
        "sweep-no-look-alikes", "No sweep looks at a portfolio whose sets are called almost the same.",
        SWEEP, " | look_alikes.known(connection)", "",
        test="tests/unit/test_sweep.py::test_sets_that_are_called_almost_the_same_count_whatever_the_date",
        why="The oracle does not read `status`.",
    ),
    Mutant(
        "verify-two-to-share", "`verify` does not notice an older task to share the same set that was never closed.",
        DOUBLED, "    yield from _left_open(evidence)\n", "",
        test="tests/story/test_verify.py::test_two_open_tasks_to_share_one_set_are_found",
        why="It is no fault of what is done.",
    ),
    Mutant(
        "no-reread", "A write does not mind that a person has changed the value since.",
        WRITES, 'all(record.properties.get(n, "") == v for n, v in expected(effect)):', "effect.payload:",
        test="tests/story/handoffs/test_edits.py::test_a_person_approves_while_the_set_is_being_announced",
    ),
    Mutant(
        "stale-not-looked-at", "A record that had changed under a write is not looked at anew.",
        ROUNDS, "(performed.wrote | performed.stale | ended)", "(performed.wrote | ended)",
        test="tests/story/handoffs/test_edits.py::test_a_person_approves_while_the_set_is_being_announced",
    ),
    Mutant(
        "not-sent-is-failed", "What was certainly not sent is taken for refused.",
        TRIES,
        "case NotSent(message):\n            ledger.release_claim(connection, effect.key, now, message)",
        "case NotSent(message):\n            ledger.settle(connection, effect.key, EffectState.FAILED, "
        "now, reason=message)",
        test="tests/story/test_faults.py::test_what_was_certainly_not_sent_is_not_tried",
    ),
    Mutant(
        "not-sent-is-done", "What was certainly not sent is taken for done.",
        TRIES,
        "case NotSent(message):\n            ledger.release_claim(connection, effect.key, now, message)",
        "case NotSent(message):\n            ledger.settle(connection, effect.key, EffectState.DONE, "
        "now)",
        test="tests/story/test_faults.py::test_what_was_certainly_not_sent_is_not_tried",
    ),
    Mutant(
        "batch-as-one", "Of a batch that was answered in part, all is taken for done.",
        BATCHES, '    else:\n        why = "; ".join(map(str, answer.problems))',
        '    elif matched.found:\n        return Applied(name)\n    else:\n        why = "; ".join(map(str, answer.problems))',
        test="tests/contract/hubspot/test_writes.py::TestWrites::test_errors_that_name_nobody_leave_the_rest_unknown",
    ),
    Mutant(
        "pass-of-deleted", "Work on a ticket that is not there is tried.",
        PERFORM, "elif effect.record in present and effect.unit in records:",
        "elif effect.unit in records:",
        test="tests/story/test_interruptions.py::test_work_on_a_ticket_that_was_not_read_waits",
        why="A ticket that has left is looked for as soon as its portfolio is read: this is the net below that.",
    ),
    # what is to be looked at
    Mutant(
        "dirty-mark-lost-in-a-pass", "A mark that comes while a record is looked at is lost.",
        DIRTY, 'work_items.c.generation == bindparam("as_taken")', 'work_items.c.generation >= bindparam("as_taken")',
        test="tests/unit/test_work_queue.py::test_what_was_enqueued_again_meanwhile_stays_due",
    ),
    Mutant(
        "dirty-mark-lost-in-a-failing-pass", "A mark that comes while a record fails waits with it.",
        DIRTY, "        work_items.c.generation == item.generation,\n", "",
        test="tests/unit/test_work_queue.py::test_a_record_that_was_mended_during_its_last_try_is_not_parked",
        why="The simulation has no record that keeps failing.",
    ),
    Mutant(
        "dirty-not-again", "A record that is to be looked at again later is not.",
        DIRTY, "[taken[item] for item, again in items.items() if again is None]", "[taken[item] for item in items]",
        test="tests/unit/test_work_queue.py::test_what_is_to_be_looked_at_again_waits",
    ),
    Mutant(
        "dirty-mark-does-not-wake", "A mark does not make a record due that waits for a later moment.",
        DIRTY, '"look_at": least(work_items.c.look_at, new.look_at),', '"look_at": work_items.c.look_at,',
        test="tests/unit/test_work_queue.py::test_enqueueing_makes_a_waiting_record_due_and_its_age_begins_now",
    ),
    Mutant(
        "dirty-never-parked", "A record that keeps failing is tried every fifteen seconds for ever.",
        DIRTY, ".values(attempts=item.attempts + 1, error=error)", ".values(attempts=item.attempts, error=error)",
        test="tests/unit/test_work_queue.py::test_a_record_that_fails_backs_off_and_is_parked",
        why="It costs calls, and leaves nothing undone; the simulation has no record that keeps failing.",
    ),
    Mutant(
        "dirty-parked-for-ever", "A parked record is not looked at when it is marked.",
        DIRTY, '        "parked_at": None,\n', "",
        test="tests/unit/test_work_queue.py::test_a_parked_record_gets_one_more_try_when_it_is_enqueued",
        why="The simulation has no record that keeps failing, and so none that is parked.",
    ),
    Mutant(
        "strays-forgotten", "A ticket whose leaving nobody told is not looked for.",
        BOOKKEEPING, "            self._requeue_departed(departed)\n", "",
        test="tests/story/test_faults.py::test_a_ticket_is_deleted_in_mid_pass",
    ),
    # the ways in
    Mutant(
        "home-not-remembered", "A ticket that moves before the portfolio of which it told is read is forgotten.",
        BOOKKEEPING, "memberships.remember(connection, [], {t: parent for t, parent in parents.items() if parent is not None})",
        "memberships.remember(connection, [], {})",
        test="tests/story/test_interruptions.py::"
        "test_a_ticket_that_moves_before_the_portfolio_of_which_it_was_told_is_read",
    ),
    Mutant(
        "read-apart", "A portfolio is not read again though its ticket has changed since it was.",
        SNAPSHOT, "one.updated_at > began_there}", "one.updated_at < began_there and t not in portfolios.found}",
        test="tests/story/test_interruptions.py::"
        "test_a_set_that_is_ready_only_after_a_decline_while_both_are_read_is_not_announced[0]",
    ),
    Mutant(
        "read-is-looked-at", "A ticket of another portfolio that was read along is taken for looked at.",
        SNAPSHOT,
        "for t, record in asked.items() if read.parents.of.get(t) in read.portfolios or t in read.lone",
        "for t, record in asked.items()",
        test="tests/story/test_interruptions.py::test_a_poll_finds_a_ticket_that_was_read_with_another_portfolio",
    ),
    Mutant(
        "cause-not-renewed", "What is decided anew keeps the cause, and so the cycle, that it had at first.",
        TRANSITION, "cause_at=occurrence.cause_at,", "cause_at=before.cause_at if before else occurrence.cause_at,",
        test="tests/story/test_interruptions.py::"
        "test_work_for_a_ticket_that_came_again_after_a_decline_is_of_the_new_cycle",
    ),
    Mutant(
        "inbox-stored-not-marked", "A delivery is stored and marks nothing.",
        INBOX, '        work_queue.enqueue_related(connection, records, now, "webhook", moved=moved)\n',
        "        del records\n",
        test="tests/unit/receiver/test_receiving.py::test_a_delivery_is_stored_and_enqueues_its_records",
    ),
    Mutant(
        "inbox-ticket-moved", "A ticket that may have moved has only its old portfolio looked at.",
        DIRTY, "if moved or ticket not in known}", "if ticket not in known}",
        test="tests/unit/test_work_queue.py::test_a_ticket_that_may_have_moved_is_looked_at_itself_too",
    ),
    Mutant(
        "poll-no-overlap", "A poll misses what the search index did not show yet at the last one.",
        POLL, "OVERLAP = timedelta(minutes=30)", "OVERLAP = timedelta(0)",
        test="tests/unit/test_poll.py::test_a_poll_reaches_back_over_the_lag_of_the_index",
    ),
    Mutant(
        "read-by-our-clock", "Whether a change may share its time with a later one is told by our clock, however wrong it is.",
        SNAPSHOT, "if at >= (record.read_at or surely)", "if at >= surely",
        test="tests/unit/test_poll.py::test_what_was_read_is_known_by_the_clock_of_the_crm",
    ),
    Mutant(
        "own-change-by-its-time-alone", "What somebody changes in the moment of an own write is taken for that write.",
        CHANGES, "row.shown not in {None, shows.get(record)}", "False",
        test="tests/unit/test_poll.py::test_what_somebody_changes_in_the_moment_of_an_own_change_is_seen",
    ),
    Mutant(
        "own-change-without-what-was-merged", "What is merged into a record in the moment of an own write is not seen.",
        "sync/passes/snapshot/records.py", "sorted({*properties, *history, MERGED})", "sorted({*properties, *history})",
        test="tests/unit/test_poll.py::test_what_was_merged_in_the_moment_of_an_own_change_is_seen",
    ),
    Mutant(
        "own-change-found-again", "A poll has a portfolio looked at for what the service itself has written.",
        POLL, "for one in records if one.kind in names", "for one in records if not names",
        test="tests/unit/test_poll.py::test_an_own_change_is_known_by_what_it_left",
    ),
    Mutant(
        "poll-keeps-histories", "Tickets that a poll has found changed are first read without their histories.",
        POLL, "record in records if record.kind is Kind.TICKET", "record in records if record.kind is None",
        test="tests/unit/test_ticket_histories.py::test_those_of_which_a_poll_tells_are_read_once",
    ),
    Mutant(
        "poll-task-seen-for-ever", "A task that was completed once is never found by a poll again.",
        POLL, "changes.remember(connection, certain)",
        "changes.remember(connection, dict.fromkeys(modified_at(tasks.records), now + timedelta(days=9)))",
        test="tests/unit/test_poll.py::test_a_task_completed_again_is_found_again",
    ),
    Mutant(
        "poll-task-found-for-ever", "A completed task has its portfolio looked at by every poll of half an hour.",
        POLL, "    changes.remember(connection, certain)\n", "",
        test="tests/unit/test_poll.py::test_a_completed_task_is_found_once",
    ),
    Mutant(
        "poll-all-seen", "A poll takes every change for one that is known.",
        CHANGES, "row.modified_at < to_ms(at)", "False",
        test="tests/unit/test_poll.py::test_a_change_after_the_read_is_seen",
    ),
    Mutant(
        "sweep-no-window", "The sweep looks only at dates that have come.",
        SWEEP, "self._last_day = today + timedelta(days=mapping.rules.window_days + 1)", "self._last_day = today",
        test="tests/unit/test_sweep.py::test_dates_within_the_window_and_past",
    ),
    Mutant(
        "sweep-no-status", "The sweep leaves out portfolios in mid-cycle whose date is far away.",
        SWEEP, '            [Filter(names.status, "HAS_PROPERTY")],\n', "",
        test="tests/unit/test_sweep.py::test_every_status_counts_whatever_the_date",
    ),
    Mutant(
        "sweep-no-open-effects", "The sweep leaves out what is still to be done.",
        SWEEP, '        found.add("to be done", queries.with_open_effects(connection))\n', "",
        test="tests/unit/test_sweep.py::test_a_ticket_without_a_portfolio_with_something_to_do",
        why="A blocked or unknown effect keeps its record dirty; the sweep is the second net below it.",
    ),
    # keys of tasks
    Mutant(
        "key-not-searched", "A task that was taken off its record is not found by its key.",
        FIND_TASKS, "        if left:\n", "        if left and not keys:\n",
        test="tests/story/test_keys_taken.py::test_a_task_that_is_on_no_record_is_found_by_search",
    ),
    Mutant(
        "key-taken-is-failure", "A refusal because the task exists already is written down as failed.",
        TASKS, "        if refused:\n", "        if refused and not keys:\n",
        test="tests/story/test_keys_taken.py::test_a_refusal_that_names_our_own_task_is_success[409]",
    ),
    Mutant(
        "key-silence-is-absence", "What a search that does not answer might have shown counts as not there.",
        RESOLVE, "dict.fromkeys(made.unsure - found.keys(), _NOT_ANSWERED) | ", "",
        test="tests/story/test_keys_taken.py::test_while_the_search_does_not_answer_nothing_is_made_that_may_be_there",
    ),
    Mutant(
        "mark-of-a-copy-counts", "A task that a person has copied is taken for the one that was made.",
        TASK_KEYS, 'if record.properties.get(SOURCE, "") not in {"", *_APPS}:', "if not record.properties:",
        test="tests/story/test_keys_in_bodies.py::test_a_copy_does_not_do_for_a_task_that_was_never_made",
    ),
    Mutant(
        "mark-lost-made-again", "A task whose body was replaced while its outcome was unknown is made again.",
        FIND_TASKS, "        if keys.carrier is KeyCarrier.BODY:\n", "        if not keys.carrier:\n",
        test="tests/story/test_keys_in_bodies.py::test_a_reply_was_lost_and_somebody_edited_the_body_since[replaced]",
    ),
    Mutant(
        "mark-lost-not-looked-for", "After a loss a task whose body was replaced is looked for only while the ledger is young.",
        YOUNG_LEDGER, "        if keys.carrier is not KeyCarrier.BODY:\n", "        if keys:\n",
        test="tests/story/test_keys_in_bodies.py::test_whoever_edits_the_body_gets_no_second_task[much later-replaced]",
    ),
    Mutant(
        "mark-not-last", "A line that is added stands below the mark.",
        TASK_MARKS, 'without_marks(body) + without_marks(line) + "".join(map(mark_of, kept))', "body + line",
        test="tests/story/test_keys_in_bodies.py::test_the_mark_is_last_and_stays_so",
    ),
    Mutant(
        "mark-quoted", "A task that quotes another one's mark carries both keys.",
        TASK_MARKS, "return without_marks(body) + mark_of(key)", "return body + mark_of(key)",
        test="tests/story/test_keys_in_bodies.py::test_a_note_that_quotes_a_task_does_not_speak_for_it",
    ),
    Mutant(
        "mark-unchecked", "A mark in which somebody has changed a digit is another task's key.",
        TASK_MARKS, "one[:-_CHECK] and one[-_CHECK:] == _check(one[:-_CHECK])", "one[:-_CHECK]",
        test="tests/unit/test_task_marks.py::test_one_changed_character_and_it_is_none",
    ),
    Mutant(
        "mark-other-carrier-forgotten", "After a change to bodies a task that has its key in the property is not taken back.",
        TASK_KEYS, "own = record.properties.get(self.key_property, \"\") if self._has_property else \"\"",
        "own = record.properties.get(self.key_property, \"\") if self.carrier is KeyCarrier.PROPERTY else \"\"",
        test="tests/story/test_keys_in_bodies.py::test_what_carried_it_before_counts_after_a_change[to the body-False]",
    ),
    Mutant(
        "mark-source-not-searched", "Where a portal does not search by source nothing is taken back.",
        RECOVERY, "    return sorted(found | {end.to for near in on for ends in near.values() for end in ends}, key=int)",
        "    return [] if on else sorted(found)",
        test="tests/story/test_keys_in_bodies.py::test_a_decline_after_a_loss_closes_what_was_made[{'search_by_source': False}]",
    ),
)  # fmt: skip
