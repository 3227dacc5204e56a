"""Faults in what is kept and shown: lead times, the log, what passes find, whether all is well, people, the board."""

from tests.mutation.mutant import Mutant

PLANS = "sync/passes/plans.py"
BOOKKEEPING = "sync/passes/bookkeeping.py"
SWEEP = "sync/passes/sweep.py"
POLL = "sync/passes/poll.py"
CRM = "sync/crm.py"
HEALTH = "sync/observe/health.py"
RUNNING = "sync/observe/running.py"
HEARTBEAT = "sync/observe/heartbeat.py"
LANES = "sync/service/lanes.py"
WORKER = "sync/service/worker.py"
PING = "sync/service/ping.py"
CHORES = "sync/service/chores.py"
_RUNNING_TEST = "tests/unit/test_running.py::"
_WELL_TEST = "tests/story/test_all_is_well.py::"
_LEFT_TEST = "tests/story/test_people_change.py::TestWhoIsNamedAndHasLeft::"
KEPT_VERSIONS = "sync/passes/snapshot/versions.py"
SURVEY = "sync/passes/survey.py"
ACCESS = "sync/board/access.py"
_ATTACKED = "tests/board/test_attacked.py::"
_KEPT_TEST = "tests/story/test_kept_clients.py::"

MUTANTS = (
    # lead times
    Mutant(
        "explain-forgets-the-merged", "The open tasks of the other one of two merged tickets are told by nobody.",
        "sync/admin/explain/rule_results.py", "for recorded in self._brought_along():", "for recorded in ():",
        test="tests/story/test_explain.py::test_the_open_tasks_of_both_tickets_that_were_merged_are_told",
        why="The simulation asks `explain` nothing.",
    ),
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
    Mutant(
        "report-group-closed-early", "A client's times are those of its last cycle alone.",
        "sync/reports/report.py", "if by is By.CLIENT and told.client.casefold() != client:", "if by is By.CLIENT:",
        test="tests/reports/test_lead_times.py::test_figures_are_what_was_planted",
    ),
    Mutant(
        "report-since-cuts-a-cycle", "Of a cycle in which the span begins only what is in the span is read.",
        "sync/storage/ledger/past.py", "min(bounds)", "since",
        test="tests/reports/test_newest_cycles.py::test_since_a_day",
    ),
    Mutant(
        "report-since-reads-all", "Of tickets of earlier cycles everything is read, however far back.",
        "sync/storage/versions.py", "(_OF, {}) if since is None else (_OF_LATE", "(_OF, {}) if since != 0 else (_OF_LATE",
        test="tests/reports/test_newest_cycles.py::test_of_old_tickets_nothing_is_read_but_their_pipeline",
    ),
    Mutant(
        "report-old-tickets-are-new", "An old ticket whose pipeline is said again is one of the newest cycle.",
        "sync/storage/versions.py", "or_(versions.c.at >= bindparam(\"since\"), versions.c.property == Kept.PIPELINE.value)",
        "versions.c.at >= bindparam(\"since\")",
        test="tests/reports/test_newest_cycles.py::test_since_a_day",
    ),
    Mutant(
        "report-many-are-rounded", "Of many lengths of time the figures are right to a day.",
        "sync/reports/statistics.py", "_PARTS: Final = 1000", "_PARTS: Final = 1",
        test="tests/unit/test_cycles_told.py::test_very_many_are_summed_up_as_few_are",
    ),
    Mutant(
        "report-all-in-memory", "Every length of time that ever was stays in memory.",
        "sync/reports/statistics.py", "if len(self._newest) >= MANY:", "if len(self._newest) < 0:",
        test="tests/unit/test_cycles_told.py::test_very_many_are_summed_up_as_few_are",
    ),
    Mutant(
        "reports-of-all-time", "The page of 20,000 clients sums up all that ever was, for many minutes.",
        "sync/board/pages/reports.py", "count > LARGE and question.wanted.since is None", "count < 0",
        test="tests/board/test_reports.py::test_groups_are_paged_and_of_very_many_clients_the_newest_months_are_shown",
    ),
    Mutant(
        "reports-fill-the-memory", "Reports of tens of thousands of clients are kept side by side.",
        "sync/board/reckoner.py", " or (len(self._known) > 1 and self._groups() > GROUPS)", "",
        test="tests/board/test_reports.py::test_reports_of_very_many_groups_are_not_kept_together",
    ),
    Mutant(
        "reports-at-once-again", "A report that took minutes is summed up again ten minutes later.",
        "sync/board/reckoner.py", "max(FRESH, STANDS * timedelta(seconds=monotonic() - began))", "FRESH",
        test="tests/board/test_reports.py::test_what_took_long_stands_long",
    ),
    Mutant(
        "reports-for-ever", "A report stands for ever: nobody sees what has come since.",
        "sync/board/reckoner.py", "known is not None and now < known[0]", "known is not None",
        test="tests/board/test_reports.py::test_a_report_is_kept_for_a_while_and_not_for_ever",
    ),
    Mutant(
        "reports-failure-for-ever", "A report that could not be read once is never read again.",
        "sync/board/reckoner.py", "                    self._job = None\n", "                    pass\n",
        test="tests/board/test_reports.py::test_what_fails_is_said_once_and_tried_again",
    ),
    Mutant(
        "reports-until-is-exclusive", "What ended on the last day that is asked for is left out.",
        "sync/board/pages/reports.py", "start_of_day(until + timedelta(days=1), sight.zone)", "start_of_day(until, sight.zone)",
        test="tests/board/test_reports.py::test_it_says_what_the_command_says",
    ),
    # status
    Mutant(
        "status-full-disk", "Of a disk that is full `status` says that nobody has ever run.",
        HEALTH, "if found or not is_full:", "if True:",
        test="tests/unit/test_running.py::test_a_full_disk_before_the_first_sign_of_life",
    ),
    Mutant(
        "worker-ends-at-a-success", "What goes wrong in noting a success ends the worker, or its polls.",
        "sync/service/chores.py", "except Exception as error:  # such as what", "except StoreError as error:  # such as what",
        test="tests/story/test_worker.py::test_what_cannot_be_noted_of_a_success_ends_no_worker",
    ),
    Mutant(
        "status-old-failure", "What a poll failed with yesterday stands beside the token that is refused today.",
        "sync/service/chores.py", "            self._keep(chore, None)  # what stops", "            pass  # what stops",
        test="tests/story/test_worker.py::test_what_is_refused_is_told_alone",
    ),
    Mutant(
        "status-old-refusal", "A token that lacks a permission is told as refused, too, as the one before it was.",
        "sync/service/chores.py", "if entry is not service_state.TOKEN_REFUSED:", "if False:",
        test="tests/story/test_worker.py::test_a_token_that_is_taken_again_is_not_told_as_refused",
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
        "records-by-id-alone", "Each pass goes through all that was ever kept of any record.",
        "sync/storage/records.py", 'and_(table.c.kind == bindparam("of_kind"), is_among(table.c.id, "ids"))',
        'is_among(table.c.id, "ids")',
        test="tests/unit/test_long_ledger.py::test_no_question_reads_the_whole_ledger",
    ),
    Mutant(
        "kept-versions-merged", "Versions are told by their number and the newest, whose ever they are.",
        KEPT_VERSIONS, 'return " ".join((record.id, *shown))', 'return " ".join(shown)',
        test="tests/unit/test_versions_kept.py::test_a_merge_that_changes_neither_number_nor_newest_shows_other_versions",
    ),
    Mutant(
        "kept-versions-of-another", "The newest version of any property stands for all of them.",
        KEPT_VERSIONS, "{history[0].at.timestamp()}", "{max(one[0].at for _, one in histories).timestamp()}",
        test="tests/unit/test_versions_kept.py::test_each_property_counts_where_two_have_a_version_of_one_moment",
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
    # who sees the board
    Mutant(
        "board-planted-cookie", "Whoever has planted a cookie is logged in with whom it was planted on.",
        ACCESS, "cookie = secrets.token_urlsafe(32)\n", "cookie = g.cookie\n",
        test=_ATTACKED + "test_what_was_known_before_the_log_in_is_worth_nothing_after_it",
    ),
    Mutant(
        "board-unknown-name-is-quick", "How long a refusal takes tells whether there is somebody of that name.",
        ACCESS, "check_password_hash((user and user.password) or _NOBODY, password)",
        "bool(user and user.password and check_password_hash(user.password, password))",
        test=_ATTACKED + "test_it_takes_as_long_for_a_name_that_nobody_has",
    ),
    Mutant(
        "board-log-out-of-the-browser", "A log-out takes the browser's cookie, and whoever has a copy stays in.",
        ACCESS, "board_users.close_session(connection, _digest(g.cookie))", "pass",
        test=_ATTACKED + "test_a_log_out_ends_it_on_the_server_too",
    ),
    Mutant(
        "board-forms-of-neighbours", "A page of the same domain has something done.",
        ACCESS, 'not in {"same-origin", "none"}', '== "cross-site"',
        test=_ATTACKED + "test_a_form_that_is_sent_from_elsewhere_does_nothing",
    ),
    Mutant(
        "board-log-in-unproved", "Any page can have a browser log in as somebody else.",
        ACCESS, 'if request.method not in {"GET", "HEAD", "OPTIONS"}:',
        'if request.method not in {"GET", "HEAD", "OPTIONS"} and request.endpoint != "log_in":',
        test=_ATTACKED + "test_nobody_is_logged_in_by_a_form_that_is_not_the_boards",
    ),
    Mutant(
        "board-methods-nobody-thought-of", "What is neither GET nor POST is answered without a log-in.",
        ACCESS, "if g.viewer is not None or request.endpoint in OPEN:",
        'if g.viewer is not None or request.endpoint in OPEN or request.method == "HEAD":',
        test=_ATTACKED + "test_no_method_of_any_page_shows_or_does_anything_without_a_log_in",
    ),
    Mutant(
        "calendar-other-months", "A day of the next month stands in this month's calendar, too.",
        "sync/board/pages/calendar.py", " if day.month == first.month else None", "",
        test="tests/board/test_calendar.py::test_a_month_begins_on_monday_and_has_its_own_days_alone",
    ),
    Mutant(
        "calendar-of-the-past", "The calendar begins with the month since which somebody is late.",
        "sync/board/pages/calendar.py", " if day >= today.replace(day=1)", "",
        test="tests/board/test_calendar.py::test_what_comes_stands_on_its_day",
    ),
    Mutant(
        "calendar-tasks-of-others", "A task is due whose work has passed on long ago.",
        "sync/board/pages/tasks_due.py", "if one.handoff is turn.after and ", "if ",
        test="tests/board/test_calendar.py::test_a_task_that_was_closed_is_not_due",
    ),
    Mutant(
        "calendar-closed-tasks", "A task that the service has closed is still due.",
        "sync/board/pages/tasks_due.py", ' and effect.crm_id not in closed', "",
        test="tests/board/test_calendar.py::test_a_task_that_was_closed_is_not_due",
    ),
    Mutant(
        "calendar-tasks-of-ready-tickets", "A task is due of a ticket that is ready.",
        "sync/board/pages/tasks_due.py", " and one.record.id not in ready", "",
        test="tests/board/test_calendar.py::test_a_task_that_was_closed_is_not_due",
    ),
    Mutant(
        "calendar-kickoff-after-the-date", "The kickoff's task is due after the Refresh Date, on the calendar alone.",
        "sync/board/pages/tasks_due.py", "if kind is TaskKind.KICKOFF and effect.refresh_date else None", "if not kind else None",
        test="tests/board/test_calendar.py::test_the_kickoffs_task_is_due_before_the_date",
    ),
    Mutant(
        "hours-since-ever", "Each hour has all the requests that were ever made.",
        "sync/storage/budget_hours.py", "used - noted[before].get(name, 0)", "used",
        test="tests/board/test_requests_by_hour.py::test_each_hour_has_the_requests_that_were_made_in_it",
    ),
    Mutant(
        "hours-for-good", "Every hour is kept, for years.",
        "sync/storage/budget_hours.py", '    connection.execute(_FORGET, {"before": to_ms(now - KEPT) // _HOUR_MS})\n', "",
        test="tests/board/test_requests_by_hour.py::test_old_hours_are_forgotten",
    ),
    Mutant(
        "survey-not-by-cron", "A sweep that cron runs never finds a client whose date is far away.",
        "sync/service/drain.py", "(service.survey() if survey else 0)", "0",
        test=_KEPT_TEST + "test_a_sweep_that_cron_runs_fills_it_too",
    ),
    Mutant(
        "survey-outside-for-ever", "Whoever comes in by another condition is found only where something else shows it.",
        SURVEY, "        strange |= inside & portfolios.left_out(connection)\n", "",
        test=_KEPT_TEST + "test_who_comes_in_by_another_condition_is_found",
    ),
    Mutant(
        "survey-keeps-the-deleted", "A client who was deleted, and of whom no webhook told, stays one for ever.",
        SURVEY, "every ^ portfolios.known(connection)", "every - portfolios.known(connection)",
        test=_KEPT_TEST + "test_a_client_of_whose_deletion_nobody_told_is_kept_no_more_after_a_days_sweep",
    ),
    Mutant(
        "survey-again-and-again", "The survey enqueues what waits already.",
        SURVEY, "strange -= work_queue.find(connection, strange).keys()", "pass",
        test=_KEPT_TEST + "test_the_survey_enqueues_only_who_is_neither_known_nor_waiting",
    ),
    Mutant(
        "mapping-not-told", "An occurrence does not tell the mapping that decided it.",
        PLANS, "mapping=self._digest,", "mapping=None,",
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
        POLL, "one.until if one.ended else cursors[kind]", "one.until",
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
        "sync/passes/departures.py", "if before == works and told == gone:", "if before is not None and told == gone:",
        test=_LEFT_TEST + "test_on_a_portfolio",
    ),
    Mutant(
        "left-from-ticket-unnoticed", "Who has left a ticket of their own is noticed at the client's next pass only.",
        "sync/passes/departures.py", "concerned |= looks.naming(connection, named)", "concerned |= set()",
        test=_LEFT_TEST + "test_on_a_ticket_that_they_have_had",
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
        "well-but-for-the-copied", "Whoever ran when a copy was made has crashed once it is put back.",
        "sync/storage/copies.py", "        processes.forget(connection)  # those", "        # those",
        test=_RUNNING_TEST + "test_who_ran_when_a_copy_was_made_did_not_crash",
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
        test=_WELL_TEST + "test_the_next_sign_of_life_says_for_whom_the_worker_waits",
    ),
    Mutant(
        "ping-whatever-happens", "The monitor is told that all is well while nothing works.",
        PING, "_failing(self._url) if fails else self._url", "self._url",
        test=_WELL_TEST + "test_a_ping_while_the_service_works",
    ),
)  # fmt: skip
