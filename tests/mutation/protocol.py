"""Faults in how things are done once: what is looked at, what is written down, what is tried, found and settled."""

from tests.mutation.mutant import Mutant

ANNOUNCEMENTS, ENDINGS = "sync/rules/handoffs/announcements.py", "sync/rules/handoffs/endings.py"
DOUBLED, LOOK_ALIKES = "sync/admin/verify/doubled.py", "sync/storage/look_alikes.py"
WORK = "sync/rules/handoffs/work.py"
TRANSITION, ATTEMPTS = "sync/rules/transition.py", "sync/storage/ledger/attempts.py"
DECISIONS, LEDGER_RECOVERY = "sync/storage/ledger/decisions.py", "sync/storage/ledger/recovery.py"
DIRTY, RECONCILE, BOOKKEEPING = (
    "sync/storage/work_queue.py",
    "sync/passes/reconcile.py",
    "sync/passes/bookkeeping.py",
)
TRIES, EMAILS, LOOKUP, PERFORM, RESOLVE, TASKS, WRITES = (
    "sync/passes/effects/attempts.py",
    "sync/passes/effects/emails.py",
    "sync/passes/effects/lookup.py",
    "sync/passes/effects/perform.py",
    "sync/passes/effects/resolve.py",
    "sync/passes/effects/tasks.py",
    "sync/passes/effects/writes.py",
)
FIND_TASKS, TASK_KEYS = "sync/passes/effects/find_tasks.py", "sync/passes/task_keys.py"
TASK_MARKS = "sync/rules/task_marks.py"
YOUNG_LEDGER, COPIES = "sync/passes/effects/young_ledger.py", "sync/storage/copies.py"
RECOVERY, SWEEP, POLL, INBOX = (
    "sync/passes/recovery.py",
    "sync/passes/sweep.py",
    "sync/passes/poll.py",
    "sync/storage/inbox.py",
)
ANSWERS, COMPLETENESS, HUBSPOT_RECORDS = (
    "sync/hubspot/answers.py",
    "sync/hubspot/completeness.py",
    "sync/hubspot/records.py",
)
MODEL, DECIDE, DECIDER = "sync/rules/model.py", "sync/rules/decide.py", "sync/passes/decider.py"
FAULTY_RECORDS, BODIES = "sync/storage/faulty_records.py", "sync/passes/effects/bodies.py"
BACKFILLS, PORTFOLIOS, REPLAY = "sync/storage/backfills.py", "sync/admin/portfolios.py", "sync/admin/replay.py"
OLD_IDS, _NO_COMMAND = "tests/story/test_old_ids.py", "Nobody in the simulation gives that command."
MEMBERSHIPS, CRM, BATCHES = "sync/storage/memberships.py", "sync/crm.py", "sync/hubspot/batches.py"
SNAPSHOT, CHANGES = "sync/passes/snapshot/group.py", "sync/storage/changes.py"
BOOTSTRAP, CAUSES = "sync/service/bootstrap.py", "sync/admin/verify/causes.py"
RECORDS, SCOPE, TODAYS_WORDS = (
    "sync/passes/snapshot/records.py",
    "sync/passes/snapshot/scope.py",
    "sync/passes/snapshot/todays_words.py",
)

DATABASE, SQLITE, LOG = "sync/storage/database.py", "sync/storage/sqlite.py", "sync/log.py"
HEALTH, RUNNING, HEARTBEAT = "sync/observe/health.py", "sync/observe/running.py", "sync/observe/heartbeat.py"
LANES, HOLDER, WORKER = "sync/service/lanes.py", "sync/service/holder.py", "sync/service/worker.py"
PING, CHORES, APP = "sync/service/ping.py", "sync/service/chores.py", "webhooks/app.py"
GROUPING = "sync/service/grouping.py"

BOARD_ACCESS, _BOARD_TEST = "sync/board/access.py", "tests/board/test_access.py::"
_MANY_TEST = "tests/story/test_many_workers.py::"
_LANES_TEST = "tests/story/test_several_lanes.py::"
_RUNNING_TEST, _WELL_TEST = "tests/unit/test_running.py::", "tests/story/test_all_is_well.py::"
_LEFT_TEST = "tests/story/test_people_change.py::TestWhoIsNamedAndHasLeft::"

FOUND, KEPT_VERSIONS, SURVEY = "sync/passes/found.py", "sync/passes/snapshot/versions.py", "sync/passes/survey.py"
_KEPT_TEST = "tests/story/test_kept_clients.py::"

ISOLATION, CALLS = "sync/hubspot/isolation.py", "sync/hubspot/calls.py"
_ISOLATION_TEST = "tests/contract/hubspot/test_isolation.py::"

