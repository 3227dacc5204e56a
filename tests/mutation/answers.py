"""Faults in what an answer of the CRM lacks, and in the ids of before a merge."""

from tests.mutation.mutant import Mutant

TRANSITION = "sync/rules/transition.py"
RECONCILE = "sync/passes/reconcile.py"
BOOKKEEPING = "sync/passes/bookkeeping.py"
WRITES = "sync/passes/effects/writes.py"
ANSWERS = "sync/hubspot/answers.py"
COMPLETENESS = "sync/hubspot/completeness.py"
HUBSPOT_RECORDS = "sync/hubspot/records.py"
MODEL = "sync/rules/model.py"
DECIDE = "sync/rules/decide.py"
DECIDER = "sync/passes/decider.py"
FAULTY_RECORDS = "sync/storage/faulty_records.py"
BODIES = "sync/passes/effects/bodies.py"
BACKFILLS = "sync/storage/backfills.py"
PORTFOLIOS = "sync/admin/portfolios.py"
REPLAY = "sync/admin/replay.py"
OLD_IDS = "tests/story/test_old_ids.py"
_SEARCH_TEST = "tests/contract/hubspot/test_search.py::TestSearching::"
_NO_SUCH_ANSWER = "No simulated answer is so."
_NO_COMMAND = "Nobody in the simulation gives that command."
CRM = "sync/crm.py"
SNAPSHOT = "sync/passes/snapshot/group.py"
BOOTSTRAP = "sync/service/bootstrap.py"
WORKER = "sync/service/worker.py"
GROUPING = "sync/service/grouping.py"
BOARD_ACCESS = "sync/board/access.py"
_BOARD_TEST = "tests/board/test_access.py::"
ISOLATION = "sync/hubspot/isolation.py"
AHEAD = "sync/hubspot/ahead.py"
_AHEAD_TEST = "tests/contract/hubspot/test_ahead.py::"
CALLS = "sync/hubspot/calls.py"
_ISOLATION_TEST = "tests/contract/hubspot/test_isolation.py::"

