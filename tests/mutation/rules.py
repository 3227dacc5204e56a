"""Faults in what all handoffs stand on: times, cycles, what the rules see, and records that were merged."""

from tests.mutation.decisions import CYCLES, UNIT, decision
from tests.mutation.mutant import Mutant

APPROVED = "sync/rules/handoffs/approved.py"
CLOSED = "sync/rules/handoffs/closed.py"
DATE_ARRIVED = "sync/rules/handoffs/date_arrived.py"
DECLINED = "sync/rules/handoffs/declined.py"
ENDINGS = "sync/rules/handoffs/endings.py"
ANCESTRY = "sync/rules/ancestry.py"
IDENTITY = "sync/rules/identity.py"
KICKOFF = "sync/rules/handoffs/kickoff.py"
REVISIONS = "sync/rules/handoffs/revisions.py"
SET_READY = "sync/rules/handoffs/set_ready.py"
CONTEXT = "sync/rules/context.py"
CYCLE = "sync/rules/cycle.py"
CADENCE = "sync/rules/cadence.py"
DECIDE = "sync/rules/decide.py"
MODEL = "sync/rules/model.py"
GROUP = "sync/passes/snapshot/group.py"
PARENTS = "sync/passes/snapshot/parents.py"
RECORDS = "sync/passes/snapshot/records.py"