MUTANTS = (
    Mutant(
        "escape-passed-over", "A text with half an emoji in it goes to the database as it came.",
        "webhooks/events.py", "storable = _ESCAPE not in body", "storable = _ESCAPE is not body",
        test="tests/unit/test_events.py::test_a_text_cut_through_a_character_keeps_the_rest",
    ),
    Mutant(
        "turn-before-the-task", "Whose turn it is once a task was made is told by the next look.",
        "sync/passes/reconcile.py", "        if performed.tried:\n", "        if not performed.tried:\n",
        test="tests/story/test_kept_clients.py::test_the_turn_passes_on_with_the_task_that_was_made",
    ),
    # lead times
    Mutant(
        "lead-future-turn", "A turn that goes on ends when a date to come has come.",
        "sync/reports/cycles.py", "if at <= self._terms.now and (", "if (",
        test="tests/unit/test_cycles_told.py::test_a_turn_lasts_until_the_date_has_really_come",
    ),
    Mutant(
        "lead-date-of-before", "The date of the cycle before is the specialist's turn again once that cycle has ended.",
        "sync/reports/cycles.py", "found <= self._began.astimezone(self._terms.zone).date()", "False",
        test="tests/unit/test_cycles_told.py::test_the_date_of_the_cycle_before_is_not_this_ones",
    ),
    Mutant(
        "lead-no-barrier", "A first ticket that is ready at once ends the work on the set.",
        "sync/reports/cycles.py", "TicketState.AT_WORK in states or may_grow", "TicketState.AT_WORK in states",
        test="tests/unit/test_cycles_told.py::test_a_first_ticket_that_is_ready_at_once_is_no_set",
    ),
    Mutant(
        "lead-closed-counts", "A closed ticket holds up its set for ever.",
        "sync/reports/tickets.py", "self.came_in is None or self._stage == CLOSED", "self.came_in is None",
        test="tests/unit/test_cycles_told.py::test_closed_tickets_hold_up_nothing",
    ),
    Mutant(
        "lead-every-ask-a-round", "Revisions that are asked for twice before anything was delivered are two rounds.",
        "sync/reports/tickets.py", "self.rounds += self._undelivered is None", "self.rounds += 1",
        test="tests/unit/test_cycles_told.py::test_a_round_begins_where_the_one_before_was_delivered",
    ),
    Mutant(
        "lead-days-in-utc", "Working days begin and end at midnight in London.",
        "sync/reports/workdays.py", "datetime.combine(day, time(), zone)", "datetime.combine(day, time(), UTC)",
        test="tests/unit/test_cycles_told.py::test_working_days_are_counted_where_the_portal_is",
    ),
    Mutant(
        "report-closed-stage", "What is kept of a closed ticket does not say that it is closed.",
        "sync/passes/snapshot/versions.py", "        return CLOSED", "        return portal.stage(value).value",
        test="tests/story/test_report_command.py::test_a_ticket_that_was_closed_holds_up_nothing",
    ),
    Mutant(
        "report-page-unescaped", "A client's name is markup in the page that is mailed.",
        "sync/reports/page.py", "autoescape=True", "autoescape=False",
        test="tests/story/test_report_command.py::test_one_cycle_in_every_form",
    ),
    # the log
    Mutant(
        "log-not-the-newest", "The log shows the oldest decisions and says that there is more after them.",
        "sync/storage/ledger/log.py", "order_by(occurrences.c.decided_at.desc(), occurrences.c.key.desc())",
        "order_by(occurrences.c.decided_at, occurrences.c.key)",
        test="tests/story/test_log_command.py::test_each_filter",
    ),
    Mutant(
        "log-state-of-occurrence-only", "The log finds a blocked effect by nothing.",
        "sync/storage/ledger/log.py", "or_(occurrences.c.state.in_(states), of_effects)", "occurrences.c.state.in_(states)",
        test="tests/story/test_log_command.py::test_each_filter",
    ),
    Mutant(
        "csv-formula", "What people type in the CRM becomes a formula in a spreadsheet.",
        "sync/commands/csv_output.py", """return f"'{value}\"""", "return value",
        test="tests/story/test_log_command.py::test_a_line_an_effect_in_csv_and_no_formula_of_a_clients_name",
    ),
    Mutant(
        "runs-without-releases", "Who released what the breaker held is told by nobody.",
        "sync/storage/runs.py", "for one in releases.find(connection, since, until)", "for one in ()",
        test="tests/story/test_log_command.py::test_a_release_is_among_them_and_a_run_that_was_cut_off_says_so",
    ),
    # what passes find is kept
    Mutant(
        "kept-versions-merged", "Versions are told by their number and the newest, whose ever they are.",
        KEPT_VERSIONS, 'return f"{record.id} {sum', 'return f"{sum',
        test="tests/unit/test_versions_kept.py::test_a_merge_that_changes_neither_number_nor_newest_shows_other_versions",
    ),
    Mutant(
        "kept-versions-once", "The versions of a portfolio are kept when it is first found, and no later ones.",
        "sync/storage/portfolios.py", " or known[one.id].history != one.history}", "}",
        test=_KEPT_TEST + "test_versions_are_kept_that_the_crm_has_forgotten",
    ),
    Mutant(
        "kept-only-found-once", "A portfolio is kept as it was first found.",
        "sync/storage/portfolios.py", "known is None or any(", "known is None and any(",
        test=_KEPT_TEST + "test_each_step_of_a_cycle_is_kept_as_it_is_found",
    ),
    Mutant(
        "kept-deleted-clients", "A portfolio that was deleted is still kept.",
        BOOKKEEPING, "kept_portfolios.forget(connection, {*group.gone, *group.merged})", "pass",
        test=_KEPT_TEST + "test_deleted_and_merged_clients_are_kept_no_more_and_one_restored_is_again",
    ),
    Mutant(
        "survey-none", "Portfolios whose date is far away are never found after a loss.",
        WORKER, "        service.survey()\n", "",
        test=_KEPT_TEST + "test_a_lost_database_is_filled_again_by_the_next_days_sweep",
    ),
    Mutant(
        "survey-again-and-again", "The survey enqueues what waits already.",
        SURVEY, "strange -= work_queue.find(connection, strange).keys()", "pass",
        test=_KEPT_TEST + "test_the_survey_enqueues_only_who_is_neither_known_nor_waiting",
    ),
    Mutant(
        "mapping-not-told", "An occurrence does not tell the mapping that decided it.",
        RECONCILE, "mapping=self._digest,", "mapping=None,",
        test=_KEPT_TEST + "test_each_occurrence_tells_the_mapping_that_decided_it",
    ),
    Mutant(
        "step-window-open-end", "The first day of the window is not in it.",
        "sync/rules/standing.py", "(when - today).days <= context.window", "(when - today).days < context.window",
        test="tests/unit/test_standing.py::test_step",
    ),
    # whose clock
    Mutant(
        "poll-by-our-clock", "With our clock hours ahead of the CRM's, polls find nothing, ever.",
        POLL, "until = began - CLOCKS_APART if told is None else told - max(timedelta(), clock.now() - began)",
        "until = began",
        test="tests/unit/test_poll.py::test_a_clock_that_is_wrong_loses_no_change",
    ),
    Mutant(
        "poll-one-fails-all", "A search that fails keeps from being found what the poll's others would find.",
        POLL, "        error = failed\n", "        raise\n",
        test="tests/unit/test_poll.py::test_a_search_that_fails_keeps_no_other",
    ),
    Mutant(
        "poll-passes-over-what-failed", "What a search that failed would have found is never asked for again.",
        POLL, "one.until if one.error is None else cursors[kind]", "one.until",
        test="tests/unit/test_poll.py::test_a_search_that_fails_keeps_no_other",
    ),
    Mutant(
        "sweep-one-fails-all", "While tickets cannot be searched for, no date makes anything due.",
        SWEEP, "            self.errors.append(error)\n", "            raise\n",
        test="tests/unit/test_sweep.py::test_a_search_that_fails_keeps_nothing_else_from_the_sweep",
    ),
    Mutant(
        "sweep-again-and-again", "While one search fails, all that the day's sweep has looked at is looked at each minute.",
        SWEEP, "_done(self._store, self._today) if resume else frozenset()", "frozenset[str]()",
        test="tests/unit/test_sweep.py::test_a_search_that_fails_keeps_nothing_else_from_the_sweep",
    ),
    Mutant(
        "spoilt-leaver-stops-all", "A ticket that left and cannot be read keeps its old portfolio from every pass.",
        "sync/passes/snapshot/parents.py", "    reading = crm.read_each(Kind.TICKET, sorted(tickets, key=int), [])\n",
        "    crm.read(Kind.TICKET, sorted(tickets), [])\n"
        "    reading = crm.read_each(Kind.TICKET, sorted(tickets, key=int), [])\n",
        test="tests/story/test_one_record.py::test_a_ticket_that_left_and_is_spoilt_keeps_no_portfolio_waiting",
    ),
    Mutant(
        "sweep-trusts-polls", "A ticket that the index showed too late for every poll is never found.",
        SWEEP, "work_queue.units(connection, changes.unread(connection, modified_at(shown)))", "set()",
        test="tests/unit/test_sweep.py::test_open_tickets_that_nobody_has_read",
    ),
    # people
    Mutant(
        "left-unnoticed", "Who has left is noticed at the client's next pass only, months later.",
        "sync/passes/departures.py", "concerned = portfolios.worked_on_by(connection, left)", "concerned = set()",
        test=_LEFT_TEST + "test_on_a_portfolio",
    ),
    Mutant(
        "back-unnoticed", "Who came back is said to be gone until the client's next pass.",
        "sync/passes/departures.py", "if works.keys() - before.keys():", "if not works:",
        test=_LEFT_TEST + "test_on_a_ticket_and_back_again",
    ),
    Mutant(
        "left-and-well", "Work passes from somebody who has left to somebody else, and nobody is told.",
        "sync/rules/standing.py", "return tuple(one for one in found if one)", "return ()",
        test=_LEFT_TEST + "test_on_a_portfolio",
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
    # several workers
    Mutant(
        "enqueued-without-a-word", "Whoever enqueues on PostgreSQL tells no worker.",
        "sync/storage/work_queue.py", "        connection.execute(_MARK, rows)\n        wakeups.tell(connection)",
        "        connection.execute(_MARK, rows)",
        test=_MANY_TEST + "TestWakeups::test_whoever_enqueues_wakes",
    ),
    Mutant(
        "woken-too-late", "What was told while a worker was at work is forgotten when it begins to wait.",
        "sync/storage/wakeups.py", "            if self._heard(self._session):\n                return",
        "            self._heard(self._session)",
        test=_MANY_TEST + "TestWakeups::test_what_was_enqueued_before_it_waits_is_not_missed",
    ),
    Mutant(
        "everybody-keeps-the-time", "Every worker polls and sweeps, however many there are.",
        "sync/storage/timekeeper.py", "        return row is not None and bool(row[0])", "        return row is not None",
        test=_MANY_TEST + "TestTimekeeper::test_one_keeps_the_time_and_another_follows",
    ),
    Mutant(
        "the-time-kept-for-ever", "Who once kept the time keeps it without its session.",
        "sync/storage/timekeeper.py", "self._has_it = self._asked()", "self._has_it = self._has_it or self._asked()",
        test=_MANY_TEST + "TestTimekeeper::test_whoever_lost_its_session_keeps_it_no_more",
    ),
    Mutant(
        "a-frozen-keeper-is-waited-for", "Nobody polls while whoever keeps the time is frozen.",
        WORKER, "return last is not None and self._service.clock.now() - last > every + KEEPER_LATE", "return False",
        test=_MANY_TEST + "test_a_worker_that_does_not_keep_the_time_takes_it_over_when_it_is_late",
    ),
    Mutant(
        "one-lane-to-its-end", "A worker stays in a lane as long as something is due there, whoever waits in another.",
        "sync/service/drain.py", "goes_on |= _next_group(self._service, held, lane, total)",
        "while _next_group(self._service, held, lane, total):\n                                pass",
        test=_MANY_TEST + "test_a_long_backlog_in_one_lane_keeps_nobody_waiting",
    ),
    Mutant(
        "a-lane-alone", "A pass takes over what another lane's pass is in the middle of.",
        "sync/passes/elsewhere.py", "    if lane.is_alone:\n        return", "    return",
        test=_LANES_TEST + "test_a_merge_in_the_middle_of_a_pass",
    ),
    Mutant(
        "a-lane-taken-unread", "What was read before the other lane's pass was through is decided on.",
        RECONCILE, "            except ElsewhereError as error:\n",
        "            except ElsewhereError as error:\n                self._failpoint('snapshot')\n"
        "                state.lane.count = 1\n                continue\n",
        test=_LANES_TEST + "test_a_merge_in_the_middle_of_a_pass",
    ),
    Mutant(
        "a-room-for-each-lane", "Each lane has the whole limit of effects an hour for itself.",
        "sync/passes/breaker.py", " - sum(effects for other, effects in taken.items() if other != lane)", "",
        test=_LANES_TEST + "TestTheBreaker::test_two_lanes_share_one_limit",
    ),
    Mutant(
        "held-for-another-lane", "What another lane has reserved has an admin asked, though there may be room.",
        "sync/passes/breaker.py", "                return None\n            service_state",
        "                return 0\n            service_state",
        test=_LANES_TEST + "TestTheBreaker::test_what_another_lane_has_reserved_holds_nothing",
    ),
    Mutant(
        "reserved-for-ever", "What a worker had reserved when it died is never given back.",
        RECONCILE, "            self._breaker.end(connection, state.lane)\n", "",
        test=_LANES_TEST + "TestTheBreaker::test_what_a_dead_worker_reserved_is_given_back",
    ),
    Mutant(
        "a-lost-host-unnamed", "One of several workers that has fallen silent is not told of.",
        RUNNING, " and SILENT_FOR < now - one.beat_at <= TOLD_FOR and", " and False and",
        test=_RUNNING_TEST + "test_one_of_several_that_falls_silent_is_named",
    ),
    Mutant(
        "moved-and-not-marked", "A database that was copied to a server can be started on still.",
        "sync/storage/moving.py", "        service_state.put(connection, service_state.COPIED_AT, now)", "        pass",
        test="tests/story/test_db_copy.py::test_nobody_starts_on_the_old_one",
    ),
    Mutant(
        "moved-with-old-numbers", "After a copy to a server its numbers begin at one.",
        "sync/storage/moving.py", "    if writing.dialect.name == \"postgresql\":", "    if False:",
        test="tests/story/test_db_copy.py::test_there_and_back_again",
    ),
    # whether all is well
    Mutant(
        "well-with-nothing-running", "All is well is said with nothing running.",
        RUNNING, "findings = _lost_ones(workers, now) if alive else [Finding(_nobody(workers, now))]",
        "findings: list[Finding] = []",
        test=_WELL_TEST + "test_after_a_sweep_by_hand_nobody_works",
    ),
    Mutant(
        "well-after-a-death", "A worker that was killed counts as alive for ever.",
        RUNNING, "return process.ended_at is None and now - process.beat_at <= SILENT_FOR",
        "return process.ended_at is None",
        test=_RUNNING_TEST + "test_a_death_is_known_within_three_minutes",
    ),
    Mutant(
        "well-after-an-end", "A worker that was ended by Ctrl-C counts as alive for two minutes.",
        HEARTBEAT, "processes.end(connection, self._id, self._clock.now())", "pass",
        test=_WELL_TEST + "test_a_worker_gives_signs_of_life_and_says_when_it_ends",
    ),
    Mutant(
        "well-in-a-crash-loop", "A worker that starts and dies again and again is alive each time.",
        RUNNING, "    findings += _crashes(workers, now)\n", "",
        test=_RUNNING_TEST + "test_a_crash_loop_is_no_life",
    ),
    Mutant(
        "well-without-polls", "A poll that fails for hours is no news.",
        HEALTH, "if now - since > 2 * every + POLL_LATE_BY:", "if now - since > SWEEP_WITHIN:",
        test=_RUNNING_TEST + "test_the_age_of_the_last_poll",
    ),
    Mutant(
        "well-with-a-full-disk", "Readiness reads, and a database that takes nothing is ready.",
        HEALTH, "            service_state.put(connection, service_state.PROBED_AT, now)", "            pass",
        test=_RUNNING_TEST + "test_what_is_not_written_is_not_ready",
    ),
    Mutant(
        "well-without-a-lane", "A worker that cannot write its lane's lock is ready.",
        CHORES, "isinstance(error, StoreError))", "isinstance(error, AuthenticationError))",
        test=_WELL_TEST + "test_a_lane_whose_lock_cannot_be_written_is_said",
    ),
    Mutant(
        "chore-fails-for-ever", "What failed once is told as failing although it succeeds since.",
        CHORES, "                self._trouble.over(self.name)", "                pass",
        test=_WELL_TEST + "test_a_crm_that_fails_is_said_and_forgotten",
    ),
    Mutant(
        "waits-without-a-word", "Who waits for a lane that a frozen process holds says nothing.",
        LANES, "            on_wait(lane, lock.holder(), now - began)", "            pass",
        test=_WELL_TEST + "test_who_waits_says_for_whom",
    ),
    Mutant(
        "waits-and-is-well", "A worker that waits for a frozen command is well.",
        WORKER, "        if waited >= WAITS_FOR.total_seconds():", "        if waited < 0:",
        test=_WELL_TEST + "test_a_worker_that_waits_is_not_well",
    ),
    Mutant(
        "ping-whatever-happens", "The monitor is told that all is well while nothing works.",
        PING, "_failing(self._url) if fails else self._url", "self._url",
        test=_WELL_TEST + "test_a_ping_while_the_service_works",
    ),
    # the database's file, and the log's
    Mutant(
        "file-replaced-is-written", "A delivery is answered 200 into a file that was removed.",
        DATABASE, "                yield connection\n            self._dialect.require_same()\n",
        "                yield connection\n",
        test="tests/unit/test_store.py::test_a_file_that_is_replaced_while_it_is_written",
    ),
    Mutant(
        "newest-file-gone", "What is committed goes into a removed file, which no other process sees.",
        SQLITE, "for suffix in BESIDE if self._connections else ():", "for suffix in BESIDE[2:]:",
        test="tests/unit/test_store.py::test_a_file_beside_it_that_is_removed",
    ),
    Mutant(
        "all-closed-is-gone", "After its last connection was closed a database takes no writing any more.",
        SQLITE, "                self._beside.clear()\n", "                pass\n",
        test="tests/unit/test_store.py::test_a_file_beside_it_goes_with_the_last_connection",
    ),
    Mutant(
        "file-gone-is-made-anew", "A database that was removed under the service is made anew, and empty.",
        SQLITE, "        if (now := self._file()) != self._opened:\n",
        "        if (now := self._file()) not in {None, self._opened}:\n",
        test="tests/unit/test_store.py::test_a_file_that_is_gone_is_not_made_anew",
    ),
    Mutant(
        "log-ends-the-work", "A full disk below the log ends the worker, and answers a delivery with 500.",
        LOG, "        with suppress(OSError):\n            self._stream.write(text)",
        "        with suppress(ValueError):\n            self._stream.write(text)",
        test="tests/unit/test_log.py::test_a_full_disk_below_the_log_ends_nothing",
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
        RECONCILE, "retry = [record for record in group.snapshots if state.mends(record)]",
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
        RECONCILE, "(performed.wrote | performed.stale | ended) - performed.unsure)",
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
        "sync/observe/alerts.py", "[*_standing(connection), _incomplete(connection, self._clock.now())]",
        "_standing(connection)",
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
        RECONCILE, "(performed.wrote | performed.stale | ended)", "(performed.wrote | ended)",
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
        SNAPSHOT, "one.updated_at > began}", "one.updated_at < began and t not in portfolios.found}",
        test="tests/story/test_interruptions.py::"
        "test_a_set_that_is_ready_only_after_a_decline_while_both_are_read_is_not_announced",
    ),
    Mutant(
        "read-is-looked-at", "A ticket of another portfolio that was read along is taken for looked at.",
        SNAPSHOT,
        "for t, record in read.tickets.items() if read.parents.of.get(t) in read.portfolios or t in read.lone",
        "for t, record in read.tickets.items()",
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
        INBOX, '            work_queue.enqueue_related(connection, records, now, "webhook", moved=moved)\n',
        "            del records\n",
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
        "poll-task-seen-for-ever", "A task that was completed once is never found by a poll again.",
        POLL, "changes.remember(connection, modified_at(tasks.records), tasks.until)",
        "changes.remember(connection, dict.fromkeys(modified_at(tasks.records), now + timedelta(days=9)), "
        "now + timedelta(days=10))",
        test="tests/unit/test_poll.py::test_a_task_completed_again_is_found_again",
    ),
    Mutant(
        "poll-task-found-for-ever", "A completed task has its portfolio looked at by every poll of half an hour.",
        POLL, "    changes.remember(connection, modified_at(tasks.records), tasks.until)\n", "",
        test="tests/unit/test_poll.py::test_a_completed_task_is_found_once",
    ),
    Mutant(
        "poll-all-seen", "A poll takes every change for one that is known.",
        CHANGES, "known.get((record.kind.value, record.id), -1) < to_ms(at)}",
        "(record.kind.value, record.id) not in known}",
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
    # a lost database
    Mutant(
        "lost-tasks-not-taken-back", "After a loss the tasks in the CRM are not taken back.",
        RECOVERY, "found = _found(crm, portal, since)", "found: list[str] = []",
        first=("story:database_lost_after_the_date_had_come",),
    ),
    Mutant(
        "lost-emails-not-taken-back", "After a loss the emails of a task that was found are sent again.",
        LEDGER_RECOVERY, "        connection.execute(emails.values(**done, attempted_at=before))\n", "        del emails\n",
        test="tests/unit/test_ledger.py::test_a_task_found_before_it_was_made_takes_its_emails_along",
    ),
    Mutant(
        "put-back-not-asked", "A copy that is put back takes for known what it knew when it was made.",
        COPIES, "(*service_state.OF_THE_RECOVERY, service_state.COPIED_AT)", "(service_state.COPIED_AT,)",
        test="tests/story/test_put_back.py::test_what_was_done_since_the_copy_is_not_done_again[later]",
    ),
    Mutant(
        "put-back-as-old", "What a copy does not know counts as never done, because it is older than the ledger.",
        COPIES, "        service_state.put(connection, service_state.LEDGER_BEGAN, now)\n", "",
        test="tests/story/test_put_back.py::test_a_revision_that_an_open_task_stood_for_is_not_answered_again",
    ),
    Mutant(
        "put-back-refused-again", "What was refused when a copy was made, and has been made since, is made again.",
        LEDGER_RECOVERY, "        mark_recovered(connection, effect_key, task, made_at)\n", "        pass\n",
        test="tests/story/test_put_back.py::test_what_was_refused_when_it_was_copied_has_been_done_since",
    ),
    Mutant(
        "copy-half-left", "A copy for which there was no room leaves what it has written.",
        COPIES, "            each.unlink(missing_ok=True)\n", "            each.exists()\n",
        test="tests/story/test_put_back.py::test_a_full_disk_leaves_nothing_under_the_name[copy_to]",
    ),
    Mutant(
        "lost-half-a-ticket", "After a loss the second task of a ticket, of which the first was made, never is.",
        WORK, "    return tuple((kind, role) for kind, role in work if kind not in found)",
        "    return tuple((kind, role) for kind, role in work if kind in found and not found)",
        test="tests/story/test_lost_database.py::test_one_task_of_a_ticket_was_made_the_other_was_not",
    ),
    Mutant(
        "lost-not-looked-first",
        "While the search may lag after a loss, tasks are made without a look at their record.",
        YOUNG_LEDGER, "        found = self._taken_back(looked_for, keys)\n", "        found = FoundTasks()\n",
        test="tests/story/test_lost_database.py::test_the_search_lags_and_nothing_is_made_twice",
        why="The index lags by seconds, and a loss so soon after a task was made is rare.",
    ),
    Mutant(
        "lost-not-asked-twice", "After a loss the search is asked once, though it may not show the newest tasks yet.",
        RECOVERY, "    if final is not None or (asked is not None and now < max(began, tried or began) + SEARCH_LAGS):",
        "    if final is not None or asked is not None:",
        test="tests/story/test_lost_database.py::test_what_the_search_did_not_show_is_taken_back_later",
        why="The index lags by seconds, and a loss so soon after a task was made is rare.",
    ),
    Mutant(
        "lost-on-its-way", "After a loss tasks are made at once, though one that was on its way may still land.",
        YOUNG_LEDGER, "if until is None or self._clock.now() >= until:", "if effects is not None:",
        test="tests/story/test_lost_database.py::test_a_task_that_lands_after_the_loss_is_not_made_twice",
    ),
    Mutant(
        "lost-emails-go-ahead", "After a loss an email is sent while its task may still be found.",
        PERFORM, "emails = self._young_ledger.emails_to_send(free, portal.task_keys, done)",
        "emails = free",
        test="tests/story/test_lost_database.py::test_a_task_that_lands_after_the_loss_is_not_made_twice",
    ),
    Mutant(
        "lost-blocked-task-not-looked-for", "After a loss a task that waits for a person is not looked for before the emails.",
        YOUNG_LEDGER, "blocked = [task for task in tasks if task.state is EffectState.BLOCKED]",
        "blocked: list[LedgerEffect] = []",
        test="tests/story/test_lost_database.py::test_a_task_for_whom_nobody_is_named_any_more_was_made_all_the_same",
        why="The index lags by seconds, and a loss so soon after a task was made is rare.",
    ),
    Mutant(
        "lost-first-poll", "After a loss the first poll begins where the new ledger does.",
        POLL, "service_state.get(connection, service_state.GO_LIVE)", "None",
        test="tests/story/test_lost_database.py::test_what_nobody_had_looked_at_before_the_loss_is_found_after_it",
    ),
    Mutant(
        "lost-reset-repeated", "After a loss a closing whose date was moved already moves it once more.",
        ENDINGS, "            return bool(moves)\n", "            return False\n",
    ),
    Mutant(
        "lost-homes-unknown", "After a loss nobody knows which portfolio a deleted ticket's tasks were made on.",
        RECOVERY, "parents.get(at.id)", "None",
        test="tests/story/test_lost_database.py::test_a_decline_closes_what_was_made_on_a_ticket_that_is_deleted_since",
    ),
    Mutant(
        "recovered-where-it-was", "After a loss a ticket is taken to be on the portfolio that it had left.",
        RECOVERY, "if len(ends.get(task, ())) <= 1}", "if len(ends.get(task, ())) == 1}",
        test="tests/story/test_lost_database.py::"
        "test_a_closing_leaves_what_was_made_on_a_ticket_after_it_had_left",
    ),
    Mutant(
        "lost-persons-date-counts", "After a loss a date that a person has set is taken for the service's own move.",
        ENDINGS, "if version.own and version.at < until]", "if version.at < until]",
        test="tests/story/test_interruptions.py::test_a_date_that_a_person_moved_is_not_the_answer_to_a_decline",
    ),
    Mutant(
        "lost-one-move-for-all", "After a loss one move of the date is taken for the answer to every ending before it.",
        ENDINGS, "            del moves[0]\n    return False", "            pass\n    return False",
        test="tests/unit/handoffs/test_2a_declined.py::test_one_move_of_the_date_stands_for_one_decline",
    ),
    # verify, where the CRM no longer shows what would tell
    Mutant(
        "verify-merged-date-accused", "A date whose version another record's have pushed out of the history never was.",
        CAUSES, "if evidence.portfolio.absorbed and len(history)", "if False and len(history)",
        test="tests/story/test_verify.py"
        "::test_a_date_that_a_merge_has_pushed_out_of_the_visible_history_is_not_judged",
    ),
    Mutant(
        "verify-deleted-ticket-accused", "On a ticket that was deleted since no version opened a round.",
        DOUBLED, "    if ticket is None:\n        return True", "    if ticket is None:\n        return False",
        test="tests/story/test_verify.py::test_the_rounds_of_a_ticket_that_was_deleted_since_are_not_judged",
    ),
    # a changed mapping
    Mutant(
        "mapping-first-for-ever", "Only the first mapping is kept: what was set since is judged by it for ever.",
        BOOTSTRAP, "if last is None or not last.same_but_since(mine):", "if last is None:",
        test="tests/story/test_changed_mapping.py::test_a_smaller_window_is_the_one_that_a_date_is_moved_out_of",
    ),
    Mutant(
        "mapping-moves-going-live", "Another time zone in the mapping makes GO_LIVE another moment, and ends the start.",
        BOOTSTRAP, "if settings.go_live else set()", "if settings.go_live and keep is None else set()",
        test="tests/story/test_changed_mapping.py::test_going_live_stays_what_it_was_in_the_zone_of_its_day",
    ),
    Mutant(
        "mapping-unknown-accused", "After a loss `verify` judges a kickoff's date by the window that the mapping says now.",
        CAUSES, " or not past.is_known(version.at)", "",
        test="tests/story/test_changed_mapping.py::test_verify_accuses_no_kickoff_of_a_mapping_that_nobody_knows",
    ),
    Mutant(
        "mapping-condition-of-now", "Since when a portfolio is inside is told by the condition that the mapping says now.",
        SCOPE, "spans = [(one.since, one.condition) for one in past.mappings]",
        "spans = [(past.mappings[0].since, conditions)] if past.mappings else []",
        test="tests/unit/test_todays_words.py::test_inside_since[comes in by the new condition]",
    ),
    Mutant(
        "mapping-condition-begins-anew", "Every portfolio is inside since the newest condition, which forgets its past.",
        SCOPE, "if until is not None and not _held_at(record, condition, until):", "if until is not None:",
        test="tests/story/test_changed_mapping.py::test_who_was_inside_all_the_time_is_judged_by_the_whole_history",
    ),
    Mutant(
        "mapping-old-condition-unread", "The property of the old condition is not read: nobody was inside before the new one.",
        RECORDS, "*(condition.property for condition in mapping.condition), *sorted(former)]",
        "*(condition.property for condition in mapping.condition), *sorted(former - portal.on_portfolios)]",
        test="tests/story/test_changed_mapping.py::test_who_was_inside_all_the_time_is_judged_by_the_whole_history"
        "[no condition]",
    ),
    Mutant(
        "mapping-ended-outside", "A decline that came and went outside of the condition has begun a new cycle.",
        "sync/rules/context.py", "if not self._passed_unseen(ending))", "if ending)",
        test="tests/unit/handoffs/test_condition.py::test_decision"
        "[condition a decline that came and went while outside has ended no cycle: no second kickoff]",
    ),
    Mutant(
        "mapping-ended-inside-forgotten", "A decline carried out before the portfolio left the condition has ended nothing.",
        "sync/rules/context.py", "and str(ending.version.ms) not in told", "and (not told or ending.version.ms > 0)",
        test="tests/unit/handoffs/test_condition.py::test_decision"
        "[condition and so it has where the database is lost: the keys of the next one tell the cycle]",
    ),
    Mutant(
        "mapping-names-of-now", "What was set under an old name is read by today's names alone.",
        TODAYS_WORDS, "        one = past.at(version.at)\n", "        one = past.at(version.at) if before is None else None\n",
        test="tests/unit/test_todays_words.py::test_a_status_is_read_by_the_mapping_in_force[by its name of then]",
    ),
    Mutant(
        "mapping-renaming-is-an-act", "Moving records from an old value to the new one counts as set anew.",
        TODAYS_WORDS, "return older.value not in {renamed.value, newer.value} and renamed.value == kept.value",
        "return older.value == newer.value and renamed.value != kept.value",
        test="tests/unit/test_todays_words.py::test_a_status_is_read_by_the_mapping_in_force"
        "[moved to today's name after the change]",
    ),
    Mutant(
        "mapping-named-too-late", "A value that nobody had named when it was set is a cause once the mapping names it.",
        TODAYS_WORDS, 'return f"{value} (not named then)" if meant(value, now) is not None else value', "return value",
        test="tests/unit/test_todays_words.py::test_a_status_is_read_by_the_mapping_in_force"
        "[it was not named then, and is gone]",
    ),
    Mutant(
        "mapping-filled-in-is-set", "What was filled into a new property before the mapping named it counts as set.",
        TODAYS_WORDS, "return history if since is None else", "return history if since is None or history else",
        test="tests/story/test_changed_mapping.py::test_a_status_in_another_property_is_filled_in_first",
    ),
    # merged records
    Mutant(
        "merged-not-handed-over", "What was still to be done for a record that was merged is nobody's.",
        BOOKKEEPING, "        ledger.hand_over(connection, current)\n", "",
        test="tests/story/handoffs/test_merged.py::test_what_waits_for_a_person_goes_on",
    ),
    Mutant(
        "merged-lost-old-keys", "After a loss nobody looks for a task that carries a key of before the merge.",
        "sync/passes/effects/young_ledger.py", "since=since_caused(effects), before=before)", "since=since_caused(effects))",
        test="tests/story/handoffs/test_merged.py::"
        "test_a_task_that_the_search_does_not_show_yet_is_found_under_the_old_id",
    ),
    Mutant(
        "merged-versions-not-seen", "No pass remembers which versions it has seen of a record.",
        FOUND, "identities.see(connection, seen, ", "identities.see(connection, {}, ",
        test="tests/story/handoffs/test_merged.py::test_1_the_primary_is_told_by_its_name_where_its_date_was_just_changed",
    ),
    Mutant(
        "read-list-older-than-status", "A portfolio that is read again is taken with the older list of its tickets.",
        "sync/passes/snapshot/group.py", "if tries and self._have_changed(again.found, on.found):", "if False:",
        test="tests/story/test_interruptions.py::"
        "test_a_set_is_not_announced_without_a_ticket_that_came_before_it_was_said_to_be_complete",
    ),
    Mutant(
        "verify-merged-sets-were-one", "verify takes two Ad Sets whose tickets were merged later for one.",
        "sync/admin/verify/doubled.py", "if f.at is None or f.at <= at}", "if f.at is None or f.at >= at}",
        test="tests/story/test_verify.py::test_two_sets_whose_tickets_were_merged_later_were_two",
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
        "and not (versions and by_merge and versions[0].at > max(by_merge))",
        "",
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
        SNAPSHOT,
        "read_at=read_at, unread=unread",
        "read_at=read_at",
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
        "sync/passes/snapshot/group.py", "parents = self._uncontradicted(find_parents(self._crm, near), on)",
        "parents = find_parents(self._crm, near)",
        test="tests/story/test_incomplete_answers.py::TestAListThatIsLeftOut::"
        "test_of_a_ticket_on_the_portfolio_keeps_its_set_waiting",
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
)  # fmt: skip
