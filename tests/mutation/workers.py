"""Faults where several work at once: lanes, locks, who keeps the time, and the files of the database."""

from tests.mutation.mutant import Mutant

RECONCILE, ROUNDS = "sync/passes/reconcile.py", "sync/passes/rounds.py"
DATABASE = "sync/storage/database.py"
SQLITE = "sync/storage/sqlite.py"
LOG = "sync/log.py"
RUNNING = "sync/observe/running.py"
WORKER = "sync/service/worker.py"
ENDING, AHEAD = "sync/ending.py", "sync/hubspot/ahead.py"
PORTAL, YOUNG = "sync/passes/portal.py", "sync/passes/effects/young_ledger.py"
_ENDPOINT_TEST = "tests/story/test_one_endpoint.py::"
_ENDING_TEST = "tests/story/test_ending.py::"
_MANY_TEST = "tests/story/test_many_workers.py::"
_LANES_TEST = "tests/story/test_several_lanes.py::"
_RUNNING_TEST = "tests/unit/test_running.py::"

MUTANTS = (
    Mutant(
        "poll-waits-for-sweep", "A sweep that hangs keeps the poll from being done.",
        "sync/service/worker.py", "                chore.attempt()\n            self._stop.wait(self._every)",
        "                self._tick()\n            self._stop.wait(self._every)",
        test="tests/story/test_worker.py::"
        "test_a_poll_that_hangs_keeps_no_sweep_waiting_nor_a_sweep_a_poll[sync.service.bootstrap.Sweep.mark]",
    ),
    Mutant(
        "waits-unsaid-at-its-start", "A worker that waits at its start for a frozen process is said to be well.",
        WORKER, "service.settings.lanes, self._stop.is_set, self._note_waiting)", "service.settings.lanes, self._stop.is_set)",
        test="tests/story/test_all_is_well.py::test_a_worker_that_waits_at_its_start_is_not_well",
    ),
    # the end
    Mutant(
        "ends-add-up", "What waits at the end of the process has a time of its own, whatever the rest took.",
        ENDING, "        first = min(self._told_at.values(), default=None)\n", "        first = None\n",
        test=_ENDING_TEST + "test_what_is_left_is_counted_from_the_first_signal",
        why="Nobody tells the simulation to end.",
    ),
    Mutant(
        "held-for-ever", "Whatever the process waits for at its end keeps it from that for as long as it likes.",
        ENDING, "        os._exit(", "        id(",
        test=_ENDING_TEST + "test_a_process_that_something_holds_is_ended_all_the_same[told once]",
        why="Nobody tells the simulation to end.",
    ),
    Mutant(
        "ctrl-c-hides-sigterm", "After a Ctrl-C a SIGTERM ends nothing.",
        ENDING, "not in self._codes:\n            if not number:\n", "not in self._codes:\n            if number:\n",
        test=_ENDING_TEST + "test_a_process_that_something_holds_is_ended_all_the_same[after a Ctrl-C that was heard]",
        why="Nobody tells the simulation to end.",
    ),
    Mutant(
        "sigterm-given-back", "After a Ctrl-C a SIGTERM is the system's again: one that comes as that is done is lost.",
        ENDING, "stays = codes if told.is_set() else {}", "stays = dict[signal.Signals, int]()",
        test=_ENDING_TEST + "test_a_process_that_something_holds_is_ended_all_the_same[after a Ctrl-C that was heard]",
        why="Nobody tells the simulation to end.",
    ),
    Mutant(
        "heard-and-not-told", "A signal that another thread takes leaves the main thread waiting until the next one.",
        ENDING, "                return\n            self._told.wake()\n", "                return\n",
        test=_ENDING_TEST + "test_a_process_that_something_holds_is_ended_all_the_same[by another thread]",
        why="Nobody tells the simulation to end.",
    ),
    Mutant(
        "only-python-hears", "A signal is heard of by Python's handler alone, which a main thread in a call does not run.",
        ENDING, "signal.set_wakeup_fd(self._in, warn_on_full_buffer=False)", "-1",
        test=_ENDING_TEST + "test_a_process_that_something_holds_is_ended_all_the_same[in a call]",
        why="Nobody tells the simulation to end.",
    ),
    Mutant(
        "a-read-holds-the-end", "A process with a call on its way ahead ends once the CRM has answered it.",
        AHEAD, 'name="crm", daemon=True)', 'name="crm")',
        test="tests/contract/hubspot/test_ahead.py::test_a_call_that_hangs_keeps_no_process_from_its_end",
        why="Nobody tells the simulation to end.",
    ),
    # one endpoint
    Mutant(
        "a-list-starves-all", "While people or properties are not answered nothing is done.",
        PORTAL, "            if not usable:\n                raise\n", "            raise\n",
        test=_ENDPOINT_TEST + "test_a_list_that_is_not_answered_keeps_nobody_waiting[GET */owners/*]",
        why="Nothing wrong is done: it is late.",
    ),
    Mutant(
        "people-of-long-ago", "Passes go for ever by the people and properties that were read once.",
        PORTAL, "usable = _is_within(KEPT_FOR, read_at, now)", "usable = read_at is not None",
        test=_ENDPOINT_TEST + "test_after_a_day_nothing_is_decided_by_it",
        why="No simulated endpoint is silent for a day.",
    ),
    Mutant(
        "asked-at-every-turn", "What the CRM does not answer is asked before each pass again.",
        PORTAL, "            return\n        try:\n            read(now)\n",
        "            pass\n        try:\n            read(now)\n",
        test=_ENDPOINT_TEST + "test_it_is_not_asked_at_every_turn",
        why="Nothing wrong is done: it is late.",
    ),
    Mutant(
        "a-permission-is-the-token", "An app that lacks one permission is told as a token that is refused.",
        "sync/service/chores.py", "forbidden = error.status == 403", "forbidden = False",
        test="tests/story/test_worker.py::test_all_is_mended_once_every_chore_is_well",
        why="The simulation reads no status.",
    ),
    Mutant(
        "old-people-untold", "`status` says that all is well while people cannot be read.",
        WORKER, "        self._fresh.attempt()\n", "",
        test=_ENDPOINT_TEST + "test_status_tells_that_people_are_as_they_were",
        why="The simulation reads no status.",
    ),
    Mutant(
        "a-stranger-stops-all", "Somebody who is not known yet, while people cannot be read, keeps every record waiting.",
        "sync/passes/reconcile.py", " and not isinstance(error, PartialAnswerError)", "",
        test="tests/story/test_people_change.py::TestSomebodyNew::"
        "test_nothing_is_decided_for_them_while_people_cannot_be_read",
        why="Nothing wrong is done: it is late.",
    ),
    Mutant(
        "first-day-waits-for-the-search", "In the first minutes no task is made while the search does not answer.",
        YOUNG, "        if found.unsure and not recovery.took_any_back(self._store):\n", "        if False:\n",
        test=_ENDPOINT_TEST + "test_a_search_that_fails_on_the_first_day_keeps_no_task_from_being_made",
        why="Nothing wrong is done: it is late.",
    ),
    Mutant(
        "a-loss-waits-for-no-search", "After a lost database tasks are made though the search has not answered.",
        YOUNG, "        if found.unsure and not recovery.took_any_back(self._store):\n", "        if found.unsure:\n",
        test=_ENDPOINT_TEST + "test_after_a_lost_database_tasks_wait_for_the_search",
        why="It takes somebody who takes a task off its record just before the loss.",
    ),
    Mutant(
        "a-value-ends-the-line", "A value that cannot be rendered ends the pass, or the delivery, that logs it.",
        LOG, "            _Forbearing(renderer),\n", "            renderer,\n",
        test="tests/unit/test_log.py::test_no_value_keeps_an_event_from_being_told[json]",
        why="The simulation's logs are not rendered.",
    ),
    Mutant(
        "an-error-ends-the-worker", "An error whose own text fails ends the worker that would tell of it.",
        "sync/service/chores.py", "times + 1, text_of(error),", "times + 1, str(error),",
        test="tests/story/test_worker.py::test_an_error_whose_text_fails_ends_no_worker",
        why="No error of the simulation is so.",
    ),
    # several workers
    Mutant(
        "waiting-taken-back", "For whom a lane waits is forgotten with each group of another lane.",
        WORKER, "self._heartbeat.waits_for = _told(waits[0]) if waits else None", "self._heartbeat.waits_for = None",
        test=_LANES_TEST + "TestWhoIsWaitedFor::test_it_is_told_while_other_lanes_go_on",
    ),
    Mutant(
        "waits-for-nobody-any-more", "A worker waits for whoever had a lane, once all of it is done.",
        "sync/service/drain.py", "for lane, elsewhere in self._busy.items() if lane in lanes}",
        "for lane, elsewhere in self._busy.items()}",
        test=_LANES_TEST + "TestWhoIsWaitedFor::test_it_is_no_more_once_somebody_else_has_done_the_work",
    ),
    Mutant(
        "another-holding-is-the-same", "A lane that a worker takes again and again counts as one that hangs.",
        "sync/service/drain.py", "lane not in self._busy or self._busy[lane].holder != who", "lane not in self._busy",
        test=_LANES_TEST + "TestWhoIsWaitedFor::test_whoever_gives_the_lane_up_after_each_group_is_not_waited_for",
    ),
    Mutant(
        "started-together-cut-off", "Of workers that start together all but the last count as cut off.",
        RUNNING, "is_late or (other.pid", "True or (other.pid",
        test=_RUNNING_TEST + "test_workers_that_start_together_all_live",
    ),
    Mutant(
        "work-is-to-hang", "A worker that is at work in a lane for more than a minute keeps all from being well.",
        RUNNING, "_is_meant(other, one.waits_for) for", "False for",
        test=_RUNNING_TEST + "test_a_worker_that_waits_for_one_at_work[True]",
    ),
    Mutant(
        "enqueued-without-a-word", "Whoever enqueues on PostgreSQL tells no worker.",
        "sync/storage/work_queue.py", "        connection.execute(_MARK, rows)\n        wakeups.tell(connection)",
        "        connection.execute(_MARK, rows)",
        test=_MANY_TEST + "TestWakeups::test_whoever_enqueues_wakes",
    ),
    Mutant(
        "nothing-lasts", "After the first token of the request budget nothing that a connection commits survives a power cut.",
        SQLITE, "            connection.info[_LASTING] = lasting\n", "            pass\n",
        test="tests/unit/test_store.py::test_what_need_not_last_is_not_waited_for_and_all_else_is",
        why="No test cuts the power.",
    ),
    Mutant(
        "woken-too-late", "What was told while a worker was at work is forgotten when it begins to wait.",
        "sync/storage/wakeups.py", "            if self._heard(self._session):\n                return",
        "            self._heard(self._session)",
        test=_MANY_TEST + "TestWakeups::test_what_was_enqueued_before_it_waits_is_not_missed",
    ),
    Mutant(
        "frozen-in-a-write", "Whoever is frozen in the middle of a write holds up all others for as long.",
        "sync/storage/postgres.py", "idle=0 if pauses else IDLE_SECONDS", "idle=0",
        test="tests/unit/test_postgresql.py::TestTransactions::test_a_migration_or_a_copy_may_pause",
    ),
    Mutant(
        "gone-is-never-there", "Whoever was frozen before writing many rows is asked whether the server runs.",
        "sync/storage/postgres.py", "isinstance(cause, driver().Error) and _NEVER_THERE.match(said)",
        "isinstance(cause, driver().Error)",
        test="tests/unit/test_postgresql.py::TestTransactions::"
        "test_whoever_finds_only_that_the_connection_is_gone_is_not_told_that_it_cannot_be_reached",
    ),
    Mutant(
        "a-migration-is-limited", "A provider's limit of a statement ends a migration of a large ledger.",
        "sync/storage/postgres.py", "more=_UNHURRIED if pauses else", "more=",
        test="tests/unit/test_postgresql.py::TestTransactions::test_a_migration_is_bound_by_no_limit_of_a_statement",
    ),
    Mutant(
        "a-line-a-second", "Each second a worker logs that it cannot listen, and a receiver that it cannot unpack.",
        "sync/log.py", "self._said_at is None or now - self._said_at >= self._every", "True",
        test=_MANY_TEST + "TestWakeups::test_a_server_that_is_gone_ends_nothing",
    ),
    Mutant(
        "a-migration-is-cut-short", "A migration that computes for a while between two statements is ended by the server.",
        "sync/storage/postgres.py", "idle=0 if pauses else IDLE_SECONDS", "idle=IDLE_SECONDS",
        test="tests/unit/test_postgresql.py::TestTransactions::test_a_migration_or_a_copy_may_pause",
    ),
    Mutant(
        "nobody-told-on-postgresql", "Whether a row was new is not known on PostgreSQL: no alert is ever sent there.",
        "sync/storage/upsert.py", '{"preserve_rowcount": True}', '{"preserve_rowcount": False}',
        test="tests/unit/test_postgresql.py::test_whether_a_row_was_new_is_told",
    ),
    Mutant(
        "closed-and-keeps-the-time", "A store that was closed goes on keeping the time for a worker that has ended.",
        "sync/storage/postgres.py", "            self._given.pop().close()", "            self._given.pop()",
        test="tests/unit/test_postgresql.py::test_a_store_that_is_closed_leaves_no_session_behind",
    ),
    Mutant(
        "a-vanished-host-keeps-its-lanes", "The server asks nobody whether it is still there: a lane is kept for two hours.",
        "sync/storage/session_locks.py", "set_config('tcp_keepalives_idle', '5', false)", "'5'",
        test="tests/unit/test_postgresql.py::test_a_host_that_vanished_is_noticed_within_seconds_at_both_ends",
    ),
    Mutant(
        "a-vanished-server-is-waited-for", "A worker whose server is gone waits for it as long as the kernel does.",
        "sync/storage/postgres.py", '    "tcp_user_timeout": 10_000,\n', "",
        test="tests/unit/test_postgresql.py::test_a_host_that_vanished_is_noticed_within_seconds_at_both_ends",
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
        ROUNDS, "            except ElsewhereError as error:\n",
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
)  # fmt: skip