MUTANTS = (
    # the settle time
    Mutant(
        "settle-slip-ends", "What was taken back within seconds ends the cycle all the same.",
        CYCLE, "    return stood\n", "    return True\n",
    ),
    Mutant(
        "settle-moved-on-is-a-slip", "What stood for hours ends nothing once somebody has moved it on.",
        CYCLE, "stood >= settle or not settle, known", "stood >= settle and after is None, known",
    ),
    Mutant(
        "settle-set-again-begins-anew", "The time begins anew with the same status set again while it stands.",
        CYCLE, "if previous is None or version.value is not previous.value:", "if True:",
        test=f"{CYCLES}::test_set_again_while_it_stands_is_one_version_and_its_time_goes_on",
    ),
    Mutant(
        "settle-by-our-clock", "How long it has stood is told by the service's own clock.",
        CONTEXT, "return self.snapshot.read_at or self.times.now", "return self.times.now",
        test=f"{UNIT}/test_decide.py::test_our_own_clock_tells_nothing_of_how_long_it_has_stood",
        why="In the simulation there is one clock.",
    ),
    Mutant(
        "settle-call-not-taken-off", "The time of a slow answer is taken for the time at which it was asked.",
        "sync/hubspot/transport.py", ".astimezone(UTC) - timedelta(seconds=seconds)", ".astimezone(UTC)",
        test="tests/contract/hubspot/test_reading.py::TestReading::test_the_crms_own_time_not_later_than_the_call",
        why="In the simulation a call takes no time, unless it is disturbed.",
    ),
    Mutant(
        "settle-own-waits", "The service's own Creatives Implemented has to stand like a person's.",
        CYCLE, "by_service = version.own and version.value is Status.CREATIVES_IMPLEMENTED", "by_service = False",
        test=f"{CYCLES}::test_the_services_own_word_counts_at_once",
    ),
    Mutant(
        "settle-reset-is-a-slip", "After a lost database, what the service had reset at once counts for nothing.",
        CYCLE, "if by_service or (after is not None and after.own):", "if by_service:",
        test=f"{CYCLES}::test_the_services_own_word_counts_at_once",
    ),
    Mutant(
        "settle-judged-anew", "What counted under another settle time is judged anew.",
        CYCLE, "if version.ms in known.counted or (", "if (",
        test=f"{CYCLES}::test_what_the_ledger_holds_stays_as_it_was_judged",
        why="In the simulation the settle time stays as it is.",
    ),
    Mutant(
        "settle-old-slips-end", "Slips of before the upgrade end cycles by the upgrade.",
        CYCLE, "known.before is not None and after.at < known.before", "known.before is None and after.own",
        test=f"{CYCLES}::test_what_was_changed_before_there_was_a_settle_time",
        why="The simulation begins with this release.",
    ),
    Mutant(
        "settle-1-goes-on", "The kickoff empties a decline while a closing version may still be taken back.",
        KICKOFF, "(settling := until_settled(context, Handoff.KICKOFF)) is not None", "(settling := None) is not None",
        test=decision("1 a closing version may still be taken back: nothing is decided that hangs on the status"),
    ),
    Mutant(
        "settle-3-goes-on", "The SAS is told to create tickets while a closing version may still be taken back.",
        DATE_ARRIVED, "(settling := until_settled(context, Handoff.DATE_ARRIVED)) is not None", "(settling := None) is not None",
        test=decision("3 a closing version may still be taken back: nothing is decided that hangs on the status"),
    ),
    Mutant(
        "settle-5-goes-on", "A set is announced, over the status, while a closing version may still be taken back.",
        SET_READY, "(settling := until_settled(context, Handoff.SET_READY)) is not None", "(settling := None) is not None",
        test=decision("5 a closing version may still be taken back: nothing is decided that hangs on the status"),
    ),
    Mutant(
        "settle-7-goes-on", "Approvals are recorded as overtaken while a closing version may still be taken back.",
        APPROVED, "(settling := until_settled(context, Handoff.APPROVED)) is not None", "(settling := None) is not None",
        test=decision("7 a closing version may still be taken back: nothing is decided that hangs on the status"),
    ),
    Mutant(
        "settle-8-goes-on", "An older closing is carried out, and empties one that may still be taken back.",
        CLOSED, "(settling := until_settled(context, Handoff.CLOSE)) is not None", "(settling := None) is not None",
        test=decision("8 an older closing waits while a second one may be taken back: the reset would empty it"),
    ),
    Mutant(
        "settle-2a-says-nothing", "That a decline waits is not said, and it is not looked at again.",
        DECLINED, "settling = until_settled(context, Handoff.DECLINED)", "settling = None",
        test=decision("2a declined, and it may still be taken back: nothing yet"),
    ),
    Mutant(
        "settle-2a-switch", "The switch empties a second decline with the first.",
        DECLINED, "is Status.NO_REFRESH_REQUESTED and context.settling is None", "is Status.NO_REFRESH_REQUESTED",
        test=decision(
            "2a a decline that counted is carried out while another closing version waits, which the switch does not empty"
        ),
    ),
    Mutant(
        "settle-slip-not-recorded", "A slip is not recorded, and another settle time makes it end a cycle.",
        ENDINGS, "if version.value is by and fresh and", "if version.value is by and not fresh and",
        test=decision("8 a slip is told as one"),
    ),
    Mutant(
        "settle-task-at-once", "A ticked implementation task counts within the second.",
        CONTEXT, "if self.counts_at(task.completed_at) <= self.read_at:", "if True:",
    ),
    Mutant(
        "settle-7-second-task", "A slip on the task and an approval set again make a second implementation task.",
        APPROVED, "(counts_at := context.unsettled(before)) is not None", "(counts_at := None) is not None",
        test=decision("7 set again after the task was completed, which may still be taken back: wait"),
    ),
    Mutant(
        "settle-begun-is-given-up", "What was begun is given up for good while a closing version waits.",
        "sync/rules/transition.py", "handoffs = {*decision.undecided, *of_all", "handoffs = {*of_all",
        test=f"{UNIT}/test_decide.py::test_what_was_begun_is_left_as_it_is_while_a_closing_version_waits",
    ),
    Mutant(
        "settle-not-looked-at-again", "When a closing counts, nobody looks before the next sweep.",
        DECIDE, "v.state is State.WAITING and v.when]", "v.state is State.WAITING and v.when and not context.settling]",
        test=f"{UNIT}/test_decide.py::test_it_is_looked_at_again_when_a_closing_version_counts",
    ),
    Mutant(
        "settle-task-not-looked-at-again", "When a completed implementation task counts, nobody looks before the next sweep.",
        DECIDE, "frozenset({Handoff.DECLINED, Handoff.SET_READY, Handoff.REVISIONS, Handoff.APPROVED, Handoff.CLOSE})",
        "frozenset({Handoff.DECLINED, Handoff.SET_READY, Handoff.REVISIONS})",
        test=f"{UNIT}/test_decide.py::test_it_is_looked_at_again_when_a_completed_task_counts",
    ),
    Mutant(
        "settle-remembered-too-soon", "The ledger remembers a closing that may still be taken back.",
        DECIDE, "tuple(ending.closing for ending in context.endings)",
        "tuple(ending.closing for ending in (*context.endings, *([context.settling] if context.settling else [])))",
        test=f"{UNIT}/test_decide.py::test_closings_are_remembered_once_they_are_sure",
    ),
    # the cycle and the date
    Mutant(
        "cycle-without-end", "Every cycle is taken for the first.",
        CYCLE, "return START if started is None else str(to_ms(started))", "return START",
    ),
    Mutant(
        "cadence-from-today", "The next date is counted from today, not from the old date.",
        CADENCE, "start = today if current is None else current", "start = today",
    ),
    Mutant(
        "cadence-one-too-many", "Counted in days, the next date skips one refresh.",
        CADENCE, "(today - start).days // interval.days + 1)", "(today - start).days // interval.days + 2)",
    ),
    Mutant(
        "cadence-stays-days", "Counted in days, a date that is still ahead does not move.",
        CADENCE, "return max(1, (today - start).days", "return max(0, (today - start).days",
    ),
    Mutant(
        "cadence-stays-months", "Counted in months, a date that is still ahead does not move.",
        CADENCE, "return max(1, -(-months", "return max(0, -(-months",
    ),
    Mutant(
        "cadence-today-is-later", "The next date may be today.",
        CADENCE, "if found <= today:", "if found < today:",
        test="tests/unit/test_cadence.py::test_the_next_date[the month is this one, the day is today]",
    ),
    Mutant(
        "cadence-drifts", "Months are counted step by step: the 31st becomes the 28th for good.",
        CADENCE, "return start + relativedelta(months=interval.months * count, day=start.day if day is None else day)",
        "for _ in range(count):\n        start += relativedelta(months=interval.months)\n    return start",
        test="tests/unit/test_cadence.py::test_the_next_date[and the 31st again after it]",
    ),
    Mutant(
        "day-forgotten-after-february", "Months keep the day of the date now on the record: the 31st becomes the 28th.",
        CONTEXT, "day = self.month_day if interval.months else None", "day = None",
        test=decision("2a months keep the day that a person chose: after 28 February comes 31 March"),
    ),
    Mutant(
        "day-own-date-chosen", "The service's own date counts as chosen by a person.",
        CONTEXT, "(version.value for version in self.portfolio.date_history if not version.own)",
        "(version.value for version in self.portfolio.date_history)",
        test=decision("8 months keep the day that a person chose: after 28 February comes 31 March"),
    ),
    Mutant(
        "day-set-by-hand-ignored", "What the ledger remembers of the day wins over what a person has set since.",
        CONTEXT, "for day in (self._day_in_history(), self._day_in_ledger(current)):",
        "for day in (self._day_in_ledger(current), self._day_in_history()):",
        test=decision("2a a person sets the 28th by hand after the service: chosen"),
    ),
    Mutant(
        "day-not-remembered", "The ledger does not remember the day, which the CRM forgets.",
        ENDINGS, "if following.month_day is not None:", "if False:",
        test=decision("8 the CRM has forgotten the day that was chosen: the ledger remembers it"),
    ),
    Mutant(
        "day-of-any-date", "The day that the ledger remembers counts for whatever date stands by now.",
        CONTEXT, "recorded.detail.get(NEXT_DATE) == current.isoformat()", "NEXT_DATE in recorded.detail",
        test=decision(
            "2a the CRM has forgotten it, and another integration has set another date: what the ledger wrote stands no more"
        ),
    ),
    Mutant(
        "day-of-a-date-moved-since", "The chosen day counts though a cadence of days has moved the date since.",
        CADENCE, "    return None\n\n\ndef _after(", "    return current\n\n\ndef _after(",
        test=decision("2a moved by weeks since: the day that was chosen is no longer the date's"),
    ),
    Mutant(
        "day-month-left-out", "A date that a weekend has moved into the next month is counted from there.",
        CADENCE, "        start = meant\n    else:", "        pass\n    else:",
        test=decision("2a moved off a weekend, into the next month: no month is skipped, and the day is kept"),
    ),
    # what the rules see
    Mutant(
        "settled-whatever-the-write", "A rule is through with an occurrence whose write is still to be done.",
        MODEL, "return self.committed and all(e.state in through for e in self.effects if e.kind is EffectKind.WRITE)",
        "return self.committed",
        test="tests/unit/test_ledger.py::test_a_write_that_nobody_knows_of_is_not_settled",
    ),
    Mutant(
        "ticket-highest-portfolio", "A ticket on two portfolios counts for the one with the highest id.",
        PARENTS, "return min(primary or [end.to for end in ends], key=int, default=None)",
        "return max(primary or [end.to for end in ends], key=int, default=None)",
        test="tests/story/handoffs/test_4_tickets.py::test_4_on_two_portfolios_it_counts_for_the_primary_one",
    ),
    Mutant(
        "ticket-primary-ignored", "The label Primary does not decide where a ticket counts.",
        PARENTS, 'if any(label.casefold() == "primary"', 'if any(label.casefold() == "first"',
    ),
    Mutant(
        "ticket-on-both", "A ticket on two portfolios counts for both.",
        GROUP, "if read.parents.of.get(t) == i and t in read.tickets]", "if t in read.tickets]",
        test="tests/story/handoffs/test_4_tickets.py::test_4_on_two_portfolios_it_counts_for_the_primary_one",
    ),
    Mutant(
        "ticket-never-closed", "A closed stage is not known as closed.",
        RECORDS, "is_open=here and not portal.is_closed(stage_id)", "is_open=here",
        test="tests/story/handoffs/test_5_set_ready.py::test_5_what_can_complete_a_set",
    ),
    Mutant(
        "ticket-came-when-created", "A ticket came into the pipeline when it was created, wherever that was.",
        IDENTITY, "came_in=since(pipelines, bool, ticket.created_at) if here else None,",
        "came_in=ticket.created_at if here else None,",
        test="tests/story/test_interruptions.py::test_a_ticket_made_long_ago_is_of_the_cycle_in_which_it_came_into_the_pipeline",
    ),
    Mutant(
        "date-in-local-time", "A date that comes as milliseconds is read in New York, not at midnight UTC.",
        RECORDS, "return moment.astimezone(UTC).date()",
        "return datetime.fromtimestamp(moment.timestamp() - 5 * 3600, UTC).date()",
    ),
    Mutant(
        "barrier-not-looked-at-again", "Nobody looks again when the barrier's time is up.",
        DECIDE,
        "frozenset({Handoff.DECLINED, Handoff.SET_READY, Handoff.REVISIONS, Handoff.APPROVED, Handoff.CLOSE})",
        "frozenset({Handoff.DECLINED, Handoff.REVISIONS, Handoff.APPROVED, Handoff.CLOSE})",
        test=f"{UNIT}/test_5_set_ready.py::test_a_set_that_waits_for_the_barrier_is_looked_at_when_its_time_is_up",
    ),
    Mutant(
        "blocked-for-ever", "What waited for a person is not given to the one who comes.",
        DECIDE, "found[effect.key] = Reassigned(owner, blocked)",
        "found[effect.key] = Reassigned(None, blocked or effect.reason)",
        test=decision("4 the designer is named later: that task alone"),
    ),
    Mutant(
        "6-closing-leaves-them-open", "A task that a closing is about to complete stands for what is asked after it.",
        REVISIONS, "for ending in context.pending if context.mapping.rules.close_leftovers else context.pending_declines:",
        "for ending in context.pending_declines:",
        test="tests/unit/handoffs/test_6_revisions.py::test_6_asked_for_again_right_after_a_closing_gets_new_tasks",
    ),
    # merged records
    Mutant(
        "lost-kickoff-tells-no-ending", "After a loss, the next cycle's kickoff does not tell that the ending was carried out.",
        ENDINGS, "return bool(_begun_after(context, ending)) or _has_moved_the_date(context, ending)",
        "return _has_moved_the_date(context, ending)",
        test=decision(
            "2a a lost database: the CRM has forgotten the move, and the kickoff of the cycle that it began is there"
        ),
    ),
    Mutant(
        "lost-later-move-for-an-earlier-end", "After a loss a move made after the next cycle began counts for the end before it.",
        ENDINGS, "if moves and (not begun or moves[0] <= min(begun)):", "if moves:",
        test=decision("2a a lost database: the CRM has forgotten the move for the decline before, and shows the one for this"),
    ),
    Mutant(
        "lost-any-kickoff-tells-the-ending", "After a loss, a kickoff of the cycle that it ended tells that it was carried out.",
        ENDINGS, "int(cycle) >= ending.version.ms]", "int(cycle) >= 0]",
        test=decision("8 a lost database: the second closing is still to be carried out"),
    ),
    Mutant(
        "merged-other-is-primary", "The one that was merged away is taken for the primary.",
        ANCESTRY, "told = [former.record for former in merged if former.primary]",
        "told = [former.record for former in merged if former.primary is False]",
        test=decision("merged but not what was open of a cycle of the other one that had ended"),
    ),
    Mutant(
        "merged-cycle-tells-nothing", "Which record was the primary is not told by the cycle in which the new one went on.",
        ANCESTRY, "return self._goes_on(record), name,", "return 0, name,",
        test="tests/unit/test_ancestry.py::test_the_cycle_that_the_new_record_went_on_in_tells_more_than_any_name",
    ),
    Mutant(
        "merged-primary-by-what-stands-now", "Which record was the primary is told by what people have set since the merge.",
        ANCESTRY, "return before[0].value if before and len(before) < len(history) else value", "return value",
        test="tests/unit/test_ancestry.py::test_what_people_have_set_since_the_merge_does_not_tell",
    ),
    Mutant(
        "merged-name-tells-nothing", "Which record was the primary is not told by what it was called.",
        ANCESTRY, "name = 0 if not called", "name = 0 if called",
        test="tests/story/handoffs/test_merged.py::test_1_the_primary_is_told_by_its_name_where_its_date_was_just_changed",
    ),
    Mutant(
        "merged-primary-not-remembered", "Which record was the primary is told anew by what stands now, at each look.",
        "sync/passes/found.py", "    identities.remember(connection, known)\n", "",
        test="tests/story/handoffs/test_merged.py::test_1_whom_the_first_look_took_for_the_primary_stays_it",
    ),
    Mutant(
        "merged-tickets-task-made-again", "What waits for a person on one of two merged tickets is made though the other has it.",
        "sync/rules/handoffs/tickets.py", "if effect is not stays and effect.state in OPEN_EFFECTS",
        "if effect is stays and effect is None",
        test=decision("merged what waited for a person on one ticket was made on the other: it is not made again"),
    ),
    Mutant(
        "merged-waits-on-both-made-on-neither", "What waits for a person on both of two merged tickets is never made.",
        "sync/rules/handoffs/tickets.py", "if effect is not stays and effect.state in OPEN_EFFECTS",
        "if effect.state in OPEN_EFFECTS",
        test=decision("merged it waits on both: it is made once"),
    ),
    Mutant(
        "merged-recovered-task-of-other", "After a loss, the tasks that are found of the other ticket do not count.",
        "sync/rules/handoffs/work.py", "for recorded in of_cause for effect in recorded.effects",
        "for recorded in list(of_cause)[:1] for effect in recorded.effects",
        test=decision("merged after a lost database one task is found on each: none is made again"),
    ),
    Mutant(
        "merged-old-keys-forgotten", "What was done under an old id is not looked up.",
        MODEL, "records = ancestry.line if key.cycle_told else (*ancestry.line, *ancestry.others)",
        "records = (ancestry.record,)",
        test=decision("merged a revision that the ticket took from the other one is answered, and not emptied by the merge"),
    ),
    Mutant(
        "merged-every-version-counts", "The other one's versions count as the primary's.",
        IDENTITY, "kept = [version for version in people if self._is_of_line(name, version)]", "kept = list(people)",
        test=decision("merged a date of the other one, out of the window, is no date of the primary's"),
    ),
    Mutant(
        "merged-version-is-an-act", "A version that the merge itself wrote is taken for an act of a person.",
        IDENTITY, "people = [version for version in before if not version.by_merge]", "people = list(before)",
        test=decision("merged the approval that the merge has written again is no new one"),
    ),
    Mutant(
        "merged-stage-by-newest-version", "A merged ticket is in the stage of its newest version, whatever stands.",
        IDENTITY, "ticket.pipeline_history, ticket.stage_value\n", "ticket.pipeline_history, ticket.stage_history[0].value\n",
        test="tests/story/handoffs/test_merged.py::test_5_an_answer_without_the_merges_version_announces_nothing",
    ),
    Mutant(
        "merged-unknown-never-counts", "A version that nobody knows does not count, though it led to the value that stands.",
        IDENTITY, "leading = next((one for one in since if", "leading = next((one for one in kept if",
        test=decision("merged a decline that nobody knows whose it was counts, as it led to the value that stands"),
    ),
    Mutant(
        "merged-ended-task-stands", "A task that an ending is still to close stands for an approval of the next cycle.",
        "sync/rules/handoffs/endings.py", "context.cycle) if task not in ended]", "context.cycle) if task or ended]",
        test=decision("merged nor does that task, which the service has completed, close the next cycle"),
    ),
    Mutant(
        "merged-closed-task-stands", "A task that an ending has closed stands for an approval of the next cycle.",
        "sync/rules/handoffs/endings.py",
        "ended |= {task for recorded in endings for task in _closes(recorded)}", "ended |= set()",
        test=decision("merged an ending of before the merge has closed the other one's task: a new approval gets its own"),
    ),
    Mutant(
        "merged-closing-outside-ends", "What came and went outside of the condition ends a cycle once its record is merged.",
        CONTEXT, "if not outside and not self._was_passed_over(ending):", "if not outside:",
        test=decision("merged what came and went outside of the condition before the merge ends no cycle after it"),
    ),
    Mutant(
        "merged-emptied-before-stands", "A value that the primary had emptied stands again, as the other one brought the same.",
        IDENTITY, "emptied_at is None or version.at > emptied_at", "emptied_at is None or version.at",
        test=decision("merged the primary had the same value once, answered and emptied: what stands is the other one's"),
    ),
    Mutant(
        "merged-closing-of-other-ends", "A closing version of the other one ends the running cycle where its value stands.",
        IDENTITY, "may_inherit=lambda status: status not in CLOSING_STATUSES", "may_inherit=lambda _: True",
        test=decision("merged nor does one that a pass had seen and could not carry out, though its value stands now"),
    ),
    Mutant(
        "merged-tasks-of-other-stay", "What the other one had open stays open when the cycle ends.",
        IDENTITY, "if cycle != cycles.running(root.record):", "if cycle:",
        test=decision("merged after the merge a decline closes what was open of both"),
    ),
    Mutant(
        "merged-ended-cycles-join", "What was made in earlier cycles of the other one belongs to the running cycle.",
        IDENTITY, "if cycle != cycles.running(root.record):", "if not cycle:",
        test=decision("merged but not what was open of a cycle of the other one that had ended"),
    ),
    Mutant(
        "merged-any-kickoff-counts", "The other one's kickoff counts whatever date it was for.",
        KICKOFF, "if recorded.settled and context.is_for_date(recorded)", "if recorded.settled",
        test=decision("merged the other one was kicked off for another date: the primary's own comes"),
    ),
    Mutant(
        "merged-any-date-counts", "A date of the other one that came counts whatever the primary's is.",
        DATE_ARRIVED, "if recorded.settled and context.is_for_date(recorded)", "if recorded.settled",
        test="tests/story/handoffs/test_merged.py::test_3_an_earlier_date_of_the_primary_comes_all_the_same",
    ),
    Mutant(
        "merged-entries-forgotten", "Tickets that were merged are announced anew.",
        "sync/rules/handoffs/announcements.py", "Entry(current(RecordRef(Kind.TICKET, entry.ticket)).id, entry.ms)",
        "Entry(entry.ticket, entry.ms)",
        test="tests/story/handoffs/test_merged.py::test_5_merged_tickets_of_an_announced_set",
    ),
    Mutant(
        "merged-older-task-closes-nothing", "Of the implementation tasks of both only the newest closes the cycle.",
        CONTEXT, "return keys.parse(occurrence).record if self.ledger.is_other(occurrence) else None", "return None",
        test=decision("merged the other one's is completed after the merge"),
    ),
    Mutant(
        "merged-done-before-the-merge", "A task of the other one that was completed before the merge closes the cycle.",
        CLOSED, " and not _was_done_before_merge(context, task)", "",
        test=decision("merged the other one's was completed before the merge, for another status"),
    ),
    Mutant(
        "merged-done-though-one-is-open", "A task of the other one, completed before the approval, closes it though one is open.",
        CLOSED, "return own or any(one.is_open for one in newest)", "return own",
        test=decision("merged the other one's was completed after the merge, and an approval has come since for which the "
                      "primary's open one does"),
    ),
    Mutant(
        "merged-done-for-another-approval", "A task of the other one that was completed before the approval closes the cycle.",
        CLOSED, "own = any(one.kind is EffectKind.TASK and", "own = False and any(",
        test=decision("merged the same, and that task was deleted"),
    ),
    Mutant(
        "merged-emptied-at-once", "A revision that the ticket took from the other one is emptied by the merge.",
        REVISIONS, "if newest.inherited and ticket.merged_at", "if ticket.came_in is None and ticket.merged_at",
        test=decision("merged a revision that the ticket took from the other one is answered, and not emptied by the merge"),
    ),
    Mutant(
        "merged-lost-kickoff", "After a loss a kickoff of the other one counts for no date.",
        CONTEXT, "return there and ahead is not None and ahead <= self.window", "return False",
        test=decision("merged the same after a lost database"),
    ),
    Mutant(
        "partly-blocked-unwatched", "Of an occurrence blocked in part, the next look is the daily sweep's.",
        "sync/rules/decide.py", "return verdict.state is State.BLOCKED or any(effect.blocked for effect in effects)",
        "return verdict.state is State.BLOCKED",
        test="tests/story/test_verify.py::TestLeftLying::test_nobody_looks_at_it_any_more",
    ),
    Mutant(
        "5-brought-along-is-new", "What the other of two merged portfolios announced in a cycle since ended is announced again.",
        SET_READY, "for one in (*before, *ended) if one.was_made", "for one in before if one.was_made",
        test=decision("merged a set that the other one announced in a cycle since ended is announced"),
    ),
)  # fmt: skip