MUTANTS = (
    Mutant(
        "old-ticket-where-it-is-listed", "An old ticket counts for whoever lists it, though it was seen elsewhere.",
        "sync/passes/snapshot/parents.py", "seen.get(ticket) == i and by[ticket] == 1", "by[ticket] == 1",
        test="tests/unit/test_ticket_histories.py::test_an_old_ticket_on_another_portfolio_too_is_asked",
    ),
    Mutant(
        "old-ticket-listed-twice", "An old ticket that two portfolios list counts for the one on which it was seen.",
        "sync/passes/snapshot/parents.py", "seen.get(ticket) == i and by[ticket] == 1", "seen.get(ticket) == i",
        test="tests/unit/test_ticket_histories.py::test_an_old_ticket_on_another_portfolio_too_is_asked",
    ),
    Mutant(
        "old-tickets-asked-where-they-are", "Hundreds of old tickets are asked at each look on which portfolio they are.",
        "sync/passes/snapshot/parents.py", "(near | missed.keys()) - settled.keys()", "near | missed.keys()",
        test="tests/unit/test_ticket_histories.py::test_old_tickets_are_not_asked_where_they_are",
    ),
    Mutant(
        "who-left-not-read", "Who has left since the people were read first is not known to have.",
        "sync/hubspot/portal.py", "if known is None or known.keys() - archived.keys() - active.keys():", "if known is None:",
        test="tests/contract/hubspot/test_metadata.py::TestThePortal::test_who_has_left_is_read_again_only_where_somebody_has",
    ),
    Mutant(
        "absent-history-of-the-known", "A history that was seen, and is absent of an empty status, is one that never was.",
        "sync/passes/snapshot/seen_before.py", "lacking = set(seen(suspects)) if suspects else set()", "lacking = set[str]()",
        test="tests/story/test_incomplete_answers.py::test_a_history_that_was_seen_is_not_taken_for_none",
    ),
    # one record, and the rest
    Mutant(
        "spoilt-batch-starves", "One record for which the CRM fails keeps all others of its batch from being read.",
        ISOLATION, "            if len(inputs) > 1:\n", "            if len(inputs) > 1000:\n",
        test="tests/story/test_one_record.py::test_a_portfolio_that_spoils_every_batch",
    ),
    Mutant(
        "outage-accuses-records", "Where the CRM fails for all, each record is taken for faulty.",
        ISOLATION, "        except (NoAnswerError, RefusalError):\n            raise error from None",
        "        except (NoAnswerError, RefusalError):\n            return",
        test=_ISOLATION_TEST + "test_a_call_that_fails_for_all",
    ),
    Mutant(
        "size-is-not-learned", "A size that is refused is asked for again and again.",
        HUBSPOT_RECORDS, "            if again and len(part) > 1:", "            if not part:",
        test=_ISOLATION_TEST + "test_a_size_that_is_refused_is_learned",
    ),
    Mutant(
        "list-goes-in-circles", "A list whose pages go A, B, A is asked for without end.",
        CALLS, "if after in seen or len(seen) >= _PAGES_AT_MOST:", "if len(seen) >= _PAGES_AT_MOST:",
        test=_ISOLATION_TEST + "test_a_list_that_goes_in_circles_ends",
    ),
    # what an answer lacks
    Mutant(
        "absent-is-empty", "A property that is missing from an answer is read as an empty one.",
        COMPLETENESS,
        "if name not in record.properties)",
        "if name not in record.properties and not names)",
        test="tests/story/test_incomplete_answers.py::TestAPortfolio::test_that_is_faulty_waits_alone",
    ),
    Mutant(
        "absent-history-never-set", "A missing history is that of a property which was never set, whatever its value.",
        COMPLETENESS,
        'and value == "" and not lists_empty',
        "and not lists_empty",
        test="tests/contract/hubspot/test_reading.py::TestAbsentIsNotEmpty::test_a_history_of_a_value",
        why="A history that is missing alone hides a cause for a moment only: it is looked at again.",
    ),
    Mutant(
        "absent-history-habit", "A portal that shows empty histories is believed when one is missing.",
        COMPLETENESS,
        'and value == "" and not lists_empty',
        'and value == ""',
        test="tests/contract/hubspot/test_reading.py::TestAbsentIsNotEmpty::"
        "test_where_such_histories_are_shown_an_absent_one_is_missing",
        why="A history that is missing alone hides a cause for a moment only: it is looked at again.",
    ),
    Mutant(
        "late-after-a-merge-is-whole", "In a merged record a version after the merge need not lead to the value.",
        COMPLETENESS,
        "return not (versions and by_merge and versions[0].at > max(by_merge))",
        "return True",
        test="tests/contract/hubspot/test_reading.py::TestAbsentIsNotEmpty::"
        "test_in_a_merged_record_what_came_after_the_merge_leads_to_the_value",
        why="It hides a change for a moment only: the record is looked at again.",
    ),
    Mutant(
        "late-is-whole", "A history that is behind its value is taken for whole.",
        COMPLETENESS,
        "elif versions is not None and not _ends_in(",
        "elif versions is None and not _ends_in(",
        test="tests/story/test_incomplete_answers.py::TestALateHistory::test_that_stays_so_is_told",
    ),
    Mutant(
        "late-if-merged", "A merged record is late as long as the other one's version is the newest.",
        COMPLETENESS,
        "if mixed or version.at",
        "if version.at",
        test="tests/contract/hubspot/test_reading.py::TestAbsentIsNotEmpty::"
        "test_in_a_merged_record_the_newest_version_may_be_the_other_ones",
        why="Nothing is done on it; a seed would find it as missing only where a merge brings a newer version.",
    ),
    Mutant(
        "absent-list-is-empty", "A list of associations that is missing is an empty one.",
        ANSWERS,
        "    if not isinstance(ends, list):\n        return None\n",
        "    if not isinstance(ends, list):\n        return []\n",
        test="tests/story/test_incomplete_answers.py::TestATicket::test_that_is_faulty_holds_up_its_set_alone",
    ),
    Mutant(
        "left-out-is-deleted", "A record that a good answer leaves out does not exist.",
        HUBSPOT_RECORDS,
        "                self._read_alone(kind, id_, wanted, found, faulty)\n",
        "                continue\n",
        test="tests/story/test_incomplete_answers.py::TestATicket::"
        "test_that_the_crm_leaves_out_of_a_good_answer_is_not_deleted",
    ),
    Mutant(
        "left-out-has-none", "A record that an answer about associations leaves out has none, whatever the portal says else.",
        HUBSPOT_RECORDS,
        "if self._calls.tells_of_no_associations or answer",
        "if answer",
        test="tests/contract/hubspot/test_associations.py::"
        "TestAssociations::test_where_the_portal_says_so_silence_is_none_of_it",
    ),
    Mutant(
        "left-out-has-none-again", "A process that starts anew takes silence for none, until it hears the portal say so.",
        BOOTSTRAP, "tells_of_no_associations=tells,", "tells_of_no_associations=False,",
        test="tests/story/test_incomplete_answers.py::TestAListThatIsLeftOut::"
        "test_of_a_portal_that_tells_of_none_is_missing_after_a_restart_too",
    ),
    Mutant(
        "faulty-ticket-forgotten", "A ticket that came incomplete is left out, as if it were not there.",
        SNAPSHOT, "            unread=unread,\n", "",
        test="tests/story/test_incomplete_answers.py::TestATicket::test_that_is_faulty_holds_up_its_set_alone",
    ),
    Mutant(
        "faulty-ticket-any-set", "A ticket whose folder is not shown holds up no set.",
        MODEL,
        "(self.folder is None or as_seen(self.folder) == folder_key)",
        "as_seen(self.folder or '') == folder_key",
        test="tests/unit/handoffs/test_incomplete.py::test_decision",
    ),
    Mutant(
        "faulty-ticket-reassigned", "What waits for a person on a ticket that came incomplete is given to the portfolio's.",
        DECIDE,
        " or recorded.record in unread:",
        ":",
        test="tests/unit/handoffs/test_incomplete.py::test_decision",
    ),
    Mutant(
        "faulty-task-cancels", "What was begun is withdrawn while a task that it hangs on came incomplete.",
        TRANSITION,
        "(recorded.committed and recorded.handoff in handoffs)",
        "(not recorded.committed and recorded.handoff in handoffs)",
        test="tests/unit/handoffs/test_incomplete.py::test_what_was_begun_stays_as_it_is",
    ),
    Mutant(
        "faulty-looked-at-again", "What came incomplete is not looked at again.",
        RECONCILE,
        "                state.recheck_at(record, now + _until_whole(now - began))\n",
        "                del began\n",
        test="tests/story/test_incomplete_answers.py::TestAPortfolio::test_is_looked_at_ever_more_seldom_and_never_parked",
    ),
    Mutant(
        "faulty-once-told", "What came whole again is still told as incomplete.",
        FAULTY_RECORDS,
        "        if before:\n            connection.execute(_FORGET,",
        "        if before and faulty:\n            connection.execute(_FORGET,",
        test="tests/story/test_incomplete_answers.py::TestAPortfolio::test_that_is_faulty_waits_alone",
    ),
    Mutant(
        "archived-not-noticed", "Definitions are not looked at again when a record comes without a property.",
        DECIDER,
        "        if group.lacks_property:",
        "        if group.lacks_property and portal is None:",
        test="tests/story/test_incomplete_answers.py::TestAnArchivedProperty::test_of_the_status_makes_no_kickoff",
    ),
    Mutant(
        "write-over-absent", "Just before a write a missing value passes for the empty one that was expected.",
        WRITES,
        "            if (faulty := reading.faulty.get(written(effect).id)) is not None:",
        "            faulty = reading.faulty.get(written(effect).id)\n"
        "            record = record or (faulty.shown if faulty is not None else None)\n"
        "            if faulty is not None and record is None:",
        test="tests/story/test_incomplete_answers.py::TestWhatIsReadBeforeAWrite::"
        "test_an_absent_value_is_not_the_empty_one_that_was_expected",
    ),
    Mutant(
        "left-out-parent-is-none", "A ticket whose own list is left out counts for none, though its portfolio's list has it.",
        "sync/passes/snapshot/parents.py",
        "parents = _uncontradicted(crm, _without_gone(crm, asked, missed.keys()), listed)",
        "parents = _without_gone(crm, asked, missed.keys())",
        test="tests/story/test_incomplete_answers.py::TestAListThatIsLeftOut::"
        "test_of_a_ticket_on_the_portfolio_keeps_its_set_waiting",
    ),
    Mutant(
        "deleted-ticket-lacks-its-list", "A deleted ticket holds up its set where the answer says nothing of it.",
        "sync/passes/snapshot/parents.py", "gone = doubtful - find_existing(crm, doubtful) if doubtful else set()",
        "gone = set[str]() if doubtful else set()",
        test="tests/story/test_listed_in_one_place.py::test_a_ticket_that_was_deleted_holds_up_nothing[empty list-left out]",
    ),
    Mutant(
        "unlisted-is-gone", "A ticket that its portfolio's list lacks is on it no more, whatever its own list says.",
        "sync/passes/snapshot/parents.py", "        if home in on:\n            on[home].add(ticket)\n",
        "        assert home or not home\n",
        test="tests/story/test_listed_in_one_place.py::test_a_ticket_that_its_portfolio_lists_no_more",
        why="The simulation's associations show in both directions.",
    ),
    Mutant(
        "unlisted-and-unread-is-gone", "A ticket that its portfolio's list lacks, and of which nobody can tell, has left.",
        "sync/passes/snapshot/parents.py", "home = before if ticket in parents.faulty else parents.of.get(ticket)",
        "home = parents.of.get(ticket)",
        test="tests/story/test_listed_in_one_place.py::test_while_nobody_can_tell_where_it_is_its_set_waits",
        why="The simulation's associations show in both directions.",
    ),
    Mutant(
        "left-out-asked-once", "A list of associations that one answer leaves out by chance is taken for none.",
        "sync/hubspot/records.py", "_ASKED_AGAIN: Final = 2", "_ASKED_AGAIN: Final = 0",
        test="tests/contract/hubspot/test_associations.py::TestAssociations::test_left_out_once_it_is_asked_for_again",
    ),
    Mutant(
        "close-over-absent", "A task that came incomplete is taken for closed already.",
        BODIES,
        "    return [effect for effect in mine if addressed_task(effect) not in reading.faulty], reading.found",
        "    return mine, reading.found",
        test="tests/story/test_incomplete_answers.py::TestWhatIsReadBeforeAWrite::test_a_task_without_its_body_is_not_closed",
    ),
    Mutant(
        "release-of-nothing", "A release permits as many effects again where nothing is held: the limit is lifted for an hour.",
        "sync/passes/breaker.py", "        if not holding:\n", "        if holding is None:\n",
        test="tests/unit/test_cli.py::test_release_permits_the_limit_or_all_and_keeps_who_and_why",
    ),
    Mutant(
        "apply-forgets", "What of a plan is done already is taken for stale.",
        "sync/admin/plan/kept.py", "if standing.state in SETTLED]", "if standing.state not in EffectState]",
        test="tests/story/test_plan.py::test_apply_goes_on_with_what_is_left",
    ),
    Mutant(
        "ticket-by-ticket", "Tickets go into passes among portfolios, which are then looked at once for each of them.",
        GROUPING, "    if tickets:\n        return tickets\n", "",
        test="tests/unit/test_grouping.py::test_tickets_find_their_portfolios_first",
        why="What is done is the same: it only costs more calls.",
    ),
    Mutant(
        "nothing-left-for-the-way", "Calls that are late on their way meet those after them in one window, and pass the limit.",
        "sync/storage/pace.py", "return self.window_ms + WAY_MS", "return self.window_ms",
        test="tests/contract/test_budget.py::TestTheLimit::test_what_waits_on_its_way_does_not_break_it",
        why="The simulation has no limit of requests: what it costs is time.",
    ),
    Mutant(
        "window-not-counted", "What flows into a full bucket is let through beside what was taken at once: more than the limit.",
        "sync/storage/pace.py", "if len(self.taken) >= before:", "if len(self.taken) >= 2 * before:",
        test="tests/contract/test_budget.py::TestTheLimit::test_the_limit_is_kept_and_used_in_every_window",
        why="The simulation has no limit of requests: what it costs is time.",
    ),
    Mutant(
        "window-of-one-process", "What other processes have taken in the last window is not read.",
        "sync/storage/budget.py", 'unpacked(row.taken or ""))', "())",
        test="tests/contract/test_budget.py::TestTheLimit::test_calls_of_the_last_window_are_known_to_who_comes_new",
        why="The simulation has no limit of requests: what it costs is time.",
    ),
    Mutant(
        "bulk-takes-all-of-the-window", "Bulk work fills the window: what a person does waits until a part of it has passed.",
        "sync/storage/pace.py", "limit.requests - round(leaves * limit.requests / SPARE)", "limit.requests",
        test="tests/contract/test_budget.py::TestPriority::test_bulk_work_leaves_a_part_of_the_window",
        why="The simulation has no limit of requests: what it costs is time.",
    ),
    Mutant(
        "answers-mixed-up", "Whatever is asked next gets the answer to the next part of a read that was sent ahead.",
        AHEAD, "            if sent == ask:\n", "            if sent.endpoint == ask.endpoint:\n",
        test=_AHEAD_TEST + "test_the_same_is_found_as_one_after_the_other",
    ),
    Mutant(
        "an-old-answer-again", "A call that is made again gets the answer that it got before.",
        AHEAD, "                del self._sent[place]\n", "",
        test=_AHEAD_TEST + "test_a_call_that_is_made_again_is_sent_again",
    ),
    Mutant(
        "all-sent-at-once", "Every part of a read is sent ahead at once, whatever comes of the first.",
        AHEAD, "        for _ in range(min(at_once, len(asks))):", "        for _ in asks:",
        test=_AHEAD_TEST + "test_no_more_is_sent_than_is_asked_for",
    ),
    Mutant(
        "tickets-behind-a-full-pass", "Tickets are looked for among the first records only, though there are more than those.",
        GROUPING, "    if len(items) < at_most:", "    if len(items) <= at_most:",
        test="tests/unit/test_grouping.py::test_tickets_find_their_portfolios_first",
        why="What is done is the same: it only costs more calls.",
    ),
    Mutant(
        "lent-digest", "A mapping gets the digest of one that is gone, and stood at the same place in memory.",
        "mappings/digest.py", "        weakref.finalize(mapping, _KNOWN.pop, name, None).atexit = False\n", "",
        test="tests/unit/mapping/test_values.py::test_each_mapping_has_its_own_digest",
        why="Nobody changes a mapping while a process runs: only tests do.",
    ),
    Mutant(
        "wide-pass-while-somebody-waits", "What somebody has just changed waits for a pass over hundreds of others.",
        GROUPING, "        items = items[:WITH_INTERACTIVE]\n", "        pass\n",
        test="tests/unit/test_grouping.py::test_with_somebody_who_waits_the_pass_is_short",
        why="What is done is the same: it only takes longer.",
    ),
    Mutant(
        "homeless-forgotten", "A ticket of which nobody can tell where it is is never asked about again.",
        BOOKKEEPING, "        tickets = [item for item in tickets if item not in faulty]\n", "",
        test="tests/story/test_cost.py::test_a_ticket_of_which_nobody_can_tell_where_it_is_holds_up_no_other",
    ),
    Mutant(
        "deaf-worker", "The worker hears of no commit: what a webhook tells waits for the next tick.",
        WORKER, "            if listener.heard():\n                return\n", "            listener.heard()\n",
        test="tests/unit/test_listener.py::test_the_worker_is_woken_by_a_commit",
        why="What is done is the same: it only comes later.",
    ),
    Mutant(
        "board-open-to-all", "The board shows its pages to whoever asks.",
        BOARD_ACCESS, "if g.viewer is not None or request.endpoint in OPEN:", "if g.viewer is None or request.endpoint in OPEN:",
        test=f"{_BOARD_TEST}test_no_page_is_shown_without_a_log_in",
    ),
    Mutant(
        "board-forms-unproved", "A page of somebody else can have something done on the board in a user's name.",
        BOARD_ACCESS, "if elsewhere or not g.cookie or not hmac.compare_digest(given.encode(), _proof(g.cookie).encode()):",
        "if elsewhere or not g.cookie or not given:",
        test=f"{_BOARD_TEST}test_a_form_of_another_page_does_nothing",
    ),
    Mutant(
        "board-any-proxy", "Whoever writes the proxy's header is let in, wherever the request comes from.",
        BOARD_ACCESS, "if not name or not self._is_proxy(request.remote_addr or \"\"):", "if not name:",
        test=f"{_BOARD_TEST}test_a_proxy_is_believed_where_it_is_one",
    ),
    Mutant(
        "board-session-for-ever", "A log-in to the board never ends.",
        "sync/storage/board_users.py", ", board_sessions.c.expires_at > bindparam(\"now\"))",
        ", board_sessions.c.expires_at > bindparam(\"now\") - bindparam(\"now\"))",
        test=f"{_BOARD_TEST}test_a_log_in_ends_by_itself_and_with_its_user",
    ),
    Mutant(
        "board-guessing-free", "Passwords for the board may be guessed as fast as they can be asked.",
        "sync/board/throttle.py", "if len(mine) >= OF_ONE:", "if len(mine) > OF_ALL:",
        test=f"{_BOARD_TEST}test_guessing_is_slowed_down_for_one_name_and_for_all",
    ),
    Mutant(
        "throttle-uncounted", "A log-in that failed is not kept: whoever guesses is never slowed down.",
        "sync/board/throttle.py", "            board_failures.add(connection, _digest(name), now)\n", "",
        test="tests/board/test_access.py::test_another_process_and_a_start_forget_no_failure",
    ),
    Mutant(
        "throttle-for-good", "Failed log-ins that count no more fill the database.",
        "sync/board/throttle.py", "            board_failures.forget_before(connection, now - WINDOW)\n", "",
        test="tests/board/test_access.py::test_another_process_and_a_start_forget_no_failure",
    ),
    Mutant(
        "board-writes-for-all", "Whoever sees the board may have something done on it.",
        BOARD_ACCESS, "    return viewer if viewer is not None and viewer.may_write else None\n", "    return viewer\n",
        test="tests/board/test_acts.py::test_nothing_is_done_by_whoever_may_only_look",
    ),
    Mutant(
        "board-acts-nameless", "What a user has done on the board is kept under the name that the machine has for the board.",
        "sync/storage/runs.py", "\"actor\": by or actor()", "\"actor\": actor()",
        test="tests/board/test_acts.py::test_what_was_refused_is_tried_again_with_who_and_why",
    ),
    Mutant(
        "board-late-unseen", "Who is late stands on the board among those who wait.",
        "sync/storage/overview.py", "(waits.c.stuck_at <= ms, 4),", "(waits.c.stuck_at < 0, 4),",
        test="tests/board/test_pages.py::test_the_columns_are_what_is_kept_of_each_client",
    ),
    # ids of before a merge
    Mutant(
        "old-id-as-it-is-given", "An id of before a merge is taken for a portfolio that is still there.",
        PORTFOLIOS, "return records[seen].id", "return seen",
        test=f"{OLD_IDS}::test_backfill_by_an_old_id[a new record-the other's]", why=_NO_COMMAND,
    ),
    Mutant(
        "replay-old-id-in-the-ledger", "What was refused before a merge is not found under the record that answers now.",
        REPLAY, "matching = _now(connection, _in_ledger(connection, filters))", "matching = _in_ledger(connection, filters)",
        test=f"{OLD_IDS}::test_replay_of_what_was_refused_before_a_merge_that_is_only_told_yet[a new record]", why=_NO_COMMAND,
    ),
    Mutant(
        "replay-old-id-delivered", "What was delivered before a merge names a record that is there no more.",
        REPLAY, "found = _now(connection, named)", "found = named",
        test=f"{OLD_IDS}::test_replay_of_what_was_delivered_before_the_merge[a new record]", why=_NO_COMMAND,
    ),
    Mutant(
        "backfill-of-one-for-both", "A portfolio that was backfilled has older causes of the one merged into it count.",
        BACKFILLS, "return max(known) if len(known) == len(parts) else None", "return min(known, default=None)",
        test=f"{OLD_IDS}::test_what_was_backfilled_goes_on_and_nothing_else_begins[the primary stays-the backfilled one]",
        why=_NO_COMMAND,
    ),
    Mutant(
        "backfill-after-the-merge", "A backfill of a merged portfolio reaches no further than those before the merge.",
        BACKFILLS, "own is not None and all((own.run_at or _NOT_KNOWN) >= (one.at or _NOT_KNOWN) for one in mine)",
        "own is not None and not mine",
        test=f"{OLD_IDS}::test_after_the_merge_a_backfill_of_the_one_that_stays_reaches_both[a new record]", why=_NO_COMMAND,
    ),
    Mutant(
        "backfill-never-less", "A later backfill from a younger day takes back what an earlier one had count.",
        BACKFILLS, "to_ms(min(since, before.get(i, since)))", "to_ms(since)",
        test="tests/unit/test_backfills.py::test_a_younger_day_takes_nothing_back", why=_NO_COMMAND,
    ),
    Mutant(
        "spoilt-match-fails-search", "A match of a search that cannot be read keeps all the others from being found.",
        HUBSPOT_RECORDS, "        return Record(kind, id_, {})\n", "        raise\n",
        test=_SEARCH_TEST + "test_a_match_that_cannot_be_read_is_still_a_candidate", why=_NO_SUCH_ANSWER,
    ),
    Mutant(
        "nameless-match-dropped", "A match of a search without a record's id is left out without a word.",
        HUBSPOT_RECORDS, "        if nameless:\n", "        if nameless < 0:\n",
        test=_SEARCH_TEST + "test_a_match_without_an_id_fails_the_search_once_all_others_are_found", why=_NO_SUCH_ANSWER,
    ),
    Mutant(
        "nameless-match-holds-the-poll", "After a match without a record's id every poll asks for all that has changed since.",
        "sync/passes/poll.py", "self.error is None or isinstance(self.error, UnnamedMatchError)", "self.error is None",
        test="tests/unit/test_poll.py::TestAMatchWithoutAnId::test_is_told_and_passed_by_the_poll", why=_NO_SUCH_ANSWER,
    ),
    Mutant(
        "nameless-match-holds-the-sweep", "A match without a record's id keeps every sweep from coming to its end.",
        "sync/passes/sweep.py", "if not found.ended:", "if found.errors:",
        test="tests/unit/test_poll.py::TestAMatchWithoutAnId::test_is_told_and_passed_by_the_sweep", why=_NO_SUCH_ANSWER,
    ),
    Mutant(
        "check-one-direction", "That a ticket is associated in one direction only is met by its first pass.",
        "sync/admin/check/rehearsal.py", "for ticket, portfolio in lost[:1]:", "for ticket, portfolio in lost[:0]:",
        test="tests/unit/check/test_portals.py::TestTheRehearsal::test_finds_what_is_associated_in_one_direction_only",
        why="`check` decides nothing.",
    ),
    Mutant(
        "fault-meets-nothing", "A fault of the simulated CRM whose endpoint is mistyped is taken without a word.",
        "sync/sandbox/control.py", "            if not any(fnmatchcase", "            if not all(fnmatchcase",
        test="tests/sandbox/test_faults.py::test_a_fault_that_a_call_may_meet_is_taken", why="No seed mistypes one.",
    ),
    Mutant(
        "spoilt-match-outside", "A client whose match in the search cannot be read is taken to be outside the condition.",
        "sync/passes/survey.py", "not names <= record.properties.keys() or ", "",
        test="tests/story/test_one_record.py::test_one_whose_match_cannot_be_read_may_be_inside_the_condition",
        why=_NO_SUCH_ANSWER,
    ),
)  # fmt: skip
